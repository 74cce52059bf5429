//! Precision, recall and F1 against the threshold.

use super::Metrics;

/// One threshold's figures.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SweepPoint {
    pub threshold: f64,
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// A sweep; its JSON form is the output of `citelink sweep --json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Sweep {
    pub points: Vec<SweepPoint>,
    /// The first point with the highest F1.
    pub best: SweepPoint,
}

/// `count` numbers from `from` to `to` exactly as `numpy.linspace` gives them.
#[must_use]
pub fn linspace(from: f64, to: f64, count: usize) -> Vec<f64> {
    let _ = (from, to, count);
    todo!()
}

/// The 33 thresholds from 0.1 to 0.9.
#[must_use]
pub fn standard_thresholds() -> Vec<f64> {
    linspace(0.1, 0.9, 33)
}

impl Sweep {
    /// Sweeps `thresholds` (at least one) over the predictions.
    #[must_use]
    pub fn over(labels: &[bool], probabilities: &[f64], thresholds: &[f64]) -> Self {
        let _ = (labels, probabilities, thresholds);
        todo!()
    }

    /// The figures at every distinct probability, lowest threshold first.
    #[must_use]
    pub fn continuous(labels: &[bool], probabilities: &[f64]) -> Vec<SweepPoint> {
        let _ = (labels, probabilities);
        todo!()
    }
}
