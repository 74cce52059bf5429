//! Which rows are kept for training and evaluation.

use super::{Record, ReferenceBlock};
use serde::{Deserialize, Serialize};

/// The cleaning rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaning {
    /// Keep rows that have a title but no text.
    pub keep_title_only: bool,
}

impl Cleaning {
    /// Whether the rule keeps a record: its sentence is not empty, and its text is not empty (or, with
    /// [`keep_title_only`](Cleaning::keep_title_only), its title is not).
    #[must_use]
    pub fn keeps(self, record: &Record) -> bool {
        self.keeps_parts(record.sentence.as_deref(), ReferenceBlock::of(record))
    }

    pub(super) fn keeps_parts(self, sentence: Option<&str>, reference: ReferenceBlock<'_>) -> bool {
        sentence.is_some() && (reference.text.is_some() || (self.keep_title_only && reference.title.is_some()))
    }
}

/// Positions in `records` of the rows that the rule keeps, in order.
#[must_use]
pub fn clean(records: &[Record], cleaning: Cleaning) -> Vec<usize> {
    (0..records.len()).filter(|&row| cleaning.keeps(&records[row])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PaperId;

    #[test]
    fn a_row_needs_a_sentence_and_a_text_or_by_request_a_title() {
        let record = |sentence: Option<&str>, title: Option<&str>, text: Option<&str>| Record {
            line: 1,
            original_paper_id: PaperId::Integer(1),
            sentence: sentence.map(Into::into),
            ref_paper_id: None,
            ref_paper_title: title.map(Into::into),
            ref_paper_authors: Some("An author".into()),
            ref_paper_text: text.map(Into::into),
            label: None,
        };
        let records = [
            record(Some("s"), Some("t"), Some("x")),
            record(Some("s"), None, Some("x")),
            record(Some("s"), Some("t"), None),
            record(Some("s"), None, None),
            record(None, Some("t"), Some("x")),
        ];
        assert_eq!(clean(&records, Cleaning::default()), [0, 1]);
        assert_eq!(clean(&records, Cleaning { keep_title_only: true }), [0, 1, 2]);
    }
}
