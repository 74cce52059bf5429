//! Counts and ratios of a binary decision; class 1 (citation) is the positive one.

/// Counts of decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Confusion {
    pub true_positive: usize,
    pub false_positive: usize,
    pub false_negative: usize,
    pub true_negative: usize,
}

/// Ratios of decisions, 0 where undefined.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Metrics {
    pub accuracy: f64,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl Confusion {
    /// Counts rows predicted 1 where `probability ≥ threshold` against `labels` (`true` is class 1).
    #[must_use]
    pub fn at(labels: &[bool], probabilities: &[f64], threshold: f64) -> Self {
        let _ = (labels, probabilities, threshold);
        todo!()
    }

    /// The ratios.
    #[must_use]
    pub fn metrics(self) -> Metrics {
        todo!()
    }

    /// F-beta: recall counts `beta` times as much as precision; 0 where undefined.
    #[must_use]
    pub fn f_beta(self, beta: f64) -> f64 {
        let _ = beta;
        todo!()
    }
}
