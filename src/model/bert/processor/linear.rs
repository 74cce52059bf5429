//! y = x Wᵀ + b.

use super::matrix::{Existing, Matrix, multiply, on_all_threads};
use super::numbers::add;
use super::{ROWS, operand, tensor, values};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// x: rows × inputs, W: outputs × inputs, b: outputs.
#[derive(Debug)]
pub(in super::super) struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        let (rows, inputs) = input_layout.shape().dims2()?;
        let outputs = weight_layout.shape().dims2()?.0;
        let bias = operand(bias, bias_layout)?;
        let mut output = vec![0.0; rows * outputs];
        output.par_chunks_mut(outputs * ROWS).for_each(|piece| {
            for row in piece.chunks_exact_mut(outputs) {
                row.copy_from_slice(bias);
            }
        });
        let input = Matrix::dense(operand(input, input_layout)?, rows, inputs);
        let weight = Matrix::dense(operand(weight, weight_layout)?, outputs, inputs);
        multiply(&mut output, Existing::AddTo, input, weight.transposed(), 1.0, on_all_threads());
        Ok((CpuStorage::F32(output), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = input.dims2()?;
        let outputs = weight.dim(0)?;
        let gradient = gradient.contiguous()?;
        let (gradient, layout) = gradient.storage_and_layout();
        let gradient = values(&gradient, layout)?;
        let from_above = Matrix::dense(gradient, rows, outputs);
        let mut to_input = vec![0.0; rows * inputs];
        let mut to_weight = vec![0.0; outputs * inputs];
        {
            let (weight, layout) = weight.storage_and_layout();
            let weight = Matrix::dense(values(&weight, layout)?, outputs, inputs);
            multiply(&mut to_input, Existing::Replace, from_above, weight, 1.0, on_all_threads());
        }
        {
            let (input, layout) = input.storage_and_layout();
            let input = Matrix::dense(values(&input, layout)?, rows, inputs);
            multiply(&mut to_weight, Existing::Replace, from_above.transposed(), input, 1.0, on_all_threads());
        }
        let to_bias = column_sums(gradient, outputs);
        Ok((Some(tensor(to_input, input)?), Some(tensor(to_weight, weight)?), Some(tensor(to_bias, bias)?)))
    }
}

/// Sums over the rows of a matrix of so many columns.
pub(super) fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let pieces: Vec<Vec<f32>> = values
        .par_chunks(columns * ROWS)
        .map(|piece| {
            let mut sums = vec![0.0; columns];
            for row in piece.chunks_exact(columns) {
                add(&mut sums, row);
            }
            sums
        })
        .collect();
    let mut sums = vec![0.0; columns];
    for piece in &pieces {
        add(&mut sums, piece);
    }
    sums
}
