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
