//! How many steps there are, and the learning rate at each.

use super::Hyperparameters;

/// The steps of a training, counted as Hugging Face's `Trainer` counts them: the last, smaller batch of an epoch and
/// the last, smaller group of micro-batches are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Micro-batches an epoch.
    pub micro_batches: usize,
    /// Optimizer steps an epoch.
    pub steps_per_epoch: usize,
    /// Optimizer steps of the whole training.
    pub total_steps: u64,
}

impl Schedule {
    pub(super) fn new(hyperparameters: &Hyperparameters, examples: usize) -> Self {
        let micro_batches = examples.div_ceil(hyperparameters.batch_size);
        let steps_per_epoch = micro_batches.div_ceil(hyperparameters.accumulation);
        Self { micro_batches, steps_per_epoch, total_steps: (steps_per_epoch * hyperparameters.epochs) as u64 }
    }

    /// The learning rate of the step after `done` steps: from `initial` linearly down to zero, without warm-up.
    pub(super) fn learning_rate(&self, initial: f64, done: u64) -> f64 {
        initial * (self.total_steps.saturating_sub(done) as f64 / self.total_steps.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_batch_and_the_last_group() {
        let hyperparameters = Hyperparameters { batch_size: 8, accumulation: 4, epochs: 3, ..Default::default() };
        let schedule = Schedule::new(&hyperparameters, 41);
        assert_eq!(schedule, Schedule { micro_batches: 6, steps_per_epoch: 2, total_steps: 6 });
        assert_eq!(schedule.learning_rate(6e-5, 0), 6e-5);
        assert!((schedule.learning_rate(6e-5, 5) - 1e-5).abs() < 1e-18);
        assert_eq!(schedule.learning_rate(6e-5, 6), 0.0);
    }
}
