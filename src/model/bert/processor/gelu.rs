//! GELU (Hendrycks and Gimpel, 2016): x Φ(x), Φ the standard normal distribution.

use super::numbers::normal;
use super::{ELEMENTS, operand, tensor, values};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Element by element.
#[derive(Debug)]
pub(in super::super) struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = operand(input, layout)?;
        let mut output = vec![0.0; input.len()];
        output.par_chunks_mut(ELEMENTS).zip(input.par_chunks(ELEMENTS)).for_each(|(output, input)| {
            for (output, &input) in output.iter_mut().zip(input) {
                *output = input * normal(input).0;
            }
        });
        Ok((CpuStorage::F32(output), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let (gradient_storage, layout) = gradient.storage_and_layout();
        let from_above = values(&gradient_storage, layout)?;
        let (input_storage, layout) = input.storage_and_layout();
        let inputs = values(&input_storage, layout)?;
        let mut to_input = vec![0.0; inputs.len()];
        to_input
            .par_chunks_mut(ELEMENTS)
            .zip(inputs.par_chunks(ELEMENTS))
            .zip(from_above.par_chunks(ELEMENTS))
            .for_each(|((to_input, input), from_above)| {
                for ((to_input, &input), from_above) in to_input.iter_mut().zip(input).zip(from_above) {
                    let (below, density) = normal(input);
                    *to_input = from_above * (below + input * density);
                }
            });
        Ok(Some(tensor(to_input, input)?))
    }
}
