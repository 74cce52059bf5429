//! A row as the report reads it, whether it still lies in the file or is a record in memory.

use super::line::Row;
use super::{Cleaning, Label, PaperId, Record, ReferenceBlock};

/// A borrowed row; empty fields are `None`.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) line: usize,
    pub(super) original_paper_id: &'a PaperId,
    pub(super) sentence: Option<&'a str>,
    pub(super) ref_paper_id: Option<&'a PaperId>,
    pub(super) reference: ReferenceBlock<'a>,
    pub(super) label: Option<Label>,
}

impl<'a> View<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            line: record.line,
            original_paper_id: &record.original_paper_id,
            sentence: record.sentence.as_deref(),
            ref_paper_id: record.ref_paper_id.as_ref(),
            reference: ReferenceBlock::of(record),
            label: record.label,
        }
    }

    pub(super) fn of_row(row: &'a Row<'_>) -> Self {
        Self {
            line: row.line,
            original_paper_id: &row.original_paper_id,
            sentence: row.sentence.as_deref(),
            ref_paper_id: row.ref_paper_id.as_ref(),
            reference: ReferenceBlock {
                title: row.ref_paper_title.as_deref(),
                authors: row.ref_paper_authors.as_deref(),
                text: row.ref_paper_text.as_deref(),
            },
            label: row.label,
        }
    }

    /// As [`Cleaning::keeps`].
    pub(super) fn kept_by(&self, cleaning: Cleaning) -> bool {
        cleaning.keeps_parts(self.sentence, self.reference)
    }
}
