//! Layer normalisation over the last dimension.

use super::numbers::{add, dot, sum};
use super::{ROWS, operand, tensor, values};
use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// y = (x − mean) / √(variance + ε) · w + b, by rows.
#[derive(Debug)]
pub(in super::super) struct LayerNorm {
    pub epsilon: f64,
}

impl LayerNorm {
    /// Mean and 1 / √(variance + ε) of a row.
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

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (input, weight, bias) =
            (operand(input, input_layout)?, operand(weight, weight_layout)?, operand(bias, bias_layout)?);
        let width = weight.len();
        let mut output = vec![0.0; input.len()];
        output.par_chunks_mut(width * ROWS).zip(input.par_chunks(width * ROWS)).for_each(|(output, input)| {
            for (output, input) in output.chunks_exact_mut(width).zip(input.chunks_exact(width)) {
                let (mean, scale) = self.statistics(input);
                for (((output, input), weight), bias) in output.iter_mut().zip(input).zip(weight).zip(bias) {
                    *output = (input - mean) * scale * weight + bias;
                }
            }
        });
        Ok((CpuStorage::F32(output), input_layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = input.dim(D::Minus1)?;
        let gradient = gradient.contiguous()?;
        let (gradient_storage, layout) = gradient.storage_and_layout();
        let from_above = values(&gradient_storage, layout)?;
        let (input_storage, layout) = input.storage_and_layout();
        let inputs = values(&input_storage, layout)?;
        let (weight_storage, layout) = weight.storage_and_layout();
        let weights = values(&weight_storage, layout)?;
        let mut to_input = vec![0.0; inputs.len()];
        // Gradients of weight and bias, a pair for each piece.
        let pieces: Vec<(Vec<f32>, Vec<f32>)> = to_input
            .par_chunks_mut(width * ROWS)
            .zip(inputs.par_chunks(width * ROWS))
            .zip(from_above.par_chunks(width * ROWS))
            .map(|((to_input, input), from_above)| {
                let mut to_weight = vec![0.0; width];
                let mut to_bias = vec![0.0; width];
                let mut normal = vec![0.0; width];
                let mut to_normal = vec![0.0; width];
                let rows = to_input.chunks_exact_mut(width).zip(input.chunks_exact(width));
                for ((to_input, input), from_above) in rows.zip(from_above.chunks_exact(width)) {
                    let (mean, scale) = self.statistics(input);
                    for index in 0..width {
                        normal[index] = (input[index] - mean) * scale;
                        to_normal[index] = from_above[index] * weights[index];
                        to_weight[index] += from_above[index] * normal[index];
                    }
                    add(&mut to_bias, from_above);
                    let mean_gradient = sum(&to_normal) / width as f32;
                    let mean_product = dot(&to_normal, &normal) / width as f32;
                    for index in 0..width {
                        to_input[index] = scale * (to_normal[index] - mean_gradient - normal[index] * mean_product);
                    }
                }
                (to_weight, to_bias)
            })
            .collect();
        let mut to_weight = vec![0.0; width];
        let mut to_bias = vec![0.0; width];
        for (weight, bias) in &pieces {
            add(&mut to_weight, weight);
            add(&mut to_bias, bias);
        }
        Ok((Some(tensor(to_input, input)?), Some(tensor(to_weight, weight)?), Some(tensor(to_bias, bias)?)))
    }
}
