//! What is in a dataset: the notebook's exploration as one serialisable report.

use super::figures::{Figures, Summary};
use super::lint::LintFinding;
use super::reader::{RejectedLine, fold_file};
use super::record::{ByLabel, balanced_class_weights};
use super::tally::Tally;
use super::view::View;
use super::{Cleaning, Dataset, DatasetError};
use crate::progress::Progress;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use serde::Serialize;
use std::path::Path;

/// The report; its JSON form is the output of `citelink eda --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Usable lines.
    pub rows: usize,
    /// The lines that cannot be used, in file order.
    pub rejected: Vec<RejectedLine>,
    /// Usable lines of each class.
    pub labels: ByLabel<usize>,
    /// Usable lines where a field is empty.
    pub missing: Missing,
    /// White-space words of the sentences, those of no word included.
    pub sentence_words: Summary,
    /// Characters of the reference texts as they stand, empty ones included as 0.
    pub ref_text_chars: Summary,
    /// Unique papers of the cleaned rows.
    pub papers: usize,
    /// What cleaning leaves.
    pub clean: CleanReport,
    /// Signs of noise, the most serious first.
    pub lint: Vec<LintFinding>,
    /// The distributions behind the summaries; not a part of the JSON.
    #[serde(skip)]
    pub figures: Figures,
}

/// How many rows lack each field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// A string of white space; lines without an id are not usable at all.
    pub original_paper_id: usize,
    /// Empty sentences.
    pub sentence: usize,
    /// Empty reference ids.
    pub ref_paper_id: usize,
    /// Empty titles.
    pub ref_paper_title: usize,
    /// Empty authors.
    pub ref_paper_authors: usize,
    /// Empty texts.
    pub ref_paper_text: usize,
    /// No label: all rows or none.
    pub label: usize,
}

impl Missing {
    /// Names of the fields with their counts, in the order of the schema.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, usize); 7] {
        [
            ("original_paper_id", self.original_paper_id),
            ("sentence", self.sentence),
            ("ref_paper_id", self.ref_paper_id),
            ("ref_paper_title", self.ref_paper_title),
            ("ref_paper_authors", self.ref_paper_authors),
            ("ref_paper_text", self.ref_paper_text),
            ("label", self.label),
        ]
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.original_paper_id += other.original_paper_id;
        self.sentence += other.sentence;
        self.ref_paper_id += other.ref_paper_id;
        self.ref_paper_title += other.ref_paper_title;
        self.ref_paper_authors += other.ref_paper_authors;
        self.ref_paper_text += other.ref_paper_text;
        self.label += other.label;
    }
}

/// The rows that cleaning keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CleanReport {
    /// Rows kept.
    pub rows: usize,
    /// Rows dropped.
    pub dropped: usize,
    /// Rows kept of each class.
    pub labels: ByLabel<usize>,
    /// Characters of the reference blocks.
    pub ref_block_chars: Summary,
    /// `N / (2·N_c)` over the rows kept; in JSON null where a class has none.
    pub class_weights: ByLabel<f64>,
}

impl Report {
    /// Describes a dataset in memory.
    #[must_use]
    pub fn of(dataset: &Dataset, cleaning: Cleaning) -> Self {
        let tallies: Vec<Tally> = dataset
            .records
            .par_chunks(1024)
            .map(|records| {
                let mut tally = Tally::new(cleaning);
                for record in records {
                    tally.add(&View::of(record));
                }
                tally
            })
            .collect();
        let mut tally = Tally::new(cleaning);
        for later in tallies {
            tally.append(later);
        }
        Self::of_tally(tally, dataset.rejected.clone())
    }

    fn of_tally(mut tally: Tally, rejected: Vec<RejectedLine>) -> Self {
        let (lint, candidates) = tally.lint_and_candidates();
        let (labels, clean_labels, missing) = (tally.labels, tally.clean_labels, tally.missing);
        let figures = tally.into_figures(candidates);
        let (rows, clean_rows) = (figures.sentence_words.len(), figures.block_chars.len());
        Self {
            rows,
            rejected,
            labels: labels.into(),
            missing,
            sentence_words: Summary::of_sorted(&figures.sentence_words),
            ref_text_chars: Summary::of_sorted(&figures.text_chars),
            papers: figures.rows_per_paper.len(),
            clean: CleanReport {
                rows: clean_rows,
                dropped: rows - clean_rows,
                labels: clean_labels.into(),
                ref_block_chars: Summary::of_sorted(&figures.block_chars),
                class_weights: balanced_class_weights(clean_labels).into(),
            },
            lint,
            figures,
        }
    }
}

/// Describes a file without holding its records (progress in bytes).
///
/// # Errors
/// As [`Dataset::read`].
pub fn report_of_file(path: &Path, cleaning: Cleaning, progress: &dyn Progress) -> Result<Report, DatasetError> {
    let folded = fold_file(
        path,
        false,
        progress,
        || Tally::new(cleaning),
        |tally, row| tally.add(&View::of_row(&row)),
        Tally::append,
    )?;
    Ok(Report::of_tally(folded.rows, folded.rejected))
}
