//! ROC and precision-recall curves and the areas under them, as scikit-learn computes them.

use super::ThresholdAnalysis;

/// A point of a curve and the threshold that gives it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CurvePoint {
    /// False-positive rate (ROC) or recall (precision-recall).
    pub x: f64,
    /// True-positive rate (ROC) or precision (precision-recall).
    pub y: f64,
    pub threshold: f64,
}

/// False-positive rate against true-positive rate, from (0, 0) at an infinite threshold to (1, 1), one point a
/// distinct probability: scikit-learn's `roc_curve` with `drop_intermediate=False`. Empty where a class is missing.
#[must_use]
pub fn roc_curve(labels: &[bool], probabilities: &[f64]) -> Vec<CurvePoint> {
    ThresholdAnalysis::new(labels, probabilities).roc_curve()
}

/// Recall against precision, one point a distinct probability, highest threshold first: scikit-learn's
/// `precision_recall_curve` in reverse and without its last point (0, 1), which no threshold gives. Empty where no row
/// is positive.
#[must_use]
pub fn precision_recall_curve(labels: &[bool], probabilities: &[f64]) -> Vec<CurvePoint> {
    ThresholdAnalysis::new(labels, probabilities).precision_recall_curve()
}

/// Area under the ROC curve (ties count half); None where a class is missing.
#[must_use]
pub fn roc_auc(labels: &[bool], probabilities: &[f64]) -> Option<f64> {
    ThresholdAnalysis::new(labels, probabilities).roc_auc()
}

/// Average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct probabilities; None where no row is positive.
#[must_use]
pub fn average_precision(labels: &[bool], probabilities: &[f64]) -> Option<f64> {
    ThresholdAnalysis::new(labels, probabilities).average_precision()
}

pub(super) fn roc_points(analysis: &ThresholdAnalysis) -> Vec<CurvePoint> {
    let (positives, negatives) = (analysis.positives(), analysis.negatives());
    if positives == 0 || negatives == 0 {
        return Vec::new();
    }
    let start = CurvePoint { x: 0.0, y: 0.0, threshold: f64::INFINITY };
    let rest = analysis.steps().map(|(threshold, found, wrong)| CurvePoint {
        x: wrong as f64 / negatives as f64,
        y: found as f64 / positives as f64,
        threshold,
    });
    std::iter::once(start).chain(rest).collect()
}

pub(super) fn precision_recall_points(analysis: &ThresholdAnalysis) -> Vec<CurvePoint> {
    if analysis.positives() == 0 {
        return Vec::new();
    }
    let positives = analysis.positives() as f64;
    analysis
        .steps()
        .map(|(threshold, found, wrong)| CurvePoint {
            x: found as f64 / positives,
            y: found as f64 / (found + wrong) as f64,
            threshold,
        })
        .collect()
}

/// The share of (positive, negative) pairs in the right order, counted in integers and divided once.
pub(super) fn area_under_roc(analysis: &ThresholdAnalysis) -> Option<f64> {
    let (positives, negatives) = (analysis.positives(), analysis.negatives());
    if positives == 0 || negatives == 0 {
        return None;
    }
    // Twice the area, in units of one pair; 2^64 pairs would take billions of rows of each class.
    let mut doubled: u64 = 0;
    let (mut found_before, mut wrong_before) = (0, 0);
    for (_, found, wrong) in analysis.steps() {
        doubled += (wrong - wrong_before) as u64 * (found_before + found) as u64;
        (found_before, wrong_before) = (found, wrong);
    }
    // Rows whose probability is not a number come after all others, tied.
    doubled += (negatives - wrong_before) as u64 * (found_before + positives) as u64;
    Some(doubled as f64 / (2 * positives as u64 * negatives as u64) as f64)
}

pub(super) fn mean_precision(analysis: &ThresholdAnalysis) -> Option<f64> {
    if analysis.positives() == 0 {
        return None;
    }
    let positives = analysis.positives() as f64;
    let mut sum = 0.0;
    let mut found_before = 0;
    for (_, found, wrong) in analysis.steps() {
        sum += (found - found_before) as f64 / positives * (found as f64 / (found + wrong) as f64);
        found_before = found;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_class_leaves_curves_undefined() {
        for labels in [&[][..], &[true, true][..], &[false, false][..]] {
            let probabilities = &[0.2, 0.8][..labels.len()];
            assert_eq!(roc_auc(labels, probabilities), None);
            assert!(roc_curve(labels, probabilities).is_empty());
        }
        assert_eq!(average_precision(&[false], &[0.5]), None);
        assert!(precision_recall_curve(&[false], &[0.5]).is_empty());
        assert_eq!(average_precision(&[true, true], &[0.5, 0.1]), Some(1.0));
    }

    #[test]
    fn equal_scores_are_chance() {
        let labels = [true, false, false, false];
        assert_eq!(roc_auc(&labels, &[0.5; 4]), Some(0.5));
        assert_eq!(average_precision(&labels, &[0.5; 4]), Some(0.25));
        let curve = roc_curve(&labels, &[0.5; 4]);
        assert_eq!(curve.len(), 2);
        assert_eq!((curve[1].x, curve[1].y, curve[1].threshold), (1.0, 1.0, 0.5));
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let labels = [true, false, true, false, true];
        let probabilities = [0.3, 0.3, 0.9, 0.1, 0.7];
        let reversed: Vec<bool> = labels.iter().rev().copied().collect();
        let backwards: Vec<f64> = probabilities.iter().rev().copied().collect();
        assert_eq!(roc_curve(&labels, &probabilities), roc_curve(&reversed, &backwards));
        assert_eq!(average_precision(&labels, &probabilities), average_precision(&reversed, &backwards));
    }
}
