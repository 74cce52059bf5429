//! ROC and precision-recall curves and the areas under them, as scikit-learn computes them.

/// A point of a curve and the threshold that gives it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CurvePoint {
    /// False-positive rate (ROC) or recall (precision-recall).
    pub x: f64,
    /// True-positive rate (ROC) or precision (precision-recall).
    pub y: f64,
    pub threshold: f64,
}

/// False-positive rate against true-positive rate, from (0, 0) to (1, 1).
#[must_use]
pub fn roc_curve(labels: &[bool], probabilities: &[f64]) -> Vec<CurvePoint> {
    let _ = (labels, probabilities);
    todo!()
}

/// Recall against precision, one point a distinct probability, highest threshold first.
#[must_use]
pub fn precision_recall_curve(labels: &[bool], probabilities: &[f64]) -> Vec<CurvePoint> {
    let _ = (labels, probabilities);
    todo!()
}

/// Area under the ROC curve (ties count half); None where a class is missing.
#[must_use]
pub fn roc_auc(labels: &[bool], probabilities: &[f64]) -> Option<f64> {
    let _ = (labels, probabilities);
    todo!()
}

/// Average precision; None where no row is positive.
#[must_use]
pub fn average_precision(labels: &[bool], probabilities: &[f64]) -> Option<f64> {
    let _ = (labels, probabilities);
    todo!()
}
