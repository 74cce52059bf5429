//! What the modules are made of.
//!
//! Activations are f32 or bf16; LayerNorm and softmax compute in f32, and parameters are f32 and narrowed where they
//! meet bf16 activations. candle's own fused LayerNorm and softmax record no gradient, so only inference takes those.

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

    /// The key and number of the next site, where this pass has dropout.
    fn next_site(&self, probability: f64) -> Option<(DropoutKey, u64)> {
        let site = self.site.get();
        self.site.set(site + 1);
        self.dropout.filter(|_| probability > 0.0).map(|key| (key, site))
    }

    /// Dropout where this pass has it.
    pub(super) fn dropout(&self, input: Tensor, probability: f64) -> Result<Tensor, ModelError> {
        match self.next_site(probability) {
            Some((key, site)) => dropout(&input, probability, key, site),
            None => Ok(input),
        }
    }

    /// dropout(input) + residual.
    pub(super) fn residual(&self, input: Tensor, residual: &Tensor, probability: f64) -> Result<Tensor, ModelError> {
        Ok((self.dropout(input, probability)? + residual)?)
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

    /// Normalises a contiguous tensor in f32 and returns the format of activations.
    pub(super) fn forward(&self, input: &Tensor, pass: &Pass) -> Result<Tensor, ModelError> {
        let input = input.to_dtype(DType::F32)?;
        let normalised = if pass.recording {
            self.composed(&input)?
        } else {
            candle_nn::ops::layer_norm(&input, &self.weight, &self.bias, self.epsilon as f32)?
        };
        Ok(normalised.to_dtype(pass.activations)?)
    }

    fn composed(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        let centred = input.broadcast_sub(&input.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let scaled = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        Ok(scaled.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)?)
    }
}

/// GELU with the normal distribution itself, not its tanh approximation.
pub(super) fn gelu(input: &Tensor) -> Result<Tensor, ModelError> {
    Ok(input.gelu_erf()?)
}

/// How the tokens of a batch lie in its tensors.
#[derive(Debug)]
pub(super) struct Rows {
    pub count: usize,
    /// Tokens a row, padding included.
    pub length: usize,
    /// What is added to attention scores (rows × 1 × 1 × length, f32): 0 on tokens and the lowest number on padding.
    /// None where no row has padding.
    mask: Option<Tensor>,
}

impl Rows {
    pub(super) fn of(batch: &Batch, device: &Device) -> Result<Self, ModelError> {
        Ok(Self { count: batch.rows, length: batch.length, mask: padding_mask(batch, device)? })
    }
}

fn padding_mask(batch: &Batch, device: &Device) -> Result<Option<Tensor>, ModelError> {
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

/// softmax(Q Kᵀ / √width) V by heads, with dropout on the probabilities; all are rows·length × hidden.
pub(super) fn attention(
    [query, key, value]: [&Tensor; 3],
    heads: usize,
    rows: &Rows,
    probability: f64,
    pass: &Pass,
) -> Result<Tensor, ModelError> {
    let hidden = query.dim(1)?;
    let width = hidden / heads;
    // rows × heads × length × width
    let split = |tensor: &Tensor| -> Result<Tensor, ModelError> {
        Ok(tensor.reshape((rows.count, rows.length, heads, width))?.transpose(1, 2)?.contiguous()?)
    };
    let query = (split(query)? * (width as f64).powf(-0.5))?;
    let scores = query.matmul(&split(key)?.t()?)?;
    let probabilities = pass.dropout(softmax(&scores, rows.mask.as_ref(), pass)?, probability)?;
    drop(scores);
    let context = probabilities.matmul(&split(value)?)?;
    Ok(context.transpose(1, 2)?.contiguous()?.reshape((rows.count * rows.length, hidden))?)
}

/// Softmax over the last dimension in f32, returned in the format of activations.
fn softmax(scores: &Tensor, mask: Option<&Tensor>, pass: &Pass) -> Result<Tensor, ModelError> {
    let mut scores = scores.to_dtype(DType::F32)?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(mask)?;
    }
    let probabilities = if pass.recording {
        // Detached, because a change of the maximum cancels out: no gradient flows through it.
        let maximum = scores.max_keepdim(D::Minus1)?.detach();
        let powers = scores.broadcast_sub(&maximum)?.exp()?;
        powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?
    } else {
        candle_nn::ops::softmax_last_dim(&scores)?
    };
    Ok(probabilities.to_dtype(pass.activations)?)
}
