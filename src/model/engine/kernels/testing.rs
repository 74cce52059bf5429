//! What the kernels' tests share: numbers, and gradients by finite differences.

use super::{Element, Processor};
use crate::model::dropout::{DropoutKey, Sampler};

/// The portable paths, and the fastest that this processor has.
pub(in super::super) fn processors() -> [Processor; 2] {
    [Processor { avx512: false, avx512_bf16: false }, Processor::detect()]
}

/// Dropout, and none.
pub(in super::super) fn dropouts() -> [Option<Sampler>; 2] {
    [None, Some(Sampler::new(0.3, DropoutKey { seed: 5, step: 1 }, 2))]
}

/// The first elements of the mask; ones where there is no dropout.
pub(in super::super) fn mask(dropout: Option<Sampler>, count: usize) -> Vec<f64> {
    let mut mask = vec![1.0; count];
    if let Some(dropout) = dropout {
        dropout.apply(0, &mut mask);
    }
    wide(&mask)
}

/// Numbers in [−1, 1) that bf16 holds exactly, so that each format and f64 compute with the same.
pub(in super::super) fn numbers<E: Element>(count: usize, seed: u64) -> Vec<E> {
    let number = |index| (crate::model::counter_random(seed, 0, 0, index) % 256) as f32 / 128.0 - 1.0;
    (0..count as u64).map(|index| E::narrow(number(index))).collect()
}

/// The same numbers in f64.
pub(in super::super) fn wide<E: Element>(values: &[E]) -> Vec<f64> {
    values.iter().map(|value| f64::from(value.widen())).collect()
}

/// The gradient of `loss` with respect to each of the values, by central differences.
pub(in super::super) fn slopes(values: &[f64], mut loss: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    /// Small for what the losses do in between, large for the rounding of f64.
    const STEP: f64 = 1e-5;
    let mut values = values.to_vec();
    (0..values.len())
        .map(|index| {
            let value = values[index];
            let mut at = |place: f64| {
                values[index] = place;
                loss(&values)
            };
            let slope = (at(value + STEP) - at(value - STEP)) / (2.0 * STEP);
            values[index] = value;
            slope
        })
        .collect()
}

/// The sum of products.
pub(in super::super) fn weighted(weights: &[f64], values: &[f64]) -> f64 {
    assert_eq!(weights.len(), values.len());
    weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
}

/// How far off a result in this format may be, relative to its largest number. bf16 keeps 8 bits of each operand and
/// of each result.
pub(in super::super) fn tolerance<E: Element>() -> f64 {
    if E::GROUP == 1 { 2e-5 } else { 2e-2 }
}

/// Holds results against what they should be: each within `tolerance` times the largest (or 1, where all are small).
pub(in super::super) fn assert_near<E: Element>(what: &str, found: &[E], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in wide(found).iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance * largest, "{what}: number {index} is {found}, which should be {expected}");
    }
}
