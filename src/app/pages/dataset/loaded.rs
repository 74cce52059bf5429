//! What is known about a loaded dataset, all of it worked out off the frame.

use super::histogram::Histogram;
use crate::dataset::{Cleaning, Dataset, Report, Split, SplitError, SplitSettings, clean};
use std::sync::Arc;

/// A dataset with its report.
#[derive(Debug)]
pub struct Loaded {
    pub dataset: Arc<Dataset>,
    pub described: Arc<Described>,
    pub divided: Divided,
}

/// The report, which depends on the cleaning rule.
#[derive(Debug)]
pub struct Described {
    pub report: Report,
    pub sentence_words: Histogram,
    pub text_chars: Histogram,
    pub block_chars: Histogram,
    pub candidates: Histogram,
    pub rows_per_paper: Histogram,
}

impl Described {
    /// Of a dataset under a cleaning rule.
    pub fn of(dataset: &Dataset, cleaning: Cleaning) -> Self {
        let report = Report::of(dataset, cleaning);
        let figures = &report.figures;
        Self {
            sentence_words: Histogram::of_sorted(&figures.sentence_words),
            text_chars: Histogram::of_sorted(&figures.text_chars),
            block_chars: Histogram::of_sorted(&figures.block_chars),
            candidates: Histogram::of_sorted(&figures.candidates_per_sentence),
            rows_per_paper: Histogram::of_sorted(&figures.rows_per_paper),
            report,
        }
    }
}

/// Into which part of the split a row falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPart {
    /// Cleaning drops it.
    Dropped,
    Train,
    Validation,
    Test,
}

impl RowPart {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Test, Self::Dropped];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Dropped => "dropped",
        }
    }
}

/// The split, and each row's part in it.
#[derive(Debug)]
pub struct Divided {
    pub cleaning: Cleaning,
    pub settings: SplitSettings,
    pub split: Result<Split, SplitError>,
    /// One for each record.
    pub parts: Vec<RowPart>,
}

impl Divided {
    /// Of a dataset under a cleaning rule.
    pub fn of(dataset: &Dataset, cleaning: Cleaning, settings: SplitSettings) -> Self {
        let kept = clean(&dataset.records, cleaning);
        let split = Split::by_paper(&dataset.records, &kept, settings);
        let mut parts = vec![RowPart::Dropped; dataset.records.len()];
        if let Ok(split) = &split {
            for (part, name) in
                [(&split.train, RowPart::Train), (&split.validation, RowPart::Validation), (&split.test, RowPart::Test)]
            {
                for &row in &part.rows {
                    parts[row] = name;
                }
            }
        }
        Self { cleaning, settings, split, parts }
    }
}
