//! Precision, recall and F1 against the threshold.

use super::{Metrics, ThresholdAnalysis};

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

/// `count` numbers from `from` to `to` exactly as `numpy.linspace` gives them: position times step plus start, each
/// rounded by itself, with the last set to `to`; where the step would underflow to zero, position divided by
/// `count − 1` times the distance instead.
#[must_use]
pub fn linspace(from: f64, to: f64, count: usize) -> Vec<f64> {
    let distance = to - from;
    let intervals = count.saturating_sub(1) as f64;
    let step = distance / intervals;
    let mut numbers: Vec<f64> = (0..count)
        .map(|position| {
            let position = position as f64;
            let offset = if count < 2 {
                position * distance
            } else if step == 0.0 {
                position / intervals * distance
            } else {
                position * step
            };
            offset + from
        })
        .collect();
    if let (Some(last), true) = (numbers.last_mut(), count > 1) {
        *last = to;
    }
    numbers
}

/// The 33 thresholds from 0.1 to 0.9.
#[must_use]
pub fn standard_thresholds() -> Vec<f64> {
    linspace(0.1, 0.9, 33)
}

impl Sweep {
    /// Sweeps `thresholds` (at least one) over the predictions. Without a threshold there are no points, and `best`
    /// says so with a threshold that is not a number and figures of zero.
    #[must_use]
    pub fn over(labels: &[bool], probabilities: &[f64], thresholds: &[f64]) -> Self {
        ThresholdAnalysis::new(labels, probabilities).sweep(thresholds)
    }

    /// The figures at every distinct probability, lowest threshold first.
    #[must_use]
    pub fn continuous(labels: &[bool], probabilities: &[f64]) -> Vec<SweepPoint> {
        ThresholdAnalysis::new(labels, probabilities).continuous()
    }

    /// Finds the first of the points with the highest F1.
    pub(super) fn of_points(points: Vec<SweepPoint>) -> Self {
        let mut best: Option<SweepPoint> = None;
        for point in &points {
            if best.is_none_or(|best| point.metrics.f1 > best.metrics.f1) {
                best = Some(*point);
            }
        }
        let best = best.unwrap_or(SweepPoint { threshold: f64::NAN, metrics: Metrics::default() });
        Self { points, best }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_f1_is_best() {
        let sweep = Sweep::over(&[true, false], &[0.95, 0.05], &standard_thresholds());
        assert_eq!(sweep.points.len(), 33);
        assert_eq!(sweep.best.threshold, 0.1);
        assert_eq!(sweep.best.metrics.f1, 1.0);
    }

    #[test]
    fn a_sweep_without_rows_or_points_is_all_zero() {
        let sweep = Sweep::over(&[], &[], &standard_thresholds());
        assert_eq!(sweep.best, SweepPoint { threshold: 0.1, metrics: Metrics::default() });
        let sweep = Sweep::over(&[true], &[0.5], &[]);
        assert!(sweep.points.is_empty() && sweep.best.threshold.is_nan());
    }

    #[test]
    fn linspace_has_as_many_numbers_as_asked_for() {
        assert_eq!(linspace(0.1, 0.9, 0), Vec::<f64>::new());
        assert_eq!(linspace(0.1, 0.9, 1), [0.1]);
        assert_eq!(linspace(0.1, 0.9, 2), [0.1, 0.9]);
    }
}
