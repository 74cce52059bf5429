//! Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016), and its gradient.

use super::numbers::{add, dot, sum};
use super::{Element, PIECE_ROWS, vectorized};
use crate::model::dropout::Sampler;
use rayon::prelude::*;

/// y = x̂ w + b with x̂ = (x − mean) / √(variance + ε), by rows.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct LayerNorm<'a> {
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub epsilon: f64,
}

impl LayerNorm<'_> {
    /// Normalises one row, writes x̂ where somebody keeps it, and returns 1 / √(variance + ε). To be called within
    /// [`vectorized`].
    #[inline(always)]
    fn row<E: Element>(&self, row: &mut [f32], normal: Option<&mut [E]>, output: &mut [E]) -> f32 {
        let (mean, scale) = self.statistics(row);
        for value in row.iter_mut() {
            *value = (*value - mean) * scale;
        }
        if let Some(normal) = normal {
            for (normal, &value) in normal.iter_mut().zip(row.iter()) {
                *normal = E::narrow(value);
            }
        }
        for (((output, value), weight), bias) in output.iter_mut().zip(row).zip(self.weight).zip(self.bias) {
            *output = E::narrow(*value * weight + bias);
        }
        scale
    }

    /// Mean and 1 / √(variance + ε) of a row.
    #[inline(always)]
    fn statistics(&self, row: &[f32]) -> (f32, f32) {
        let mean = sum(row) / row.len() as f32;
        let mut squares = [0.0; 16];
        let (parts, rest) = row.as_chunks::<16>();
        for part in parts {
            for (square, value) in squares.iter_mut().zip(part) {
                *square += (value - mean) * (value - mean);
            }
        }
        let squares = sum(&squares) + rest.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>();
        let variance = f64::from(squares) / row.len() as f64;
        (mean, (1.0 / (variance + self.epsilon).sqrt()) as f32)
    }
}

/// What a LayerNorm gave and what its gradient needs.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Normalised<E> {
    /// x̂, rows × width; empty where no gradient is wanted.
    pub normal: Vec<E>,
    /// 1 / √(variance + ε), one a row.
    pub scales: Vec<f32>,
    /// Rows × width.
    pub output: Vec<E>,
}

/// A block of the rows of a [`Normalised`], to be written.
#[derive(Debug)]
pub(in super::super) struct NormalisedRows<'a, E> {
    /// Number of the first.
    pub first: usize,
    normal: Option<&'a mut [E]>,
    scales: &'a mut [f32],
    output: &'a mut [E],
}

impl<E: Element> Normalised<E> {
    /// Makes room for so many rows and lets all threads write blocks of them, compiled for vector instructions. Without
    /// `keep` there will be no x̂. `scratch` makes what each thread computes in.
    pub(in super::super) fn fill<S>(
        &mut self,
        [rows, width, block]: [usize; 3],
        keep: bool,
        scratch: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, NormalisedRows<'_, E>) + Sync + Send,
    ) {
        self.output.resize(rows * width, E::default());
        self.scales.resize(rows, 0.0);
        self.normal.resize(if keep { rows * width } else { 0 }, E::default());
        let mut normal = self.normal.chunks_mut(block * width);
        let blocks: Vec<_> = (self.output.chunks_mut(block * width))
            .zip(self.scales.chunks_mut(block))
            .enumerate()
            .map(|(number, (output, scales))| NormalisedRows {
                first: number * block,
                normal: normal.next(),
                scales,
                output,
            })
            .collect();
        blocks.into_par_iter().for_each_init(scratch, |scratch, rows| {
            vectorized(
                #[inline(always)]
                || work(scratch, rows),
            );
        });
    }
}

impl<E: Element> NormalisedRows<'_, E> {
    /// How many.
    #[inline(always)]
    pub(in super::super) fn count(&self) -> usize {
        self.scales.len()
    }

    /// Normalises `sum` into row `index` of the block and returns the row.
    #[inline(always)]
    pub(in super::super) fn write(&mut self, index: usize, norm: LayerNorm<'_>, sum: &mut [f32]) -> &mut [E] {
        let width = sum.len();
        let range = index * width..(index + 1) * width;
        let output = &mut self.output[range.clone()];
        let normal = self.normal.as_deref_mut().map(|normal| &mut normal[range]);
        self.scales[index] = norm.row(sum, normal, output);
        output
    }
}

/// The gradient of y = LayerNorm(dropout(p) + r), where p is a product with a bias.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct NormGradient<'a, E> {
    /// LayerNorm's.
    pub weight: &'a [f32],
    pub normalised: &'a Normalised<E>,
    /// Dropout before the sum.
    pub dropout: Option<Sampler>,
    /// Where each row stands in the padded batch.
    pub slots: &'a [usize],
}

impl<E: Element> NormGradient<'_, E> {
    /// Turns `gradient` (rows × width, with respect to y) into that with respect to the sum, which is also the one with
    /// respect to r; writes the one with respect to p to `to_product`; adds to those of LayerNorm's weight and bias and
    /// of p's bias.
    pub(in super::super) fn compute(
        &self,
        gradient: &mut [f32],
        to_product: &mut [E],
        [to_weight, to_bias, to_product_bias]: [&mut [f32]; 3],
    ) {
        let width = self.weight.len();
        let piece = width * PIECE_ROWS;
        let sums: Vec<[Vec<f32>; 3]> = gradient
            .par_chunks_mut(piece)
            .zip(to_product.par_chunks_mut(piece))
            .zip(self.normalised.normal.par_chunks(piece))
            .zip(self.normalised.scales.par_chunks(PIECE_ROWS).zip(self.slots.par_chunks(PIECE_ROWS)))
            .map(|(((gradient, to_product), normal), (scales, slots))| {
                vectorized(
                    #[inline(always)]
                    || {
                        let mut sums = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
                        let [to_weight, to_bias, to_product_bias] = &mut sums;
                        let mut wide = vec![0.0; width];
                        let rows = gradient.chunks_exact_mut(width).zip(to_product.chunks_exact_mut(width));
                        let rows = rows.zip(normal.chunks_exact(width)).zip(scales.iter().zip(slots));
                        for (((gradient, to_product), normal), (&scale, &slot)) in rows {
                            for (wide, normal) in wide.iter_mut().zip(normal) {
                                *wide = normal.widen();
                            }
                            add(to_bias, gradient);
                            for ((sum, gradient), normal) in to_weight.iter_mut().zip(gradient.iter()).zip(&wide) {
                                *sum += gradient * normal;
                            }
                            for (gradient, weight) in gradient.iter_mut().zip(self.weight) {
                                *gradient *= weight;
                            }
                            let mean = sum(gradient) / width as f32;
                            let product = dot(gradient, &wide) / width as f32;
                            for (gradient, normal) in gradient.iter_mut().zip(&wide) {
                                *gradient = scale * (*gradient - mean - normal * product);
                            }
                            wide.copy_from_slice(gradient);
                            if let Some(dropout) = self.dropout {
                                dropout.apply(slot * width, &mut wide);
                            }
                            add(to_product_bias, &wide);
                            for (to_product, &wide) in to_product.iter_mut().zip(&wide) {
                                *to_product = E::narrow(wide);
                            }
                        }
                        sums
                    },
                )
            })
            .collect();
        for [weight, bias, product_bias] in &sums {
            add(to_weight, weight);
            add(to_bias, bias);
            add(to_product_bias, product_bias);
        }
    }
}

#[cfg(test)]
mod tests;
