//! The split by citing paper, paper for paper as NumPy makes it.

use super::random_state::RandomState;
use super::record::{ByLabel, balanced_class_weights};
use super::{PaperId, Record};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SplitSettings {
    /// Seed of NumPy's `RandomState`.
    pub seed: u32,
    /// Fraction of papers for training.
    pub train: f64,
    /// Fraction of papers for validation; the rest is for the test.
    pub validation: f64,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { seed: 42, train: 0.70, validation: 0.15 }
    }
}

/// One part of a split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Its papers in shuffled order.
    pub papers: Vec<PaperId>,
    /// Positions of its rows among the dataset's records, in file order.
    pub rows: Vec<usize>,
    /// Rows of class 0 and of class 1.
    pub labels: [usize; 2],
}

/// Train, validation and test.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// For fitting.
    pub train: Part,
    /// For choosing the epoch and the threshold.
    pub validation: Part,
    /// For the last figures.
    pub test: Part,
    /// `N / (2·N_c)` over the train part; infinite for a class that does not occur there.
    pub class_weights: [f64; 2],
}

/// Why a split cannot be made or trained on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A fraction is not between 0 and 1, or they sum to more than 1.
    #[error(
        "the fractions {train} for training and {validation} for validation must each lie between 0 and 1 and leave a part for the test"
    )]
    Fractions { train: f64, validation: f64 },
    /// Training needs rows in this part.
    #[error("the {part} part of the split is empty: the dataset has only {papers} papers after cleaning")]
    EmptyPart { part: &'static str, papers: usize },
    /// Training needs both classes.
    #[error("every row of the train part has label {label}: training needs both classes")]
    OneClass { label: usize },
    /// The file has no labels.
    #[error("the dataset has no labels, so it cannot be trained on")]
    Unlabelled,
}

impl Split {
    /// Splits the rows `kept` of `records` by paper.
    ///
    /// # Errors
    /// [`SplitError::Fractions`].
    pub fn by_paper(records: &[Record], kept: &[usize], settings: SplitSettings) -> Result<Self, SplitError> {
        let SplitSettings { seed, train, validation } = settings;
        let possible = |fraction: f64| (0.0..=1.0).contains(&fraction);
        // 0.7 + 0.2 + 0.1 is not 1 in binary fractions, so the sum has some slack.
        if !possible(train) || !possible(validation) || train + validation > 1.0 + 1e-9 {
            return Err(SplitError::Fractions { train, validation });
        }
        let mut places = HashMap::new();
        let mut papers = Vec::new();
        for &row in kept {
            let paper = &records[row].original_paper_id;
            places.entry(paper).or_insert_with(|| {
                papers.push(paper);
                papers.len() - 1
            });
        }
        RandomState::new(seed).shuffle(&mut papers);
        let for_train = ((train * papers.len() as f64) as usize).min(papers.len());
        let for_validation = ((validation * papers.len() as f64) as usize).min(papers.len() - for_train);
        let (train, rest) = papers.split_at(for_train);
        let (validation, test) = rest.split_at(for_validation);
        let mut parts = [train, validation, test]
            .map(|papers| Part { papers: papers.iter().map(|&paper| paper.clone()).collect(), ..Part::default() });
        // From here on a paper's place is its part.
        for (part, papers) in [train, validation, test].into_iter().enumerate() {
            for &paper in papers {
                places.insert(paper, part);
            }
        }
        for &row in kept {
            let part = &mut parts[places[&records[row].original_paper_id]];
            part.rows.push(row);
            if let Some(label) = records[row].label {
                part.labels[label.index()] += 1;
            }
        }
        let [train, validation, test] = parts;
        let class_weights = balanced_class_weights(train.labels);
        Ok(Self { train, validation, test, class_weights })
    }

    /// The parts with their names, in the order train, validation, test.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &Part); 3] {
        [("train", &self.train), ("validation", &self.validation), ("test", &self.test)]
    }

    /// Refuses what cannot be trained on: an empty train or validation part, a train part of one class.
    ///
    /// # Errors
    /// Which of these it is.
    pub fn check_trainable(&self) -> Result<(), SplitError> {
        let papers = self.parts().iter().map(|(_, part)| part.papers.len()).sum();
        for (name, part) in [("train", &self.train), ("validation", &self.validation)] {
            if part.rows.is_empty() {
                return Err(SplitError::EmptyPart { part: name, papers });
            }
        }
        match self.train.labels {
            [0, 0] => Err(SplitError::Unlabelled),
            [_, 0] => Err(SplitError::OneClass { label: 0 }),
            [0, _] => Err(SplitError::OneClass { label: 1 }),
            _ => Ok(()),
        }
    }
}

/// Papers, rows and labels of each part and the class weights: the output of `citelink split --json`. A weight that is
/// infinite becomes null.
impl Serialize for Split {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct PartSummary<'a> {
            papers: &'a [PaperId],
            rows: usize,
            labels: ByLabel<usize>,
        }
        let mut summary = serializer.serialize_struct("Split", 4)?;
        for (name, part) in self.parts() {
            let Part { papers, rows, labels } = part;
            summary.serialize_field(name, &PartSummary { papers, rows: rows.len(), labels: (*labels).into() })?;
        }
        summary.serialize_field("class_weights", &ByLabel::from(self.class_weights))?;
        summary.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Label;

    /// One row for each number, which is its paper, labelled 1 where the paper's number is odd.
    fn records(papers: impl IntoIterator<Item = i64>) -> Vec<Record> {
        let record = |(row, paper)| Record {
            line: row + 1,
            original_paper_id: PaperId::Integer(paper),
            sentence: Some("A sentence".into()),
            ref_paper_id: None,
            ref_paper_title: None,
            ref_paper_authors: None,
            ref_paper_text: Some("A text".into()),
            label: Some(if paper % 2 == 1 { Label::Citation } else { Label::NotCitation }),
        };
        papers.into_iter().enumerate().map(record).collect()
    }

    fn split(records: &[Record], settings: SplitSettings) -> Split {
        let kept: Vec<usize> = (0..records.len()).collect();
        Split::by_paper(records, &kept, settings).unwrap()
    }

    #[test]
    fn every_row_follows_its_paper() {
        let records = records([4, 4, 9, 1, 4, 2, 1, 3, 5, 6, 7, 8, 0, 9]);
        let split = split(&records, SplitSettings::default());
        assert_eq!(split.parts().map(|(_, part)| part.papers.len()), [7, 1, 2]);
        let mut rows: Vec<usize> = split.parts().iter().flat_map(|(_, part)| part.rows.clone()).collect();
        for (_, part) in split.parts() {
            assert!(part.rows.is_sorted());
            assert!(part.rows.iter().all(|&row| part.papers.contains(&records[row].original_paper_id)));
            assert_eq!(part.labels[0] + part.labels[1], part.rows.len());
        }
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..records.len()));
    }

    #[test]
    fn fractions_are_checked() {
        for (train, validation) in [(-0.1, 0.5), (1.1, 0.0), (0.7, 0.4), (f64::NAN, 0.1), (0.1, f64::INFINITY)] {
            let refused = Split::by_paper(&[], &[], SplitSettings { seed: 1, train, validation });
            assert!(matches!(refused, Err(SplitError::Fractions { .. })));
        }
        let all = split(&records(0..10), SplitSettings { seed: 1, train: 0.9, validation: 0.1 });
        assert_eq!(all.parts().map(|(_, part)| part.papers.len()), [9, 1, 0]);
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        let check =
            |papers: &[i64]| split(&records(papers.iter().copied()), SplitSettings::default()).check_trainable();
        assert_eq!(check(&[]), Err(SplitError::EmptyPart { part: "train", papers: 0 }));
        assert_eq!(check(&[1, 2, 3]), Err(SplitError::EmptyPart { part: "validation", papers: 3 }));
        assert_eq!(check(&[2, 4, 6, 8, 10, 12, 14, 16]), Err(SplitError::OneClass { label: 0 }));
        assert_eq!(check(&[1, 3, 5, 7, 9, 11, 13, 15]), Err(SplitError::OneClass { label: 1 }));
        assert_eq!(check(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), Ok(()));
        let mut unlabelled = records(0..10);
        for record in &mut unlabelled {
            record.label = None;
        }
        assert_eq!(split(&unlabelled, SplitSettings::default()).check_trainable(), Err(SplitError::Unlabelled));
    }
}
