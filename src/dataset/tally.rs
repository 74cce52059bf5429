//! What a report counts, row by row; tallies of consecutive stretches of a file join into one.

use super::figures::Figures;
use super::lint::{Candidates, Groups, LintFinding, RowLints};
use super::reference_block::reference_block_chars;
use super::text::measure;
use super::view::View;
use super::{Cleaning, PaperId, line::is_blank_id, report::Missing};
use std::collections::HashMap;

/// Counts over rows in file order.
#[derive(Debug, Default)]
pub(super) struct Tally {
    cleaning: Cleaning,
    pub(super) labels: [usize; 2],
    pub(super) missing: Missing,
    pub(super) sentence_words: Vec<u32>,
    pub(super) text_chars: Vec<u32>,
    /// Of the cleaned rows, and so what follows.
    pub(super) block_chars: Vec<u32>,
    pub(super) clean_labels: [usize; 2],
    papers: HashMap<PaperId, u32>,
    row_lints: RowLints,
    groups: Groups,
}

impl Tally {
    pub(super) fn new(cleaning: Cleaning) -> Self {
        Self { cleaning, ..Self::default() }
    }

    /// Counts a row that comes after those counted before.
    pub(super) fn add(&mut self, row: &View<'_>) {
        let missing = &mut self.missing;
        missing.original_paper_id += usize::from(is_blank_id(row.original_paper_id));
        missing.sentence += usize::from(row.sentence.is_none());
        missing.ref_paper_id += usize::from(row.ref_paper_id.is_none());
        missing.ref_paper_title += usize::from(row.reference.title.is_none());
        missing.ref_paper_authors += usize::from(row.reference.authors.is_none());
        missing.ref_paper_text += usize::from(row.reference.text.is_none());
        missing.label += usize::from(row.label.is_none());
        let words = row.sentence.map_or(0, |sentence| measure(sentence).words);
        let chars = row.reference.text.map_or(0, |text| text.chars().count());
        self.sentence_words.push(words as u32);
        self.text_chars.push(chars as u32);
        let kept = row.kept_by(self.cleaning);
        if let Some(label) = row.label {
            self.labels[label.index()] += 1;
            self.clean_labels[label.index()] += usize::from(kept);
        }
        if kept {
            self.block_chars.push(reference_block_chars(row.reference) as u32);
            if let Some(rows) = self.papers.get_mut(row.original_paper_id) {
                *rows += 1;
            } else {
                self.papers.insert(row.original_paper_id.clone(), 1);
            }
        }
        self.row_lints.add(row, words, chars);
        self.groups.add(row, kept);
    }

    /// Adds the counts of rows that come after these.
    pub(super) fn append(&mut self, mut later: Self) {
        for class in 0..2 {
            self.labels[class] += later.labels[class];
            self.clean_labels[class] += later.clean_labels[class];
        }
        self.missing.add(&later.missing);
        self.sentence_words.append(&mut later.sentence_words);
        self.text_chars.append(&mut later.text_chars);
        self.block_chars.append(&mut later.block_chars);
        for (paper, rows) in later.papers {
            *self.papers.entry(paper).or_insert(0) += rows;
        }
        self.row_lints.append(later.row_lints);
        self.groups.append(later.groups);
    }

    /// All findings, the most serious first, and the candidates of each sentence.
    pub(super) fn lint_and_candidates(&mut self) -> (Vec<LintFinding>, Candidates) {
        let (mut findings, candidates) = std::mem::take(&mut self.groups).into_findings();
        findings.extend(std::mem::take(&mut self.row_lints).into_findings());
        findings.sort_by_key(|finding| finding.kind);
        (findings, candidates)
    }

    /// The lengths counted, sorted.
    pub(super) fn into_figures(self, candidates_per_sentence: Candidates) -> Figures {
        let sorted = |mut values: Vec<u32>| {
            values.sort_unstable();
            values
        };
        Figures {
            sentence_words: sorted(self.sentence_words),
            text_chars: sorted(self.text_chars),
            block_chars: sorted(self.block_chars),
            candidates_per_sentence,
            rows_per_paper: sorted(self.papers.into_values().collect()),
        }
    }
}
