//! What the page works out beside what a run says of itself: a smoothed curve, steps, time.

use std::time::Duration;

/// Exponential moving average that starts unbiased: each value is the weighted mean of all before it, where a step
/// back counts `weight` times as much (the bias correction of Adam; Kingma and Ba 2015, section 3).
#[must_use]
pub fn smooth(values: impl IntoIterator<Item = f64>, weight: f64) -> Vec<f64> {
    let (mut sum, mut norm) = (0.0, 0.0);
    let smoothed = values.into_iter().map(|value| {
        sum = weight * sum + (1.0 - weight) * value;
        norm = weight * norm + (1.0 - weight);
        sum / norm
    });
    smoothed.collect()
}

/// Time that evaluating rows takes at a training speed: forward only is a third of the work, as the backward pass costs
/// twice the forward.
#[must_use]
pub fn evaluation_time(rows: usize, examples_per_second: f64) -> Duration {
    seconds(rows as f64 / (3.0 * examples_per_second))
}

/// Time that a whole training takes at a speed, with an evaluation each epoch.
#[must_use]
pub fn training_time(epochs: usize, train_rows: usize, validation_rows: usize, examples_per_second: f64) -> Duration {
    let training = seconds((epochs * train_rows) as f64 / examples_per_second);
    training.saturating_add(evaluation_time(epochs * validation_rows, examples_per_second))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Optimizer steps of an epoch: batches, added up `accumulation` at a time, the last group perhaps smaller.
#[must_use]
pub fn steps_per_epoch(rows: usize, batch_size: usize, accumulation: usize) -> usize {
    rows.div_ceil(batch_size.max(1)).div_ceil(accumulation.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_constant_and_starts_at_the_first_value() {
        assert_eq!(smooth([3.0, 3.0, 3.0], 0.5), [3.0, 3.0, 3.0]);
        let smoothed = smooth([1.0, 0.0], 0.5);
        assert_eq!(smoothed[0], 1.0);
        assert!((smoothed[1] - 1.0 / 3.0).abs() < 1e-12);
        assert!(smooth([], 0.5).is_empty());
    }

    #[test]
    fn a_training_is_its_rows_and_a_third_of_each_validation_row() {
        assert_eq!(training_time(2, 100, 30, 10.0), Duration::from_secs(22));
        assert_eq!(training_time(2, 100, 30, 0.0), Duration::MAX);
    }

    #[test]
    fn an_epochs_last_group_may_be_smaller() {
        assert_eq!(steps_per_epoch(17, 8, 1), 3);
        assert_eq!(steps_per_epoch(17, 8, 2), 2);
        assert_eq!(steps_per_epoch(0, 8, 1), 0);
    }
}
