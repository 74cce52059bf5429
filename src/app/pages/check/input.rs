//! What is being checked: a sentence and its candidates, with a way back from clearing.

use crate::checking::Reference;
use crate::dataset::{Dataset, Label, Record, is_empty_text};

/// Steps that can be undone.
const UNDO_STEPS: usize = 20;

/// One candidate, with its true label where it comes from a labelled dataset.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    pub reference: Reference,
    pub label: Option<Label>,
}

impl Entry {
    pub(super) fn of_record(record: &Record) -> Self {
        let text = |field: &Option<Box<str>>| field.as_deref().unwrap_or_default().to_owned();
        Self {
            reference: Reference {
                title: text(&record.ref_paper_title),
                authors: text(&record.ref_paper_authors),
                text: text(&record.ref_paper_text),
            },
            label: record.label,
        }
    }

    /// Nothing was typed yet: such a candidate is not ranked.
    pub(super) fn is_empty(&self) -> bool {
        let reference = &self.reference;
        [&reference.title, &reference.authors, &reference.text].into_iter().all(|part| is_empty_text(part))
    }

    /// The title, or else the beginning of what there is.
    pub(super) fn heading(&self) -> &str {
        let reference = &self.reference;
        [&reference.title, &reference.text, &reference.authors]
            .into_iter()
            .find(|part| !is_empty_text(part))
            .map_or("Empty candidate", |part| part.trim())
    }
}

/// A sentence and its candidates.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Inputs {
    pub sentence: String,
    pub candidates: Vec<Entry>,
}

impl Inputs {
    /// The sentence and candidates of rows of a dataset; the sentence is the first row's.
    pub(super) fn of_rows(dataset: &Dataset, rows: &[usize]) -> Self {
        let records: Vec<&Record> = rows.iter().filter_map(|&row| dataset.records.get(row)).collect();
        Self {
            sentence: records.first().and_then(|record| record.sentence.as_deref()).unwrap_or_default().to_owned(),
            candidates: records.into_iter().map(Entry::of_record).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sentence.is_empty() && self.candidates.is_empty()
    }

    /// Positions of the candidates that can be ranked.
    pub(super) fn rankable(&self) -> Vec<usize> {
        (0..self.candidates.len()).filter(|&index| !self.candidates[index].is_empty()).collect()
    }

    /// Appends a candidate's text to the one above it: a blank line inside a reference is no border.
    pub(super) fn join_with_previous(&mut self, index: usize) {
        if index == 0 || index >= self.candidates.len() {
            return;
        }
        let joined = self.candidates.remove(index).reference;
        let above = &mut self.candidates[index - 1].reference;
        for part in [joined.title, joined.authors, joined.text] {
            if is_empty_text(&part) {
                continue;
            }
            if !above.text.is_empty() {
                above.text.push('\n');
            }
            above.text.push_str(&part);
        }
    }

    /// Moves what stands under authors to the beginning of the text: not every pasted reference names its authors.
    pub(super) fn authors_to_text(&mut self, index: usize) {
        let Some(entry) = self.candidates.get_mut(index) else { return };
        let reference = &mut entry.reference;
        let authors = std::mem::take(&mut reference.authors);
        if !reference.text.is_empty() && !authors.is_empty() {
            reference.text.insert(0, '\n');
        }
        reference.text.insert_str(0, &authors);
    }
}

/// Earlier inputs and what was done to each.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: Vec<(&'static str, Inputs)>,
}

impl History {
    /// Remembers the inputs as they are before `action`.
    pub(super) fn before(&mut self, action: &'static str, inputs: &Inputs) {
        if self.steps.len() == UNDO_STEPS {
            self.steps.remove(0);
        }
        self.steps.push((action, inputs.clone()));
    }

    /// What the next undo takes back, such as `clearing`.
    pub(super) fn next(&self) -> Option<&'static str> {
        self.steps.last().map(|step| step.0)
    }

    pub(super) fn undo(&mut self) -> Option<Inputs> {
        self.steps.pop().map(|step| step.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, authors: &str, text: &str) -> Entry {
        Entry { reference: Reference { title: title.into(), authors: authors.into(), text: text.into() }, label: None }
    }

    #[test]
    fn a_wrong_split_is_put_right() {
        let mut inputs = Inputs {
            sentence: String::new(),
            candidates: vec![
                entry("Tides", "", "Part one."),
                entry("Part two.", "", ""),
                entry("Rivers", "Slow water", ""),
            ],
        };
        inputs.join_with_previous(1);
        inputs.join_with_previous(0);
        inputs.authors_to_text(1);
        assert_eq!(inputs.candidates, [entry("Tides", "", "Part one.\nPart two."), entry("Rivers", "", "Slow water")]);
    }

    #[test]
    fn undo_goes_back_a_bounded_way() {
        let mut history = History::default();
        for count in 0..30 {
            history.before("clearing", &Inputs { sentence: count.to_string(), candidates: Vec::new() });
        }
        assert_eq!(history.next(), Some("clearing"));
        let mut last = None;
        let mut steps = 0;
        while let Some(inputs) = history.undo() {
            last = Some(inputs.sentence);
            steps += 1;
        }
        assert_eq!((steps, last.as_deref()), (UNDO_STEPS, Some("10")));
    }

    #[test]
    fn empty_candidates_are_not_ranked() {
        let inputs = Inputs { sentence: "s".into(), candidates: vec![entry(" ", "", "\n"), entry("", "", "Text.")] };
        assert_eq!(inputs.rankable(), [1]);
        assert_eq!(inputs.candidates[1].heading(), "Text.");
    }
}
