//! How well the true references of a sentence rank among its candidates.

use std::collections::BTreeMap;

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

/// One sentence's part in a [`Ranking`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedGroup {
    /// The group's number.
    pub group: usize,
    /// The share of positives among the candidates with the highest score.
    pub top1: f64,
    /// One over the rank of the best positive, at the mean of the ranks of its ties.
    pub reciprocal_rank: f64,
    /// The share of positives among all candidates: what a random order expects of `top1`.
    pub chance: f64,
}

/// Ranks candidates within `groups` (equal numbers belong together), highest score first.
#[must_use]
pub fn rank_groups(groups: &[usize], labels: &[bool], scores: &[f64]) -> Ranking {
    Ranking::of(&rank_each_group(groups, labels, scores))
}

/// Ranks each group that has both a positive and a negative candidate, by ascending group number. A score that is not
/// a number ranks below all others.
#[must_use]
pub fn rank_each_group(groups: &[usize], labels: &[bool], scores: &[f64]) -> Vec<RankedGroup> {
    let mut candidates: BTreeMap<usize, Vec<(f64, bool)>> = BTreeMap::new();
    for ((&group, &label), &score) in groups.iter().zip(labels).zip(scores) {
        let score = if score.is_nan() { f64::NEG_INFINITY } else { score };
        candidates.entry(group).or_default().push((score, label));
    }
    candidates.into_iter().filter_map(|(group, candidates)| rank_group(group, &candidates)).collect()
}

fn rank_group(group: usize, candidates: &[(f64, bool)]) -> Option<RankedGroup> {
    let positives = || candidates.iter().filter(|candidate| candidate.1);
    let positive_count = positives().count();
    if positive_count == 0 || positive_count == candidates.len() {
        return None;
    }
    let best = positives().map(|candidate| candidate.0).fold(f64::NEG_INFINITY, f64::max);
    let above = candidates.iter().filter(|candidate| candidate.0 > best).count();
    let tied = candidates.iter().filter(|candidate| candidate.0 == best).count();
    let tied_positives = positives().filter(|candidate| candidate.0 == best).count();
    // The tied candidates hold the ranks above + 1 to above + tied.
    let rank = above as f64 + (tied + 1) as f64 / 2.0;
    Some(RankedGroup {
        group,
        top1: if above == 0 { tied_positives as f64 / tied as f64 } else { 0.0 },
        reciprocal_rank: 1.0 / rank,
        chance: positive_count as f64 / candidates.len() as f64,
    })
}

impl Ranking {
    /// The means over ranked groups; zeros without any.
    #[must_use]
    pub fn of(groups: &[RankedGroup]) -> Self {
        let mean = |part: fn(&RankedGroup) -> f64| {
            if groups.is_empty() { 0.0 } else { groups.iter().map(part).sum::<f64>() / groups.len() as f64 }
        };
        Self {
            sentences: groups.len(),
            top1: mean(|group| group.top1),
            mrr: mean(|group| group.reciprocal_rank),
            chance_top1: mean(|group| group.chance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_groups_with_both_classes_count() {
        let groups = [3, 3, 1, 1, 2, 2, 2];
        let labels = [true, true, false, false, false, true, false];
        let ranking = rank_groups(&groups, &labels, &[0.9, 0.8, 0.1, 0.2, 0.6, 0.5, 0.1]);
        assert_eq!(ranking, Ranking { sentences: 1, top1: 0.0, mrr: 0.5, chance_top1: 1.0 / 3.0 });
        assert_eq!(rank_groups(&[], &[], &[]), Ranking::default());
    }

    #[test]
    fn ties_share_the_first_place_and_the_mean_of_their_ranks() {
        let all_equal = rank_groups(&[0; 4], &[true, false, false, false], &[0.5; 4]);
        assert_eq!(all_equal, Ranking { sentences: 1, top1: 0.25, mrr: 1.0 / 2.5, chance_top1: 0.25 });
        // Two positives tied first leave no way to put a negative first.
        let two_first = rank_groups(&[0; 3], &[true, true, false], &[0.5, 0.5, 0.1]);
        assert_eq!((two_first.top1, two_first.mrr), (1.0, 1.0 / 1.5));
        let below = rank_groups(&[0; 4], &[false, true, false, true], &[0.9, 0.5, 0.5, 0.1]);
        assert_eq!((below.top1, below.mrr), (0.0, 1.0 / 2.5));
    }

    #[test]
    fn a_score_that_is_not_a_number_ranks_last() {
        let ranking = rank_groups(&[0; 2], &[true, false], &[f64::NAN, 0.0]);
        assert_eq!((ranking.top1, ranking.mrr), (0.0, 0.5));
    }
}
