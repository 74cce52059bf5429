//! What the modules are made of.
//!
//! Activations are f32 or bf16; LayerNorm and softmax compute in f32, and parameters are f32 and narrowed where they
//! meet bf16 activations. candle's own fused LayerNorm and softmax record no gradient, so a recording pass composes
//! them from operations that do; inference takes the fused ones.

use super::Lookup;
use crate::model::dropout::dropout;
use crate::model::{DropoutKey, ModelError};
use crate::pairs::Batch;
use candle_core::{D, DType, Device, Tensor};
use std::cell::Cell;

/// How a batch passes through the network: recording gradients or not, with dropout or not, in which number format.
#[derive(Debug)]
pub(super) struct Pass {
    recording: bool,
    activations: DType,
    dropout: Option<DropoutKey>,
    /// The next site of dropout; sites are numbered in the order in which the modules pass them.
    site: Cell<u64>,
}

impl Pass {
    /// A pass that records what gradients need.
    pub(super) fn recording(activations: DType, dropout: Option<DropoutKey>) -> Self {
        Self { recording: true, activations, dropout, site: Cell::new(0) }
    }

    /// A pass that records nothing and drops nothing.
    pub(super) fn inference(activations: DType) -> Self {
        Self { recording: false, activations, dropout: None, site: Cell::new(0) }
    }

    /// Dropout where this pass has it.
    pub(super) fn dropout(&self, input: Tensor, probability: f64) -> Result<Tensor, ModelError> {
        let site = self.site.get();
        self.site.set(site + 1);
        match self.dropout {
            Some(key) if probability > 0.0 => dropout(&input, probability, key, site),
            _ => Ok(input),
        }
    }
}

/// y = x Wᵀ + b.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    /// outputs × inputs
    weight: Tensor,
    /// outputs
    bias: Tensor,
}

impl Linear {
    pub(super) fn new(lookup: &mut Lookup<'_>, name: &str, inputs: usize, outputs: usize) -> Result<Self, ModelError> {
        Ok(Self {
            weight: lookup(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: lookup(&format!("{name}.bias"), &[outputs])?,
        })
    }

    /// `input`: rows × inputs, contiguous, in the format of activations; the result is rows × outputs in that format.
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        let weight = self.weight.to_dtype(input.dtype())?;
        let bias = self.bias.to_dtype(input.dtype())?;
        Ok(input.matmul(&weight.t()?)?.broadcast_add(&bias)?)
    }
}

/// Layer normalisation over the last dimension (Ba, Kiros and Hinton, 2016).
#[derive(Debug, Clone)]
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    pub(super) fn new(lookup: &mut Lookup<'_>, name: &str, width: usize, epsilon: f64) -> Result<Self, ModelError> {
        Ok(Self {
            weight: lookup(&format!("{name}.weight"), &[width])?,
            bias: lookup(&format!("{name}.bias"), &[width])?,
            epsilon,
        })
    }

    /// Normalises in f32 and returns the format of activations.
    pub(super) fn forward(&self, input: &Tensor, pass: &Pass) -> Result<Tensor, ModelError> {
        let input = input.to_dtype(DType::F32)?;
        let normalised = if pass.recording {
            let centred = input.broadcast_sub(&input.mean_keepdim(D::Minus1)?)?;
            let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
            let scaled = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
            scaled.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)?
        } else {
            candle_nn::ops::layer_norm(&input.contiguous()?, &self.weight, &self.bias, self.epsilon as f32)?
        };
        Ok(normalised.to_dtype(pass.activations)?)
    }
}

/// What is added to attention scores (rows × 1 × 1 × length, f32): 0 on tokens and the lowest number on padding.
/// None where no row has padding.
pub(super) fn padding_mask(batch: &Batch, device: &Device) -> Result<Option<Tensor>, ModelError> {
    if batch.lengths.iter().all(|&length| length == batch.length) {
        return Ok(None);
    }
    let mask: Vec<f32> = batch
        .lengths
        .iter()
        .flat_map(|&length| (0..batch.length).map(move |position| if position < length { 0.0 } else { f32::MIN }))
        .collect();
    Ok(Some(Tensor::from_vec(mask, (batch.rows, 1, 1, batch.length), device)?))
}

/// Softmax over the last dimension in f32, returned in the format of activations.
pub(super) fn softmax(scores: &Tensor, mask: Option<&Tensor>, pass: &Pass) -> Result<Tensor, ModelError> {
    let mut scores = scores.to_dtype(DType::F32)?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    let probabilities = if pass.recording {
        candle_nn::ops::softmax(&scores, D::Minus1)?
    } else {
        candle_nn::ops::softmax_last_dim(&scores)?
    };
    Ok(probabilities.to_dtype(pass.activations)?)
}
