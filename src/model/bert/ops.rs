//! What the modules are made of.
//!
//! Activations are f32 or bf16; LayerNorm and softmax compute in f32, and parameters are f32 and narrowed where they
//! meet bf16 activations. On the processor the fast forms of [`processor`] do the work, in f32: bf16 is widened before
//! each and its result narrowed again. Other devices compose candle's operations; its own fused LayerNorm and softmax
//! record no gradient, so only inference takes those.

use super::{Lookup, processor};
use crate::model::dropout::{Sampler, dropout};
use crate::model::{DropoutKey, ModelError};
use crate::pairs::Batch;
use candle_core::{D, DType, Device, Tensor};
use std::cell::Cell;
use std::sync::Arc;

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

    fn next_sampler(&self, probability: f64) -> Option<Sampler> {
        self.next_site(probability).map(|(key, site)| Sampler::new(probability, key, site))
    }

    /// Dropout where this pass has it.
    pub(super) fn dropout(&self, input: Tensor, probability: f64) -> Result<Tensor, ModelError> {
        match self.next_site(probability) {
            Some((key, site)) => dropout(&input, probability, key, site),
            None => Ok(input),
        }
    }

    /// dropout(input) + residual; both contiguous.
    pub(super) fn residual(&self, input: &Tensor, residual: &Tensor, probability: f64) -> Result<Tensor, ModelError> {
        if input.device().is_cpu() {
            let dropout = self.next_sampler(probability);
            let sum = widened(input)?.apply_op2(&widened(residual)?, processor::Residual { dropout })?;
            return Ok(sum.to_dtype(input.dtype())?);
        }
        Ok((self.dropout(input.clone(), probability)? + residual)?)
    }
}

/// The numbers in f32.
fn widened(tensor: &Tensor) -> candle_core::Result<Tensor> {
    tensor.to_dtype(DType::F32)
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
        if input.device().is_cpu() {
            let format = input.dtype();
            let [weight, bias] = [&self.weight, &self.bias].map(|parameter| widened(&parameter.to_dtype(format)?));
            return Ok(widened(input)?.apply_op3(&weight?, &bias?, processor::Linear)?.to_dtype(format)?);
        }
        self.composed(input)
    }

    fn composed(&self, input: &Tensor) -> Result<Tensor, ModelError> {
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
        let normalised = if input.device().is_cpu() {
            input.apply_op3(&self.weight, &self.bias, processor::LayerNorm { epsilon: self.epsilon })?
        } else if pass.recording {
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
    if input.device().is_cpu() {
        return Ok(widened(input)?.apply_op1(processor::Gelu)?.to_dtype(input.dtype())?);
    }
    Ok(input.gelu_erf()?)
}

/// How the tokens of a batch lie in its tensors, and how long each row is.
#[derive(Debug)]
pub(super) struct Rows {
    pub count: usize,
    /// Tokens a row, padding included.
    pub length: usize,
    lengths: Arc<[usize]>,
    /// What is added to attention scores (rows × 1 × 1 × length, f32): 0 on tokens and the lowest number on padding.
    /// None where no row has padding, or where the fast form leaves padding out.
    mask: Option<Tensor>,
}

impl Rows {
    pub(super) fn of(batch: &Batch, device: &Device) -> Result<Self, ModelError> {
        let mask = if device.is_cpu() { None } else { padding_mask(batch, device)? };
        Ok(Self { count: batch.rows, length: batch.length, lengths: batch.lengths.as_slice().into(), mask })
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
    if query.device().is_cpu() {
        let dropout = pass.next_sampler(probability);
        let attention = processor::Attention { heads, length: rows.length, lengths: rows.lengths.clone(), dropout };
        let context = widened(query)?.apply_op3(&widened(key)?, &widened(value)?, attention)?;
        return Ok(context.to_dtype(query.dtype())?);
    }
    composed_attention([query, key, value], heads, rows, probability, pass)
}

fn composed_attention(
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
        candle_nn::ops::softmax(&scores, D::Minus1)?
    } else {
        candle_nn::ops::softmax_last_dim(&scores)?
    };
    Ok(probabilities.to_dtype(pass.activations)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    /// Numbers without a pattern.
    fn variable(shape: &[usize], seed: u64) -> Var {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|index| crate::model::counter_random(seed, 0, 0, index as u64) as f32 / u64::MAX as f32 * 4.0 - 2.0)
            .collect();
        Var::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn assert_near(left: &Tensor, right: &Tensor, what: &str) {
        assert_eq!(left.dims(), right.dims());
        for (left, right) in numbers(left).into_iter().zip(numbers(right)) {
            assert!((left - right).abs() < 2e-5 * (1.0 + right.abs()), "{what}: {left} and {right}");
        }
    }

    /// Holds a fast form against the composed one: values, and gradients of an uneven sum of them.
    fn compare(variables: &[&Var], fast: &Tensor, composed: &Tensor) {
        assert_near(fast, composed, "value");
        let weights = variable(fast.dims(), 99);
        let [fast, composed] =
            [fast, composed].map(|output| (output * weights.as_detached_tensor()).unwrap().sum_all().unwrap());
        let (fast, composed) = (fast.backward().unwrap(), composed.backward().unwrap());
        for (index, variable) in variables.iter().enumerate() {
            let gradient = |store: &candle_core::backprop::GradStore| store.get(variable).unwrap().clone();
            assert_near(&gradient(&fast), &gradient(&composed), &format!("gradient {index}"));
        }
    }

    #[test]
    fn fast_linear() {
        let variables = [variable(&[71, 19], 1), variable(&[23, 19], 2), variable(&[23], 3)];
        let linear = Linear { weight: variables[1].as_tensor().clone(), bias: variables[2].as_tensor().clone() };
        let [fast, composed] = [linear.forward(&variables[0]).unwrap(), linear.composed(&variables[0]).unwrap()];
        compare(&variables.iter().collect::<Vec<_>>(), &fast, &composed);
    }

    #[test]
    fn fast_layer_norm() {
        let variables = [variable(&[71, 37], 1), variable(&[37], 2), variable(&[37], 3)];
        let [input, weight, bias] = &variables;
        let norm = LayerNorm { weight: weight.as_tensor().clone(), bias: bias.as_tensor().clone(), epsilon: 1e-12 };
        let pass = Pass::recording(DType::F32, None);
        compare(&[input, weight, bias], &norm.forward(input, &pass).unwrap(), &norm.composed(input).unwrap());
    }

    #[test]
    fn fast_gelu() {
        let input = variable(&[3, 501], 1);
        let wide = (input.as_tensor() * 4.0).unwrap();
        compare(&[&input], &gelu(&wide).unwrap(), &wide.gelu_erf().unwrap());
    }

    #[test]
    fn fast_residual_and_attention_draw_the_same_masks() {
        let key = DropoutKey { seed: 5, step: 6 };
        let [input, other] = [variable(&[171, 97], 1), variable(&[171, 97], 2)];
        for dropout_key in [None, Some(key)] {
            let pass = || Pass::recording(DType::F32, dropout_key);
            let fast = pass().residual(&input, &other, 0.1).unwrap();
            let composed = (pass().dropout(input.as_tensor().clone(), 0.1).unwrap() + other.as_tensor()).unwrap();
            compare(&[&input, &other], &fast, &composed);
        }

        // Three rows of 13, 7 and 1 tokens; what stands at padding is of no account, so it gets no gradient.
        let batch = Batch { rows: 3, length: 13, lengths: vec![13, 7, 1], ids: vec![0; 39], type_ids: vec![0; 39] };
        let inputs = [variable(&[39, 24], 1), variable(&[39, 24], 2), variable(&[39, 24], 3)];
        let [query, key_input, value] = &inputs;
        let mask: Vec<f32> = batch
            .lengths
            .iter()
            .flat_map(|&length| (0..13).map(move |token| f32::from(u8::from(token < length))))
            .collect();
        let mask = Tensor::from_vec(mask, (39, 1), &Device::Cpu).unwrap();
        for dropout_key in [None, Some(key)] {
            let pass = || Pass::recording(DType::F32, dropout_key);
            let mut rows = Rows::of(&batch, &Device::Cpu).unwrap();
            let tensors = [query.as_tensor(), key_input.as_tensor(), value.as_tensor()];
            let fast = attention(tensors, 3, &rows, 0.2, &pass()).unwrap();
            rows.mask = padding_mask(&batch, &Device::Cpu).unwrap();
            let composed = composed_attention(tensors, 3, &rows, 0.2, &pass()).unwrap();
            let [fast, composed] = [fast, composed].map(|context| context.broadcast_mul(&mask).unwrap());
            compare(&[query, key_input, value], &fast, &composed);
        }
    }
}
