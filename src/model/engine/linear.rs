//! Products with a layer's weights, forward and back, on all threads.

use super::kernels::{
    Element, Left, Panels, Processor, Spread, multiply, pack_rows, pack_transposed, row_blocks, vectorized,
};
use rayon::prelude::*;

/// Tokens over which the gradient of weights is summed at once: two blocks of operands fit into the cache.
const DEPTH: usize = 2048;

/// Multiplies rows of `input` (rows × depth) with a packed operand, block by block. `finish` hears a number of its own
/// row of `output` and of the product: the output's rows that belong to the block, the row within them, the column and
/// the product's numbers from there on. `output` is rows × `columns`.
pub(super) fn product_into<E: Element, O: Send>(
    processor: Processor,
    input: &[E],
    depth: usize,
    right: Panels<'_, E>,
    output: &mut [O],
    columns: usize,
    finish: impl Fn(&mut [O], usize, &[f32]) + Sync + Send,
) {
    let rows = output.len() / columns;
    let block = row_blocks::<E>(rows, depth);
    output.par_chunks_mut(block * columns).enumerate().for_each(|(number, output)| {
        vectorized(
            #[inline(always)]
            || {
                let first = number * block;
                let rows = first..first + output.len() / columns;
                let left = Left::Rows { values: input, stride: depth };
                multiply(
                    processor,
                    left,
                    rows,
                    right,
                    0..right.count(),
                    #[inline(always)]
                    |row, column, found| {
                        let start = (row - first) * columns + column;
                        finish(&mut output[start..start + found.len()], column, found);
                    },
                );
            },
        );
    });
}

/// y = x Wᵀ + b, narrowed.
pub(super) fn linear<E: Element>(
    processor: Processor,
    input: &[E],
    depth: usize,
    weight: Panels<'_, E>,
    bias: &[f32],
    output: &mut [E],
) {
    product_into(
        processor,
        input,
        depth,
        weight,
        output,
        bias.len(),
        #[inline(always)]
        |output, column, found| {
            for ((output, found), bias) in output.iter_mut().zip(found).zip(&bias[column..]) {
                *output = E::narrow(found + bias);
            }
        },
    );
}

/// Buffers for packed operands.
#[derive(Debug, Default)]
pub(super) struct PackedOperands<E> {
    left: Vec<E>,
    right: Vec<E>,
}

impl<E: Element> PackedOperands<E> {
    /// Adds the gradient of weights, `gradient`ᵀ · `input`, to `sums` (outputs × inputs). `gradient` is
    /// rows × outputs, `input` rows × inputs.
    pub(super) fn add_weight_gradient(
        &mut self,
        processor: Processor,
        gradient: &[E],
        input: &[E],
        inputs: usize,
        sums: &mut [f32],
    ) {
        let outputs = sums.len() / inputs;
        for (gradient, input) in gradient.chunks(DEPTH * outputs).zip(input.chunks(DEPTH * inputs)) {
            let depth = input.len() / inputs;
            pack_transposed(gradient, outputs, depth, outputs, &mut self.left, Spread::Threads);
            let right = pack_rows(input, inputs, depth, inputs, &mut self.right, Spread::Threads);
            let left = Left::Packed { values: &self.left };
            let block = row_blocks::<E>(outputs, depth);
            sums.par_chunks_mut(block * inputs).enumerate().for_each(|(number, sums)| {
                vectorized(
                    #[inline(always)]
                    || {
                        let first = number * block;
                        let rows = first..first + sums.len() / inputs;
                        multiply(
                            processor,
                            left,
                            rows,
                            right,
                            0..right.count(),
                            #[inline(always)]
                            |row, column, found| {
                                let sums = &mut sums[(row - first) * inputs + column..];
                                for (sum, found) in sums.iter_mut().zip(found) {
                                    *sum += found;
                                }
                            },
                        );
                    },
                );
            });
        }
    }

    /// The weights (outputs × inputs) packed for the gradient of a layer's input, which is the product of that of its
    /// output with them.
    pub(super) fn weight(&mut self, weight: &[f32], inputs: usize) -> Panels<'_, E> {
        pack_rows(weight, inputs, weight.len() / inputs, inputs, &mut self.right, Spread::Threads)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::testing::{assert_near, numbers, processors, slopes, tolerance, weighted, wide};
    use super::super::kernels::{column_sums, pack_columns};
    use super::*;
    use half::bf16;

    /// x Wᵀ + b in f64.
    fn plain(input: &[f64], weight: &[f64], bias: &[f64], depth: usize) -> Vec<f64> {
        let outputs = |row| weight.chunks(depth).zip(bias).map(move |(weight, bias)| weighted(weight, row) + bias);
        input.chunks(depth).flat_map(outputs).collect()
    }

    fn check<E: Element>(processor: Processor, [rows, inputs, outputs]: [usize; 3]) {
        let input = numbers::<E>(rows * inputs, 1);
        let (weight, bias) = (numbers::<f32>(outputs * inputs, 2), numbers::<f32>(outputs, 3));
        let from_above = numbers::<E>(rows * outputs, 4);
        let (wide_input, wide_weight, wide_bias) = (wide(&input), wide(&weight), wide(&bias));
        let weights = wide(&from_above);

        let mut packed = Vec::new();
        let panels = pack_columns(&weight, inputs, outputs, inputs, &mut packed, Spread::Threads);
        let mut output = vec![E::narrow(f32::NAN); rows * outputs];
        linear(processor, &input, inputs, panels, &bias, &mut output);
        let expected = plain(&wide_input, &wide_weight, &wide_bias, inputs);
        assert_near("output", &output, &expected, tolerance::<E>());

        // The operands of these products are exact in both formats, and so must their sums be nearly.
        let loss =
            |input: &[f64], weight: &[f64], bias: &[f64]| weighted(&weights, &plain(input, weight, bias, inputs));
        let mut operands = PackedOperands::<E>::default();
        let mut to_weight = vec![0.0; weight.len()];
        operands.add_weight_gradient(processor, &from_above, &input, inputs, &mut to_weight);
        let expected = slopes(&wide_weight, |weight| loss(&wide_input, weight, &wide_bias));
        assert_near("to weight", &to_weight, &expected, tolerance::<f32>());
        operands.add_weight_gradient(processor, &from_above, &input, inputs, &mut to_weight);
        let doubled: Vec<f64> = expected.iter().map(|slope| 2.0 * slope).collect();
        assert_near("to weight, added", &to_weight, &doubled, tolerance::<f32>());

        let mut to_bias = vec![0.0; outputs];
        column_sums(&from_above, &mut to_bias);
        let expected = slopes(&wide_bias, |bias| loss(&wide_input, &wide_weight, bias));
        assert_near("to bias", &to_bias, &expected, tolerance::<f32>());

        let mut to_input = vec![f32::NAN; rows * inputs];
        let panels = operands.weight(&weight, inputs);
        product_into(processor, &from_above, outputs, panels, &mut to_input, inputs, |to_input, _, found| {
            to_input.copy_from_slice(found);
        });
        // A row's gradient depends on no other row.
        let expected: Vec<f64> = (wide_input.chunks(inputs).zip(weights.chunks(outputs)))
            .flat_map(|(row, weights)| {
                slopes(row, |row| weighted(weights, &plain(row, &wide_weight, &wide_bias, inputs)))
            })
            .collect();
        assert_near("to input", &to_input, &expected, tolerance::<f32>());
    }

    #[test]
    fn at_odd_sizes() {
        for processor in processors() {
            for sizes in [[1, 1, 1], [1, 65, 3], [7, 3, 65], [13, 17, 2], [97, 5, 7]] {
                check::<f32>(processor, sizes);
                check::<bf16>(processor, sizes);
            }
        }
    }

    #[test]
    fn weights_whose_gradient_is_summed_in_several_parts() {
        for processor in processors() {
            check::<f32>(processor, [2 * DEPTH + 1, 2, 3]);
            check::<bf16>(processor, [DEPTH + 3, 3, 2]);
        }
    }
}
