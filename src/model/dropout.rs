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

/// 2⁶⁴ divided by the golden ratio, odd: steps of it visit all 64-bit numbers evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014, with Stafford's thirteenth constants): every input bit
/// changes every output bit with a probability of about one half.
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The start of the sequence of (seed, step, site).
fn stream(seed: u64, step: u64, site: u64) -> u64 {
    [seed, step, site]
        .into_iter()
        .fold(0, |state, word| mix(state.wrapping_add(GOLDEN) ^ mix(word.wrapping_add(GOLDEN))))
}

/// Number `index` of a sequence: `SplitMix64` jumped to that place.
#[inline]
fn draw(stream: u64, index: u64) -> u64 {
    mix(stream.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// 64 random bits for (seed, step, site, index); also used for shuffling.
#[must_use]
pub fn counter_random(seed: u64, step: u64, site: u64, index: u64) -> u64 {
    draw(stream(seed, step, site), index)
}

/// Zeroes each element with `probability` and scales the rest by 1 / (1 − probability).
///
/// # Errors
/// [`ModelError::Tensor`].
pub fn dropout(input: &Tensor, probability: f64, key: DropoutKey, site: u64) -> Result<Tensor, ModelError> {
    let _ = (input, probability, key, site);
    todo!()
}
