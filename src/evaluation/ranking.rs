//! How well the true references of a sentence rank among its candidates.

/// Ranking over groups (one a paper and sentence) that have both a positive and a negative candidate.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Ranking {
    /// Groups counted.
    pub sentences: usize,
    /// Share of groups whose first candidate is positive (ties shared).
    pub top1: f64,
    /// Mean reciprocal rank of the best positive, ties at the mean of their ranks.
    pub mrr: f64,
    /// What a random order reaches for top1.
    pub chance_top1: f64,
}

/// Ranks candidates within `groups` (equal numbers belong together), highest score first.
#[must_use]
pub fn rank_groups(groups: &[usize], labels: &[bool], scores: &[f64]) -> Ranking {
    let _ = (groups, labels, scores);
    todo!()
}
