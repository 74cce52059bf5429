//! Dropout from a counter-based generator: the mask of a site depends on (seed, step, site) and on nothing else.

use super::ModelError;
use candle_core::Tensor;

/// What the masks of one forward pass depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropoutKey {
    pub seed: u64,
    /// Counts micro-batches from the start of training.
    pub step: u64,
}

/// 64 random bits for (seed, step, site, index); also used for shuffling.
#[must_use]
pub fn counter_random(seed: u64, step: u64, site: u64, index: u64) -> u64 {
    let _ = (seed, step, site, index);
    todo!()
}

/// Zeroes each element with `probability` and scales the rest by 1 / (1 − probability).
///
/// # Errors
/// [`ModelError::Tensor`].
pub fn dropout(input: &Tensor, probability: f64, key: DropoutKey, site: u64) -> Result<Tensor, ModelError> {
    let _ = (input, probability, key, site);
    todo!()
}
