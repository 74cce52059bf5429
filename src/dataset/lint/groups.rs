//! Noise that only several rows show together, found through short digests of the rows.

use super::{Lines, LintFinding, LintKind};
use crate::dataset::Label;
use crate::dataset::view::View;
use foldhash::quality::FixedState;
use rayon::slice::ParallelSliceMut;
use std::hash::{BuildHasher, Hash};

/// A row with a sentence. Texts are known by 64 bits of hash: among ten million different ones the chance that any two
/// share these is one in 370,000, and all that would follow is a line listed wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowDigest {
    sentence: u64,
    paper: u64,
    reference: u64,
    label: Option<Label>,
    line: usize,
    kept: bool,
}

/// Digests of all rows with a sentence.
#[derive(Debug, Default)]
pub(in crate::dataset) struct Groups {
    rows: Vec<RowDigest>,
}

/// How many candidates each (paper, sentence) of the cleaned rows has, ascending.
pub(in crate::dataset) type Candidates = Vec<u32>;

impl Groups {
    pub(in crate::dataset) fn add(&mut self, row: &View<'_>, kept: bool) {
        let Some(sentence) = row.sentence else { return };
        let reference = row.reference;
        let reference = if reference.title.is_some() || reference.text.is_some() {
            digest(&(reference.title, reference.authors, reference.text))
        } else {
            digest(&row.ref_paper_id)
        };
        self.rows.push(RowDigest {
            sentence: digest(sentence),
            paper: digest(row.original_paper_id),
            reference,
            label: row.label,
            line: row.line,
            kept,
        });
    }

    pub(in crate::dataset) fn append(&mut self, mut later: Self) {
        self.rows.append(&mut later.rows);
    }

    pub(in crate::dataset) fn into_findings(mut self) -> (Vec<LintFinding>, Candidates) {
        self.rows.par_sort_unstable();
        let mut contradictory = Vec::new();
        let mut duplicate = Vec::new();
        let mut several_papers = Vec::new();
        let mut one_label = Vec::new();
        let mut single = Vec::new();
        let mut candidates = Vec::new();
        let mut by_reference = Vec::new();
        for same_sentence in self.rows.chunk_by(|a, b| a.sentence == b.sentence) {
            if same_sentence.first().map(|row| row.paper) != same_sentence.last().map(|row| row.paper) {
                several_papers.extend(same_sentence.iter().map(|row| row.line));
            }
            by_reference.clear();
            by_reference.extend(same_sentence.iter().map(|row| (row.reference, row.label, row.line)));
            by_reference.sort_unstable();
            for same_pair in by_reference.chunk_by(|a, b| a.0 == b.0) {
                if same_pair.first().map(|row| row.1) != same_pair.last().map(|row| row.1) {
                    contradictory.extend(same_pair.iter().map(|&(_, _, line)| line));
                }
            }
            for same_paper in same_sentence.chunk_by(|a, b| a.paper == b.paper) {
                for same in same_paper.chunk_by(|a, b| (a.reference, a.label) == (b.reference, b.label)) {
                    if same.len() > 1 {
                        duplicate.extend(same.iter().map(|row| row.line));
                    }
                }
                let kept = || same_paper.iter().filter(|row| row.kept);
                match kept().count() {
                    0 => continue,
                    1 => single.extend(kept().map(|row| row.line)),
                    _ if kept().all(|row| row.label.is_some() && row.label == same_paper[0].label) => {
                        one_label.extend(kept().map(|row| row.line));
                    }
                    _ => {}
                }
                candidates.push(kept().count() as u32);
            }
        }
        candidates.sort_unstable();
        let findings = [
            (LintKind::ContradictoryLabels, contradictory),
            (LintKind::DuplicatePair, duplicate),
            (LintKind::SentenceInSeveralPapers, several_papers),
            (LintKind::OneLabelCandidates, one_label),
            (LintKind::SingleCandidate, single),
        ];
        let findings =
            findings.into_iter().filter_map(|(kind, lines)| Lines::of_unordered(lines).into_finding(kind)).collect();
        (findings, candidates)
    }
}

fn digest<T: Hash + ?Sized>(value: &T) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}
