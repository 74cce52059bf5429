//! Sums, the exponential function and the normal distribution, in forms that compilers turn into vector instructions.

use super::{Element, PIECE_ROWS, vectorized};
use rayon::prelude::*;

/// Partial sums kept side by side.
const LANES: usize = 16;

/// The sum of all numbers.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f32 {
    let (parts, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for part in parts {
        for lane in 0..LANES {
            sums[lane] += part[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// The sum of products.
#[inline(always)]
pub(in super::super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let ((parts, rest), (other_parts, other_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (part, other) in parts.iter().zip(other_parts) {
        for lane in 0..LANES {
            sums[lane] += part[lane] * other[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().zip(other_rest).map(|(left, right)| left * right).sum::<f32>()
}

/// The largest number.
#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let (parts, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for part in parts {
        for lane in 0..LANES {
            lanes[lane] = if part[lane] > lanes[lane] { part[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |largest, &value| largest.max(value))
}

/// Adds the numbers of `values` to those of `sums`.
#[inline(always)]
pub(in super::super) fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// eˣ to about one unit in the last place, for x from −87 to 88; beyond, the value at that end.
///
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2; eʳ is its Taylor polynomial of degree 7, and 2ᵏ is put together from bits.
// A call for each element would keep loops from becoming vector instructions.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding this pushes a number's fraction out: what is left in the low bits is the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, of which the first has few enough bits for exact products with k.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // `clamp` would pass NaN through, and so does this.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = x - k * LN_2_HIGH - k * LN_2_LOW;
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + coefficient;
    }
    sum * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// The standard normal distribution at x: the probability of less than x, and the density.
///
/// The tail is Abramowitz and Stegun's formula 7.1.26 for erf, right to 1.5 · 10⁻⁷.
// As for exp.
#[inline(always)]
pub(super) fn normal(x: f32) -> (f32, f32) {
    const ROOT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    /// 1 / √(2π)
    const PEAK: f32 = 0.398_942_3;
    let bell = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * ROOT_HALF * x.abs());
    let mut sum = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6, 0.0] {
        sum = sum * t + coefficient;
    }
    let tail = 0.5 * sum * bell;
    (if x < 0.0 { tail } else { 1.0 - tail }, PEAK * bell)
}

/// Softmax of the numbers times `scale` (above 0), in place. Returns the logarithm of the sum of exponentials, which
/// gives each probability back from its number: e^(scale · x − that).
#[inline(always)]
pub(super) fn softmax(values: &mut [f32], scale: f32) -> f32 {
    let largest = largest(values);
    for value in values.iter_mut() {
        *value = exp((*value - largest) * scale);
    }
    let sum = sum(values);
    let share = 1.0 / sum;
    for value in values.iter_mut() {
        *value *= share;
    }
    largest * scale + sum.ln()
}

/// GELU (Hendrycks and Gimpel, 2016): x Φ(x), Φ the standard normal distribution itself, not its tanh approximation.
#[inline(always)]
pub(in super::super) fn gelu(x: f32) -> f32 {
    x * normal(x).0
}

/// The derivative of [`gelu`]: Φ(x) + x φ(x).
#[inline(always)]
pub(in super::super) fn gelu_slope(x: f32) -> f32 {
    let (below, density) = normal(x);
    below + x * density
}

/// Adds the sums over the rows of a matrix to `sums`, one for each column.
pub(in super::super) fn column_sums<E: Element>(values: &[E], sums: &mut [f32]) {
    let columns = sums.len();
    let pieces: Vec<Vec<f32>> = values
        .par_chunks(columns * PIECE_ROWS)
        .map(|piece| {
            vectorized(
                #[inline(always)]
                || {
                    let mut sums = vec![0.0; columns];
                    for row in piece.chunks_exact(columns) {
                        for (sum, value) in sums.iter_mut().zip(row) {
                            *sum += value.widen();
                        }
                    }
                    sums
                },
            )
        })
        .collect();
    for piece in &pieces {
        add(sums, piece);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_near, slopes, wide};
    use super::*;

    #[test]
    fn exp_is_right_to_the_last_places() {
        for step in -8_700..=8_800 {
            let x = step as f32 / 100.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), exp(-87.0));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn the_normal_distribution_by_its_table() {
        // Values of Φ and φ from SciPy's `norm`.
        for (x, below, density) in [
            (0.0, 0.5, 0.398_942_280_4),
            (1.0, 0.841_344_746_1, 0.241_970_724_5),
            (-1.96, 0.024_997_895_1, 0.058_440_944_3),
            (3.0, 0.998_650_102_0, 0.004_431_848_4),
            (-5.0, 2.866_515_7e-7, 1.486_719_5e-6),
        ] {
            let (found, found_density) = normal(x);
            assert!((f64::from(found) - below).abs() < 2e-7, "{x}: {found}");
            assert!((f64::from(found_density) - density).abs() < 1e-7, "{x}: {found_density}");
        }
    }

    #[test]
    fn sums_and_softmax() {
        let values: Vec<f32> = (0..37).map(|index| index as f32 / 4.0).collect();
        assert_eq!(sum(&values), 36.0 * 37.0 / 8.0);
        assert_eq!(dot(&values, &values), 36.0 * 37.0 * 73.0 / 6.0 / 16.0);
        let mut probabilities = values.clone();
        let log_sum = softmax(&mut probabilities, 2.0);
        assert!((sum(&probabilities) - 1.0).abs() < 1e-6);
        assert!((probabilities[36] / probabilities[34] - std::f32::consts::E).abs() < 1e-5);
        assert!((exp(2.0 * values[30] - log_sum) - probabilities[30]).abs() < 1e-6);
        let mut shifted: Vec<f32> = values.iter().map(|value| value - 1e4).collect();
        softmax(&mut shifted, 2.0);
        assert!((shifted[36] - probabilities[36]).abs() < 1e-4);
    }

    /// x Φ(x) in f64, by a series for Φ (Abramowitz and Stegun's formula 26.2.11).
    fn plain_gelu(x: f64) -> f64 {
        let (mut term, mut sum) = (x, 0.0);
        for number in 1..100 {
            sum += term;
            term *= x * x / f64::from(2 * number + 1);
        }
        x * (0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt())
    }

    #[test]
    fn gelu_and_its_slope() {
        let places: Vec<f32> = (-60..=60).map(|step| step as f32 / 10.0).collect();
        let found = places.iter().map(|&x| gelu(x));
        let expected: Vec<f64> = wide(&places).into_iter().map(plain_gelu).collect();
        assert_near("GELU", &found.collect::<Vec<_>>(), &expected, 2e-7);
        let found: Vec<f32> = places.iter().map(|&x| gelu_slope(x)).collect();
        let expected = slopes(&wide(&places), |places| places.iter().copied().map(plain_gelu).sum());
        assert_near("its slope", &found, &expected, 1e-6);
        // SciPy's x · norm.cdf(x).
        assert!((gelu(1.5) - 1.399_789_2).abs() < 1e-6 && (gelu(-0.5) + 0.154_268_77).abs() < 1e-6);
    }

    #[test]
    fn sums_of_columns_are_added() {
        let values: Vec<f32> = (0..3 * 100).map(|index| index as f32).collect();
        let mut sums = [1.0; 3];
        column_sums(&values, &mut sums);
        assert_eq!(sums, [14_851.0, 14_951.0, 15_051.0]);
    }
}
