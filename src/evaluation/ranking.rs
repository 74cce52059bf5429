//! How well the true references of a sentence rank among its candidates.

use super::{Interval, bootstrap_figures};
use std::collections::{BTreeMap, HashMap};

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
    /// What a random order reaches for mrr. Equal scores throughout reach less: they count as the middle of their ranks,
    /// and the reciprocal of a mean is below the mean of reciprocals.
    pub chance_mrr: f64,
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
    pub chance_top1: f64,
    /// What a random order expects of `reciprocal_rank`.
    pub chance_reciprocal_rank: f64,
}

/// Where a ranking's figures lie, given that other papers could have been drawn; None where undefined.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct RankingIntervals {
    pub top1: Option<Interval>,
    pub mrr: Option<Interval>,
}

/// The 95 % intervals of a ranking over `resamples` draws of papers; `groups` and `papers` go row by row and say which
/// paper a group belongs to. Same seed, same intervals.
///
/// Papers are drawn, not sentences: those of one paper share candidates and a subject, and are not independent. A paper
/// that is drawn twice brings each of its sentences twice.
#[must_use]
pub fn ranking_intervals(
    ranked: &[RankedGroup],
    groups: &[usize],
    papers: &[usize],
    resamples: usize,
    seed: u64,
) -> RankingIntervals {
    let paper_of: HashMap<usize, usize> = groups.iter().copied().zip(papers.iter().copied()).collect();
    // A group without a row would be none of the ranked ones.
    let papers: Vec<usize> = ranked.iter().filter_map(|group| paper_of.get(&group.group).copied()).collect();
    let [top1, mrr] = bootstrap_figures(&papers, resamples, seed, |drawn| {
        let drawn: Vec<RankedGroup> = drawn.iter().map(|&position| ranked[position]).collect();
        let ranking = Ranking::of(&drawn);
        [Some(ranking.top1), Some(ranking.mrr)]
    });
    RankingIntervals { top1, mrr }
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
        chance_top1: positive_count as f64 / candidates.len() as f64,
        chance_reciprocal_rank: expected_reciprocal_rank(positive_count, candidates.len()),
    })
}

/// The mean over all orders of `candidates` of one over the rank of the best of `positives` (at least one) among them.
///
/// That rank R follows the negative hypergeometric distribution for the first success: of the C(n, k) equally likely
/// places of k positives among n ranks, those with the first at rank r leave k − 1 for the n − r ranks below, so
/// P(R = r) = C(n − r, k − 1) / C(n, k) and E[1/R] = Σ P(R = r) / r over r = 1 … n − k + 1 (Johnson, Kemp and Kotz,
/// "Univariate Discrete Distributions", 3rd edition, 2005, section 6.2.2). With one positive this is H(n) / n.
fn expected_reciprocal_rank(positives: usize, candidates: usize) -> f64 {
    let (k, n) = (positives as f64, candidates as f64);
    let mut probability = k / n;
    let mut expected = 0.0;
    for rank in 1..=candidates - positives + 1 {
        let r = rank as f64;
        expected += probability / r;
        // C(n − r − 1, k − 1) / C(n − r, k − 1)
        probability *= (n - r - k + 1.0) / (n - r);
    }
    expected
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
            chance_top1: mean(|group| group.chance_top1),
            chance_mrr: mean(|group| group.chance_reciprocal_rank),
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
        assert_eq!((ranking.sentences, ranking.top1, ranking.mrr, ranking.chance_top1), (1, 0.0, 0.5, 1.0 / 3.0));
        // One positive among three: the mean of 1, 1/2 and 1/3.
        assert!((ranking.chance_mrr - 11.0 / 18.0).abs() < 1e-15);
        assert_eq!(rank_groups(&[], &[], &[]), Ranking::default());
    }

    #[test]
    fn ties_share_the_first_place_and_the_mean_of_their_ranks() {
        let all_equal = rank_groups(&[0; 4], &[true, false, false, false], &[0.5; 4]);
        assert_eq!((all_equal.top1, all_equal.mrr, all_equal.chance_top1), (0.25, 1.0 / 2.5, 0.25));
        assert!(all_equal.chance_mrr > all_equal.mrr);
        // Two positives tied first leave no way to put a negative first.
        let two_first = rank_groups(&[0; 3], &[true, true, false], &[0.5, 0.5, 0.1]);
        assert_eq!((two_first.top1, two_first.mrr), (1.0, 1.0 / 1.5));
        let below = rank_groups(&[0; 4], &[false, true, false, true], &[0.9, 0.5, 0.5, 0.1]);
        assert_eq!((below.top1, below.mrr), (0.0, 1.0 / 2.5));
    }

    #[test]
    fn the_chance_of_a_reciprocal_rank_is_the_mean_over_all_orders() {
        for candidates in 2..=10_usize {
            let mut sums = vec![(0.0, 0_u32); candidates];
            // Bit r of a choice says whether rank r + 1 is a positive's.
            for choice in 1..1_u32 << candidates {
                let (sum, count) = &mut sums[choice.count_ones() as usize - 1];
                *sum += 1.0 / f64::from(choice.trailing_zeros() + 1);
                *count += 1;
            }
            for (positives, (sum, count)) in (1..candidates).zip(sums) {
                let found = expected_reciprocal_rank(positives, candidates);
                assert!((found - sum / f64::from(count)).abs() < 1e-12, "{positives} of {candidates}: {found}");
            }
        }
        // Many candidates neither overflow nor lose precision: with one positive, H(n) / n.
        let harmonic: f64 = (1..=100_000).map(|rank| 1.0 / f64::from(rank)).sum();
        assert!((expected_reciprocal_rank(1, 100_000) - harmonic / 100_000.0).abs() < 1e-15);
        assert!((expected_reciprocal_rank(99_999, 100_000) - 0.999_995).abs() < 1e-9);
    }

    #[test]
    fn intervals_are_of_papers_and_not_of_sentences() {
        // 40 sentences of two candidates: the first half is ranked right, the second wrong.
        let groups: Vec<usize> = (0..80).map(|row| row / 2).collect();
        let labels: Vec<bool> = (0..80).map(|row| row % 2 == 0).collect();
        let scores: Vec<f64> = (0..80).map(|row| f64::from(u8::from((row < 40) == (row % 2 == 0)))).collect();
        let ranked = rank_each_group(&groups, &labels, &scores);
        let of = |papers: &[usize]| ranking_intervals(&ranked, &groups, papers, 500, 1);
        let apart = of(&groups);
        let (top1, mrr) = (apart.top1.unwrap(), apart.mrr.unwrap());
        assert!(0.3 < top1.low && top1.low < 0.5 && 0.5 < top1.high && top1.high < 0.7, "{top1:?}");
        assert!(0.65 < mrr.low && mrr.low < 0.75 && 0.75 < mrr.high && mrr.high < 0.85, "{mrr:?}");
        // All right sentences in one paper, all wrong ones in another: nothing but both extremes can be said.
        let of_two: Vec<usize> = (0..80).map(|row| row / 40).collect();
        assert_eq!(of(&of_two).top1, Some(Interval { low: 0.0, high: 1.0 }));
        assert_eq!(of(&of_two).mrr, Some(Interval { low: 0.5, high: 1.0 }));
        assert_eq!(ranking_intervals(&[], &groups, &groups, 500, 1), RankingIntervals::default());
    }

    #[test]
    fn a_score_that_is_not_a_number_ranks_last() {
        let ranking = rank_groups(&[0; 2], &[true, false], &[f64::NAN, 0.0]);
        assert_eq!((ranking.top1, ranking.mrr), (0.0, 0.5));
    }
}
