//! Every threshold at once: rows sorted once, then any threshold's figures in O(log n).

use super::curves::{self, CurvePoint};
use super::{Confusion, Metrics, Sweep, SweepPoint};

/// Predictions sorted by probability, with counts accumulated from the highest down.
///
/// Made once in O(n log n); a threshold that is dragged over hundreds of thousands of rows then costs a binary search
/// a frame. A probability that is not a number is never predicted 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdAnalysis {
    /// The distinct probabilities, highest first.
    thresholds: Vec<f64>,
    /// Rows of class 1 with at least this probability, one a threshold.
    true_positives: Vec<usize>,
    /// Rows of class 0 with at least this probability, one a threshold.
    false_positives: Vec<usize>,
    positives: usize,
    negatives: usize,
}

impl ThresholdAnalysis {
    /// Sorts the predictions; `labels` (`true` is class 1) and `probabilities` go row by row, and rows that only the
    /// longer of the two has are left out.
    #[must_use]
    pub fn new(labels: &[bool], probabilities: &[f64]) -> Self {
        let mut rows: Vec<(f64, bool)> = Vec::with_capacity(labels.len());
        let (mut positives, mut negatives) = (0, 0);
        for (&label, &probability) in labels.iter().zip(probabilities) {
            *(if label { &mut positives } else { &mut negatives }) += 1;
            if !probability.is_nan() {
                rows.push((probability, label));
            }
        }
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut analysis = Self {
            thresholds: Vec::new(),
            true_positives: Vec::new(),
            false_positives: Vec::new(),
            positives,
            negatives,
        };
        let (mut true_positives, mut false_positives) = (0, 0);
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            let found = same.iter().filter(|row| row.1).count();
            true_positives += found;
            false_positives += same.len() - found;
            analysis.thresholds.push(same[0].0);
            analysis.true_positives.push(true_positives);
            analysis.false_positives.push(false_positives);
        }
        analysis
    }

    /// Rows of class 1.
    #[must_use]
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Rows of class 0.
    #[must_use]
    pub fn negatives(&self) -> usize {
        self.negatives
    }

    /// Rows of both classes.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.positives + self.negatives
    }

    /// The distinct probabilities, highest first: between two of them no figure changes.
    #[must_use]
    pub fn distinct(&self) -> &[f64] {
        &self.thresholds
    }

    /// The decisions at any threshold, in O(log n).
    #[must_use]
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let reached = self.thresholds.partition_point(|&probability| probability >= threshold);
        reached.checked_sub(1).map_or(
            Confusion { false_negative: self.positives, true_negative: self.negatives, ..Confusion::default() },
            |last| self.confusion_of(last),
        )
    }

    /// The ratios at any threshold, in O(log n).
    #[must_use]
    pub fn metrics(&self, threshold: f64) -> Metrics {
        self.confusion(threshold).metrics()
    }

    /// The ratios at any threshold with the threshold, in O(log n).
    #[must_use]
    pub fn point(&self, threshold: f64) -> SweepPoint {
        SweepPoint { threshold, metrics: self.metrics(threshold) }
    }

    /// The figures at each of `thresholds`; see [`Sweep::over`].
    #[must_use]
    pub fn sweep(&self, thresholds: &[f64]) -> Sweep {
        Sweep::of_points(thresholds.iter().map(|&threshold| self.point(threshold)).collect())
    }

    /// The figures at every distinct probability, lowest threshold first.
    #[must_use]
    pub fn continuous(&self) -> Vec<SweepPoint> {
        (0..self.thresholds.len()).rev().map(|position| self.point_of(position)).collect()
    }

    /// Of all distinct probabilities, the one with the highest F-beta, the lowest of them where several tie; None
    /// without rows. Beta 1 gives the highest F1.
    #[must_use]
    pub fn best_f_beta(&self, beta: f64) -> Option<SweepPoint> {
        let mut best: Option<(f64, usize)> = None;
        for position in (0..self.thresholds.len()).rev() {
            let f_beta = self.confusion_of(position).f_beta(beta);
            if best.is_none_or(|(highest, _)| f_beta > highest) {
                best = Some((f_beta, position));
            }
        }
        best.map(|(_, position)| self.point_of(position))
    }

    /// The highest threshold whose recall is at least `recall`, so the most precise way to miss no more than that
    /// allows; None where no threshold reaches it, as without positive rows.
    #[must_use]
    pub fn highest_with_recall(&self, recall: f64) -> Option<SweepPoint> {
        if self.positives == 0 {
            return None;
        }
        let position = self.true_positives.partition_point(|&found| (found as f64 / self.positives as f64) < recall);
        (position < self.thresholds.len()).then(|| self.point_of(position))
    }

    /// False-positive rate against true-positive rate; see [`super::roc_curve`].
    #[must_use]
    pub fn roc_curve(&self) -> Vec<CurvePoint> {
        curves::roc_points(self)
    }

    /// Recall against precision; see [`super::precision_recall_curve`].
    #[must_use]
    pub fn precision_recall_curve(&self) -> Vec<CurvePoint> {
        curves::precision_recall_points(self)
    }

    /// Area under the ROC curve; see [`super::roc_auc`].
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        curves::area_under_roc(self)
    }

    /// Average precision; see [`super::average_precision`].
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        curves::mean_precision(self)
    }

    /// (threshold, true positives, false positives) at every distinct probability, highest first.
    pub(super) fn steps(&self) -> impl Iterator<Item = (f64, usize, usize)> + '_ {
        self.thresholds
            .iter()
            .zip(&self.true_positives)
            .zip(&self.false_positives)
            .map(|((&threshold, &found), &wrong)| (threshold, found, wrong))
    }

    /// The decisions at the distinct probability in this position.
    fn confusion_of(&self, position: usize) -> Confusion {
        let (found, wrong) = (self.true_positives[position], self.false_positives[position]);
        Confusion {
            true_positive: found,
            false_positive: wrong,
            false_negative: self.positives - found,
            true_negative: self.negatives - wrong,
        }
    }

    fn point_of(&self, position: usize) -> SweepPoint {
        SweepPoint { threshold: self.thresholds[position], metrics: self.confusion_of(position).metrics() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [bool; 8] = [true, true, false, true, false, false, true, false];
    const PROBABILITIES: [f64; 8] = [0.9, 0.8, 0.8, 0.6, 0.6, 0.3, 0.2, 0.1];

    #[test]
    fn every_threshold_agrees_with_plain_counting() {
        let analysis = ThresholdAnalysis::new(&LABELS, &PROBABILITIES);
        for threshold in [-1.0, 0.0, 0.1, 0.15, 0.2, 0.3, 0.5, 0.6, 0.600_001, 0.8, 0.85, 0.9, 0.95, 2.0] {
            assert_eq!(
                analysis.confusion(threshold),
                Confusion::at(&LABELS, &PROBABILITIES, threshold),
                "at {threshold}"
            );
        }
        let nan = [0.5, f64::NAN, f64::NAN];
        let analysis = ThresholdAnalysis::new(&[true, true, false], &nan);
        for threshold in [f64::NEG_INFINITY, 0.5, 0.7, f64::INFINITY] {
            assert_eq!(analysis.confusion(threshold), Confusion::at(&[true, true, false], &nan, threshold));
        }
    }

    #[test]
    fn recall_picks_the_highest_threshold_that_reaches_it() {
        let analysis = ThresholdAnalysis::new(&LABELS, &PROBABILITIES);
        let at = |recall| analysis.highest_with_recall(recall).map(|point| point.threshold);
        assert_eq!(at(0.0), Some(0.9));
        assert_eq!(at(0.5), Some(0.8));
        assert_eq!(at(0.75), Some(0.6));
        assert_eq!(at(0.76), Some(0.2));
        assert_eq!(at(1.0), Some(0.2));
        assert_eq!(at(1.1), None);
        assert_eq!(ThresholdAnalysis::new(&[false], &[0.5]).highest_with_recall(0.5), None);
    }

    #[test]
    fn the_best_threshold_is_the_lowest_of_those_that_tie() {
        // F1 is 2/3 at 0.2 (one right, one wrong) and at 0.8 (the same), and nowhere higher.
        let analysis = ThresholdAnalysis::new(&[true, false, true, false, false], &[0.8, 0.9, 0.2, 0.7, 0.6]);
        let best = analysis.best_f_beta(1.0).unwrap();
        let brute = analysis.continuous().into_iter().map(|point| point.metrics.f1).fold(0.0, f64::max);
        assert_eq!(best.metrics.f1, brute);
        assert_eq!(best.threshold, 0.2);
        assert_eq!(ThresholdAnalysis::new(&[], &[]).best_f_beta(1.0), None);
    }
}
