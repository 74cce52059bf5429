//! The reference as the model reads it.

use super::Record;

/// The parts of a reference; empty parts may be `None` or empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReferenceBlock<'a> {
    /// Title.
    pub title: Option<&'a str>,
    /// Authors.
    pub authors: Option<&'a str>,
    /// Abstract or text.
    pub text: Option<&'a str>,
}

impl<'a> ReferenceBlock<'a> {
    /// The parts of a record's reference.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        Self {
            title: record.ref_paper_title.as_deref(),
            authors: record.ref_paper_authors.as_deref(),
            text: record.ref_paper_text.as_deref(),
        }
    }
}

/// Title, authors and text, each with white space folded, empty parts left out, joined with `". "`.
#[must_use]
pub fn reference_block(parts: ReferenceBlock<'_>) -> String {
    let _ = parts;
    todo!()
}
