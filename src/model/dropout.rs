//! Dropout from a counter-based generator: the mask of a site depends on (seed, step, site) and on nothing else.
//!
//! A counter-based generator has no state to pass on, so the mask is the same however many threads make it, and a run
//! that is resumed in the middle draws what it would have drawn without the interruption.

use super::ModelError;
use candle_core::Tensor;
use rayon::prelude::*;

/// What the masks of one forward pass depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropoutKey {
    pub seed: u64,
    /// Counts micro-batches from the start of training.
    pub step: u64,
}

/// 2⁶⁴ divided by the golden ratio, odd: steps of it visit all 64-bit numbers evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Elements that one task fills.
const CHUNK: usize = 1 << 14;

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014, with Stafford's thirteenth constants): every input bit
/// changes every output bit with a probability of about one half.
#[inline(always)]
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

/// Number `index` of a sequence: SplitMix64 jumped to that place.
#[inline(always)]
fn draw(stream: u64, index: u64) -> u64 {
    mix(stream.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// 64 random bits for (seed, step, site, index); also used for shuffling.
#[must_use]
pub fn counter_random(seed: u64, step: u64, site: u64, index: u64) -> u64 {
    draw(stream(seed, step, site), index)
}

/// Draws the mask of one site: element 2i takes the lower half of number i of the site's sequence, element 2i + 1 the
/// upper half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampler {
    pub(super) stream: u64,
    /// An element is dropped where its 32 bits are below this: exact to 2⁻³².
    pub(super) threshold: u32,
    /// What the others are multiplied with: 1 / (1 − probability).
    pub(super) kept: f32,
}

impl Sampler {
    pub(super) fn new(probability: f64, key: DropoutKey, site: u64) -> Self {
        Self {
            stream: stream(key.seed, key.step, site),
            threshold: (probability * 4_294_967_296.0).round().min(4_294_967_295.0) as u32,
            kept: (1.0 / (1.0 - probability)) as f32,
        }
    }

    #[inline(always)]
    fn factor(self, half: u32) -> f32 {
        if half < self.threshold { 0.0 } else { self.kept }
    }

    // Inlined, so that it is compiled for the instructions that its caller may use.
    /// Multiplies numbers with their part of the mask; the first of them is element `first` of the site.
    #[inline(always)]
    pub(super) fn apply(self, first: usize, values: &mut [f32]) {
        let mut number = (first / 2) as u64;
        // An odd first element is the upper half of its pair.
        let (upper, values) = values.split_at_mut((first % 2).min(values.len()));
        if let [value] = upper {
            *value *= self.factor((draw(self.stream, number) >> 32) as u32);
            number += 1;
        }
        // Sixteen at a time: these loops become vector instructions.
        let (groups, values) = values.as_chunks_mut::<16>();
        for group in groups {
            let mut halves = [0_u32; 16];
            for (index, halves) in halves.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let bits = draw(self.stream, number + index as u64);
                *halves = [bits as u32, (bits >> 32) as u32];
            }
            for (value, half) in group.iter_mut().zip(halves) {
                *value *= self.factor(half);
            }
            number += 8;
        }
        let (pairs, last) = values.as_chunks_mut::<2>();
        for pair in pairs {
            let bits = draw(self.stream, number);
            pair[0] *= self.factor(bits as u32);
            pair[1] *= self.factor((bits >> 32) as u32);
            number += 1;
        }
        if let [value] = last {
            *value *= self.factor(draw(self.stream, number) as u32);
        }
    }

    /// Of the first `length` elements: 1 where one is kept, 0 where it is dropped.
    fn kept_elements(self, length: usize) -> Vec<u8> {
        let mut kept = vec![0; length];
        kept.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, kept)| {
            let mut factors = vec![1.0; kept.len()];
            self.apply(chunk * CHUNK, &mut factors);
            kept.iter_mut().zip(factors).for_each(|(kept, factor)| *kept = u8::from(factor != 0.0));
        });
        kept
    }
}

/// Zeroes each element with `probability` and scales the rest by 1 / (1 − probability).
///
/// # Errors
/// [`ModelError::Tensor`].
pub fn dropout(input: &Tensor, probability: f64, key: DropoutKey, site: u64) -> Result<Tensor, ModelError> {
    let sampler = Sampler::new(probability, key, site);
    // As bytes, because a GPU waits for them at every site.
    let kept = Tensor::from_vec(sampler.kept_elements(input.elem_count()), input.shape(), input.device())?;
    let mask = (kept.to_dtype(input.dtype())? * f64::from(sampler.kept))?;
    Ok((input * mask)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    const KEY: DropoutKey = DropoutKey { seed: 42, step: 7 };

    fn mask(length: usize, probability: f64, key: DropoutKey, site: u64) -> Vec<f32> {
        let sampler = Sampler::new(probability, key, site);
        sampler.kept_elements(length).into_iter().map(|kept| f32::from(kept) * sampler.kept).collect()
    }

    #[test]
    fn a_mask_can_be_drawn_in_parts() {
        let whole = mask(101, 0.3, KEY, 1);
        for (first, last) in [(0, 0), (0, 1), (1, 2), (1, 9), (2, 9), (17, 101), (50, 101)] {
            let mut part = vec![1.0; last - first];
            Sampler::new(0.3, KEY, 1).apply(first, &mut part);
            assert_eq!(part, whole[first..last]);
        }
    }

    #[test]
    fn drops_its_share_and_keeps_the_mean() {
        let length = 1_000_001;
        let mask = mask(length, 0.1, KEY, 3);
        let dropped = mask.iter().filter(|&&factor| factor == 0.0).count() as f64;
        // Five standard deviations of the binomial distribution.
        let tolerance = 5.0 * (0.1 * 0.9 * length as f64).sqrt();
        assert!((dropped - 0.1 * length as f64).abs() < tolerance, "{dropped} dropped");
        assert!(mask.iter().all(|&factor| factor == 0.0 || factor == 1.0 / 0.9));
    }

    #[test]
    fn neighbours_steps_sites_and_seeds_are_independent() {
        let length = 100_000;
        let share_of_common = |left: &[f32], right: &[f32]| {
            left.iter().zip(right).filter(|(left, right)| **left == 0.0 && **right == 0.0).count() as f64
                / left.len() as f64
        };
        let first = mask(length + 1, 0.5, KEY, 3);
        let others = [
            mask(length, 0.5, KEY, 4),
            mask(length, 0.5, DropoutKey { step: 8, ..KEY }, 3),
            mask(length, 0.5, DropoutKey { seed: 43, ..KEY }, 3),
            first[1..].to_vec(),
        ];
        for other in others {
            // Both are dropped in a quarter of the places; ± five standard deviations.
            assert!((share_of_common(&first[..length], &other) - 0.25).abs() < 5.0 * (0.1875 / length as f64).sqrt());
        }
    }

    #[test]
    fn does_not_depend_on_the_number_of_threads() {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mask(5 * CHUNK + 13, 0.1, KEY, 0))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn known_numbers_stay() {
        // A run that was begun with one version must be resumable with the next.
        assert_eq!(counter_random(0, 0, 0, 0), 0x5788_3D1A_44F6_91D5);
        assert_eq!(counter_random(42, 1, 2, 3), 0xC81E_16F0_D7DB_1EBB);
    }

    #[test]
    fn applies_to_a_tensor() {
        let input = Tensor::ones((3, 5), candle_core::DType::F32, &Device::Cpu).unwrap();
        let output: Vec<f32> = dropout(&input, 0.1, KEY, 3).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(output, mask(15, 0.1, KEY, 3));
    }
}
