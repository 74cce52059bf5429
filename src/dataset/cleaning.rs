//! Which rows are kept for training and evaluation.

use super::Record;
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
        record.sentence.is_some()
            && (record.ref_paper_text.is_some() || (self.keep_title_only && record.ref_paper_title.is_some()))
    }
}

/// Positions in `records` of the rows that the rule keeps, in order.
#[must_use]
pub fn clean(records: &[Record], cleaning: Cleaning) -> Vec<usize> {
    (0..records.len()).filter(|&row| cleaning.keeps(&records[row])).collect()
}
