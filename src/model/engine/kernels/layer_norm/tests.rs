//! LayerNorm and its gradient against the plain form in f64.

use super::super::testing::{assert_near, dropouts, mask, numbers, slopes, tolerance, weighted, wide};
use super::*;
use half::bf16;

/// So large that results depend on it.
const EPSILON: f64 = 1e-2;

/// y = LayerNorm(dropout(p + c) + r) in f64: what the gradient is computed of.
#[derive(Clone)]
struct Plain {
    product: Vec<f64>,
    product_bias: Vec<f64>,
    residual: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    mask: Vec<f64>,
}

impl Plain {
    fn forward(&self) -> Vec<f64> {
        let width = self.weight.len();
        let mut output = Vec::new();
        for (row, product) in self.product.chunks(width).enumerate() {
            let place = row * width;
            let sums: Vec<f64> = (0..width)
                .map(|column| {
                    let dropped = (product[column] + self.product_bias[column]) * self.mask[place + column];
                    dropped + self.residual[place + column]
                })
                .collect();
            let mean = sums.iter().sum::<f64>() / width as f64;
            let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / width as f64;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            output.extend(
                (0..width).map(|column| (sums[column] - mean) * scale * self.weight[column] + self.bias[column]),
            );
        }
        output
    }

    /// The gradient of the weighted sum of the output with respect to one of the operands.
    fn slopes(&self, from_above: &[f64], operand: impl Fn(&mut Self) -> &mut Vec<f64>) -> Vec<f64> {
        let mut plain = self.clone();
        let values = operand(&mut plain).clone();
        slopes(&values, |values| {
            operand(&mut plain).copy_from_slice(values);
            weighted(from_above, &plain.forward())
        })
    }
}

/// Rows that stand in a padded batch with a gap before each.
fn slots(rows: usize) -> Vec<usize> {
    (0..rows).map(|row| 2 * row + 1).collect()
}

fn check<E: Element>(rows: usize, width: usize, dropout: Option<Sampler>) {
    let slots = slots(rows);
    let whole_mask = mask(dropout, (2 * rows + 1) * width);
    let [product, residual] = [1, 2].map(|seed| numbers::<f32>(rows * width, seed));
    let [product_bias, weight, bias] = [3, 4, 5].map(|seed| numbers::<f32>(width, seed));
    let from_above = numbers::<f32>(rows * width, 6);
    let plain = Plain {
        product: wide(&product),
        product_bias: wide(&product_bias),
        residual: wide(&residual),
        weight: wide(&weight),
        bias: wide(&bias),
        mask: slots.iter().flat_map(|slot| &whole_mask[slot * width..(slot + 1) * width]).copied().collect(),
    };

    let norm = LayerNorm { weight: &weight, bias: &bias, epsilon: EPSILON };
    let mut normalised = Normalised::<E> { output: vec![E::narrow(f32::NAN); 3], ..Normalised::default() };
    let fill = |normalised: &mut Normalised<E>, block: usize, keep: bool| {
        normalised.fill([rows, width, block], keep, Vec::new, |sum: &mut Vec<f32>, mut block| {
            for index in 0..block.count() {
                let row = block.first + index;
                sum.clear();
                sum.extend_from_slice(&product[row * width..(row + 1) * width]);
                add(sum, &product_bias);
                if let Some(dropout) = dropout {
                    dropout.apply(slots[row] * width, sum);
                }
                add(sum, &residual[row * width..(row + 1) * width]);
                block.write(index, norm, sum);
            }
        });
    };
    let mut unkept = Normalised::<E>::default();
    fill(&mut unkept, 5, false);
    fill(&mut normalised, 6, true);
    assert_near("output", &normalised.output, &plain.forward(), tolerance::<E>());
    assert_eq!((wide(&unkept.output), unkept.normal.len()), (wide(&normalised.output), 0));

    let mut to_sum = from_above.clone();
    let mut to_product = vec![E::narrow(f32::NAN); rows * width];
    // Gradients of parameters are added to what is there.
    let mut to_parameters = [0.5, -1.0, 2.0].map(|start| vec![start; width]);
    NormGradient { weight: &weight, normalised: &normalised, dropout, slots: &slots }.compute(
        &mut to_sum,
        &mut to_product,
        to_parameters.each_mut().map(Vec::as_mut_slice),
    );
    let from_above = wide(&from_above);
    // In bf16 x̂ is rounded, which 1 / √(variance + ε) enlarges.
    let tolerance = tolerance::<E>();
    assert_near("to residual", &to_sum, &plain.slopes(&from_above, |plain| &mut plain.residual), tolerance);
    assert_near("to product", &to_product, &plain.slopes(&from_above, |plain| &mut plain.product), tolerance);
    let expected = [
        plain.slopes(&from_above, |plain| &mut plain.weight),
        plain.slopes(&from_above, |plain| &mut plain.bias),
        plain.slopes(&from_above, |plain| &mut plain.product_bias),
    ];
    for ((found, mut expected), start) in to_parameters.iter().zip(expected).zip([0.5, -1.0, 2.0]) {
        for expected in &mut expected {
            *expected += start;
        }
        assert_near("to a parameter", found, &expected, tolerance);
    }
}

#[test]
fn at_odd_sizes() {
    for (rows, width) in [(1, 1), (1, 2), (3, 5), (7, 16), (33, 17), (70, 3), (1, 65), (2, 130)] {
        for dropout in dropouts() {
            check::<f32>(rows, width, dropout);
            check::<bf16>(rows, width, dropout);
        }
    }
}

#[test]
fn rows_of_one_number_and_rows_far_from_zero() {
    let norm = LayerNorm { weight: &[2.0; 40], bias: &[0.5; 40], epsilon: 1e-12 };
    let mut output = [f32::NAN; 40];
    norm.row(&mut [7.0; 40], None, &mut output);
    assert_eq!(output, [0.5; 40]);
    // Alternating 999 and 1,001: the variance is that of their differences from the mean, not of their squares.
    let mut row: Vec<f32> = (0..40).map(|index| if index % 2 == 0 { 999.0 } else { 1001.0 }).collect();
    let scale = norm.row(&mut row, None, &mut output);
    assert_eq!((scale, output[0], output[1]), (1.0, -1.5, 2.5));
}
