//! Dropout and the residual connection.

use super::{ELEMENTS, operand, tensor, values};
use crate::model::dropout::Sampler;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// y = dropout(x) + r. The backward pass draws the mask again.
#[derive(Debug)]
pub(in super::super) struct Residual {
    pub dropout: Option<Sampler>,
}

impl Residual {
    /// Drops elements of the piece of this number.
    fn drop_out(&self, piece: usize, values: &mut [f32]) {
        if let Some(dropout) = &self.dropout {
            dropout.apply(piece * ELEMENTS, values);
        }
    }
}

impl CustomOp2 for Residual {
    fn name(&self) -> &'static str {
        "residual"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (input, residual) = (operand(input, layout)?, operand(residual, residual_layout)?);
        let mut output = input.to_vec();
        output.par_chunks_mut(ELEMENTS).zip(residual.par_chunks(ELEMENTS)).enumerate().for_each(
            |(piece, (output, residual))| {
                self.drop_out(piece, output);
                super::numbers::add(output, residual);
            },
        );
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        _residual: &Tensor,
        _output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        if self.dropout.is_none() {
            return Ok((Some(gradient.clone()), Some(gradient.clone())));
        }
        let gradient = gradient.contiguous()?;
        let mut to_input = {
            let (storage, layout) = gradient.storage_and_layout();
            values(&storage, layout)?.to_vec()
        };
        to_input.par_chunks_mut(ELEMENTS).enumerate().for_each(|(piece, values)| self.drop_out(piece, values));
        Ok((Some(tensor(to_input, input)?), Some(gradient)))
    }
}
