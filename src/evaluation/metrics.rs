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
    /// Counts rows predicted 1 where `probability ≥ threshold` against `labels` (`true` is class 1). A probability
    /// that is not a number is never predicted 1.
    #[must_use]
    pub fn at(labels: &[bool], probabilities: &[f64], threshold: f64) -> Self {
        let mut confusion = Self::default();
        for (&label, &probability) in labels.iter().zip(probabilities) {
            let count = match (label, probability >= threshold) {
                (true, true) => &mut confusion.true_positive,
                (false, true) => &mut confusion.false_positive,
                (true, false) => &mut confusion.false_negative,
                (false, false) => &mut confusion.true_negative,
            };
            *count += 1;
        }
        confusion
    }

    /// Rows counted.
    #[must_use]
    pub fn rows(self) -> usize {
        self.true_positive + self.false_positive + self.false_negative + self.true_negative
    }

    /// The ratios.
    #[must_use]
    pub fn metrics(self) -> Metrics {
        Metrics {
            accuracy: ratio(self.true_positive + self.true_negative, self.rows()),
            precision: ratio(self.true_positive, self.true_positive + self.false_positive),
            recall: ratio(self.true_positive, self.true_positive + self.false_negative),
            f1: self.f_beta(1.0),
        }
    }

    /// F-beta: recall counts `beta` times as much as precision; 0 where undefined.
    ///
    /// Computed from counts, (1 + β²)·TP / (β²·(TP + FN) + TP + FP), as scikit-learn does: one division rounds once,
    /// so that equal ratios are equal numbers and ties between thresholds are true ties.
    #[must_use]
    pub fn f_beta(self, beta: f64) -> f64 {
        let beta_squared = beta * beta;
        let actual = (self.true_positive + self.false_negative) as f64;
        let predicted = (self.true_positive + self.false_positive) as f64;
        let denominator = beta_squared * actual + predicted;
        if denominator > 0.0 { (1.0 + beta_squared) * self.true_positive as f64 / denominator } else { 0.0 }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_counts_as_a_citation() {
        let confusion = Confusion::at(&[true, false, true, false], &[0.5, 0.5, 0.4999, f64::NAN], 0.5);
        assert_eq!(confusion, Confusion { true_positive: 1, false_positive: 1, false_negative: 1, true_negative: 1 });
        assert_eq!(confusion.metrics(), Metrics { accuracy: 0.5, precision: 0.5, recall: 0.5, f1: 0.5 });
    }

    #[test]
    fn undefined_ratios_are_zero() {
        assert_eq!(Confusion::default().metrics(), Metrics::default());
        let nothing_found = Confusion { false_negative: 3, true_negative: 1, ..Confusion::default() };
        assert_eq!(nothing_found.metrics(), Metrics { accuracy: 0.25, ..Metrics::default() });
        assert_eq!(nothing_found.f_beta(2.0), 0.0);
    }

    #[test]
    fn a_large_beta_approaches_recall_and_a_small_one_precision() {
        let confusion = Confusion { true_positive: 30, false_positive: 20, false_negative: 10, true_negative: 40 };
        assert!((confusion.f_beta(1e6) - 0.75).abs() < 1e-9);
        assert!((confusion.f_beta(0.0) - 0.6).abs() < 1e-15);
    }
}
