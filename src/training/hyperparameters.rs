//! What the user may set.

use serde::{Deserialize, Serialize};

/// The hyperparameters, with the notebook's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    pub learning_rate: f64,
    pub epochs: usize,
    pub batch_size: usize,
    /// Micro-batches a step; gradients are those of the whole batch of `batch_size × accumulation`.
    pub accumulation: usize,
    /// Tokens a pair at most.
    pub max_length: usize,
    pub weight_decay: f64,
    /// Norm at which the gradient is clipped.
    pub max_gradient_norm: f64,
    /// For shuffling, dropout and a new classifier.
    pub seed: u64,
    /// Steps between logged losses.
    pub log_every: usize,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            learning_rate: 2e-5,
            epochs: 5,
            batch_size: 8,
            accumulation: 1,
            max_length: 512,
            weight_decay: 0.01,
            max_gradient_norm: 1.0,
            seed: 42,
            log_every: 50,
        }
    }
}
