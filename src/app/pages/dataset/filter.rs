//! Which rows the table shows.

use super::loaded::RowPart;
use crate::dataset::{Dataset, Label, LintKind, PaperId, Record};
use crate::progress::Progress;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

/// A field that may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Sentence,
    ReferenceId,
    Title,
    Authors,
    Text,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sentence, Self::ReferenceId, Self::Title, Self::Authors, Self::Text];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sentence => "sentence",
            Self::ReferenceId => "ref_paper_id",
            Self::Title => "ref_paper_title",
            Self::Authors => "ref_paper_authors",
            Self::Text => "ref_paper_text",
        }
    }

    /// Whether a record lacks it.
    pub fn missing(self, record: &Record) -> bool {
        match self {
            Self::Sentence => record.sentence.is_none(),
            Self::ReferenceId => record.ref_paper_id.is_none(),
            Self::Title => record.ref_paper_title.is_none(),
            Self::Authors => record.ref_paper_authors.is_none(),
            Self::Text => record.ref_paper_text.is_none(),
        }
    }
}

/// What a row has to be to be shown; every condition that is set must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Every word of it occurs in the row, in whatever case.
    pub search: String,
    pub label: Option<Label>,
    pub part: Option<RowPart>,
    pub missing: Option<Field>,
    pub paper: Option<PaperId>,
    /// A kind of noise, with the lines on which it was found, ascending.
    pub lint: Option<(LintKind, Vec<usize>)>,
}

impl Filter {
    /// Whether it lets every row through.
    pub fn is_empty(&self) -> bool {
        *self == Self { search: self.search.clone(), ..Self::default() } && self.search.trim().is_empty()
    }

    /// Positions of the rows that it lets through, in file order; None where it was cancelled.
    pub fn apply(&self, dataset: &Dataset, parts: &[RowPart], progress: &dyn Progress) -> Option<Vec<u32>> {
        let words: Vec<String> = self.search.split_whitespace().map(str::to_lowercase).collect();
        let rows = dataset
            .records
            .par_iter()
            .enumerate()
            .filter(|(row, record)| !progress.cancelled() && self.lets_through(record, parts[*row], &words))
            .map(|(row, _)| row as u32)
            .collect();
        (!progress.cancelled()).then_some(rows)
    }

    fn lets_through(&self, record: &Record, part: RowPart, words: &[String]) -> bool {
        self.label.is_none_or(|label| record.label == Some(label))
            && self.part.is_none_or(|wanted| part == wanted)
            && self.missing.is_none_or(|field| field.missing(record))
            && self.paper.as_ref().is_none_or(|paper| record.original_paper_id == *paper)
            && self.lint.as_ref().is_none_or(|(_, lines)| lines.binary_search(&record.line).is_ok())
            && (words.is_empty() || contains_all(record, words))
    }
}

fn contains_all(record: &Record, words: &[String]) -> bool {
    let texts = [&record.sentence, &record.ref_paper_title, &record.ref_paper_authors, &record.ref_paper_text];
    let mut row = String::new();
    for text in texts.into_iter().flatten() {
        row.push_str(&text.to_lowercase());
        row.push('\n');
    }
    for id in std::iter::once(&record.original_paper_id).chain(&record.ref_paper_id) {
        row.push_str(&id.to_string().to_lowercase());
        row.push('\n');
    }
    words.iter().all(|word| row.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;
    use std::path::Path;

    fn dataset() -> Dataset {
        let lines = r#"{"original_paper_id": 1, "sentence": "Graphs help.", "ref_paper_id": "A", "ref_paper_title": "On GRAPHS", "ref_paper_text": "Deep.", "label": 1}
{"original_paper_id": 1, "sentence": "Graphs help.", "ref_paper_id": "B", "ref_paper_title": "", "ref_paper_text": "Trees.", "label": 0}
{"original_paper_id": "1", "sentence": "Ärger.", "ref_paper_id": 3, "ref_paper_title": "T", "ref_paper_text": null, "label": 0}
"#;
        Dataset::from_bytes(Path::new("test"), lines.as_bytes()).unwrap()
    }

    fn rows(filter: &Filter) -> Vec<u32> {
        let parts = [RowPart::Train, RowPart::Train, RowPart::Dropped];
        filter.apply(&dataset(), &parts, &Unwatched).unwrap()
    }

    #[test]
    fn conditions_are_joined() {
        assert_eq!(rows(&Filter::default()), [0, 1, 2]);
        let search = |search: &str| Filter { search: search.to_owned(), ..Filter::default() };
        assert_eq!(rows(&search("graphs HELP")), [0, 1]);
        assert_eq!(rows(&search("graphs deep")), [0]);
        assert_eq!(rows(&search("ÄRGER")), [2]);
        assert_eq!(rows(&Filter { label: Some(Label::NotCitation), ..search("graphs") }), [1]);
        assert_eq!(rows(&Filter { part: Some(RowPart::Dropped), ..Filter::default() }), [2]);
        assert_eq!(rows(&Filter { missing: Some(Field::Title), ..Filter::default() }), [1]);
        assert_eq!(rows(&Filter { paper: Some(PaperId::Text("1".into())), ..Filter::default() }), [2]);
        let lint = Some((LintKind::DuplicatePair, vec![2, 3]));
        assert_eq!(rows(&Filter { lint, ..Filter::default() }), [1, 2]);
        assert!(!search("x").is_empty() && search("  ").is_empty() && Filter::default().is_empty());
    }
}
