//! AdamW (Loshchilov and Hutter, 2019) as PyTorch computes it, and clipping by the global norm.
//!
//! Parameters on the processor are updated in one pass over memory, in parallel over fixed pieces, so that the result
//! does not depend on the number of threads; elsewhere candle's operations do the same arithmetic.

use crate::model::{FlatParameters, ModelError, ParameterSet, vectorized};
#[cfg(any(test, feature = "cuda"))]
use crate::model::{GpuOptimizer, StepFactors};
use candle_core::{D, Tensor, Var};
use rayon::prelude::*;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Added to the norm before dividing, as `torch.nn.utils.clip_grad_norm_` does.
const CLIP_EPSILON: f64 = 1e-6;

/// Elements of one piece of work; sums are made within pieces and then over them, in order.
const PIECE: usize = 1 << 14;

/// The optimizer: running means of each parameter's gradient and of its square.
#[derive(Debug)]
pub(super) struct AdamW {
    weight_decay: f64,
    pub first: ParameterSet,
    pub second: ParameterSet,
    /// What steps on the processor found, until [`forget`](Self::forget).
    found: Vec<Found>,
    /// On an NVIDIA GPU: clips and steps, and keeps what it finds.
    #[cfg(any(test, feature = "cuda"))]
    pub gpu: Option<GpuOptimizer>,
}

/// What a step found; it changed nothing where these are not both finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub loss: f64,
    /// Before clipping.
    pub gradient_norm: f64,
}

/// What one step multiplies with; f32 where it meets parameters.
#[derive(Debug, Clone, Copy)]
struct Factors {
    /// Clipping.
    gradient: f64,
    /// 1 − learning rate × weight decay.
    decay: f64,
    /// Learning rate / (1 − β₁ᵗ).
    step: f64,
    /// √(1 − β₂ᵗ).
    root_correction: f64,
}

impl AdamW {
    pub(super) fn new(parameters: &ParameterSet, weight_decay: f64) -> Result<Self, ModelError> {
        Ok(Self {
            weight_decay,
            first: parameters.zeros_like()?,
            second: parameters.zeros_like()?,
            found: Vec::new(),
            #[cfg(any(test, feature = "cuda"))]
            gpu: match parameters {
                ParameterSet::Gpu(parameters) => Some(parameters.optimizer(decays)?),
                _ => None,
            },
        })
    }

    /// Clips the gradient to `max_norm` and updates every parameter, unless loss or norm are not finite; see
    /// [`found`](Self::found). `done`: steps before this one; `loss`: that of the step, but for a GPU, which has kept it.
    pub(super) fn clipped_step(
        &mut self,
        parameters: &mut ParameterSet,
        gradient: &ParameterSet,
        learning_rate: f64,
        done: u64,
        [max_norm, loss]: [f64; 2],
    ) -> Result<(), ModelError> {
        #[cfg(any(test, feature = "cuda"))]
        if let (
            Some(optimizer),
            ParameterSet::Gpu(parameters),
            ParameterSet::Gpu(gradient),
            ParameterSet::Gpu(first),
            ParameterSet::Gpu(second),
        ) = (&mut self.gpu, &mut *parameters, gradient, &mut self.first, &mut self.second)
        {
            let count = (done + 1) as f64;
            let factors = StepFactors {
                decay: 1.0 - learning_rate * self.weight_decay,
                step: learning_rate / (1.0 - BETA_1.powf(count)),
                root_correction: (1.0 - BETA_2.powf(count)).sqrt(),
            };
            return optimizer.step(parameters, gradient, [first, second], max_norm, factors);
        }
        let gradient_norm = global_norm(gradient)?;
        if loss.is_finite() && gradient_norm.is_finite() {
            self.step(parameters, gradient, learning_rate, done, clip_factor(gradient_norm, max_norm))?;
        }
        self.found.push(Found { loss, gradient_norm });
        Ok(())
    }

    /// What the steps since [`forget`](Self::forget) found, in order. Waits for a GPU, which nothing else here does.
    #[cfg_attr(
        not(any(test, feature = "cuda")),
        expect(clippy::unnecessary_wraps, reason = "only a GPU can fail to answer")
    )]
    pub(super) fn found(&self) -> Result<Vec<Found>, ModelError> {
        #[cfg(any(test, feature = "cuda"))]
        if let Some(optimizer) = &self.gpu {
            let found = optimizer.findings()?;
            return Ok(found.into_iter().map(|[loss, gradient_norm]| Found { loss, gradient_norm }).collect());
        }
        Ok(self.found.clone())
    }

    #[cfg_attr(
        not(any(test, feature = "cuda")),
        expect(clippy::unnecessary_wraps, reason = "only a GPU can fail to answer")
    )]
    pub(super) fn forget(&mut self) -> Result<(), ModelError> {
        self.found.clear();
        #[cfg(any(test, feature = "cuda"))]
        if let Some(optimizer) = &mut self.gpu {
            optimizer.forget()?;
        }
        Ok(())
    }

    /// Whether to look at what was found before another step: at whatever there is, where that costs no waiting.
    pub(super) fn must_look(&self) -> bool {
        #[cfg(any(test, feature = "cuda"))]
        if let Some(optimizer) = &self.gpu {
            return optimizer.is_full();
        }
        !self.found.is_empty()
    }

    /// Updates every parameter. `done`: steps before this one; `clip`: the factor from [`clip_factor`].
    fn step(
        &mut self,
        parameters: &mut ParameterSet,
        gradient: &ParameterSet,
        learning_rate: f64,
        done: u64,
        clip: f64,
    ) -> Result<(), ModelError> {
        let count = (done + 1) as f64;
        let factors = Factors {
            gradient: clip,
            decay: 1.0,
            step: learning_rate / (1.0 - BETA_1.powf(count)),
            root_correction: (1.0 - BETA_2.powf(count)).sqrt(),
        };
        let factors_of = |name: &str| {
            let decay = if decays(name) { 1.0 - learning_rate * self.weight_decay } else { 1.0 };
            Factors { decay, ..factors }
        };
        match (parameters, gradient, &mut self.first, &mut self.second) {
            (
                ParameterSet::Flat(parameters),
                ParameterSet::Flat(gradient),
                ParameterSet::Flat(first),
                ParameterSet::Flat(second),
            ) => update_flat(parameters, gradient, first, second, factors_of),
            (
                ParameterSet::Tensors(parameters),
                ParameterSet::Tensors(gradient),
                ParameterSet::Tensors(first),
                ParameterSet::Tensors(second),
            ) => {
                for (name, parameter) in parameters {
                    let (Some(gradient), Some(first), Some(second)) =
                        (gradient.get(name), first.get(name), second.get(name))
                    else {
                        return Err(missing(name));
                    };
                    update_tensor(parameter, &gradient.as_detached_tensor(), [first, second], factors_of(name))?;
                }
            }
            _ => return Err(missing("of this model")),
        }
        Ok(())
    }
}

fn missing(name: &str) -> ModelError {
    ModelError::MissingTensor { path: "the gradient".into(), name: name.to_owned() }
}

/// Biases and LayerNorm are not decayed.
fn decays(name: &str) -> bool {
    let is_bias = name.rsplit('.').next() == Some("bias");
    !(is_bias || name.contains("LayerNorm"))
}

/// The norm of all gradients together.
fn global_norm(gradient: &ParameterSet) -> Result<f64, ModelError> {
    let sum: f64 = match gradient {
        ParameterSet::Flat(gradient) => {
            let pieces: Vec<f64> = gradient
                .values
                .par_chunks(PIECE)
                .map(|piece| {
                    vectorized(
                        #[inline(always)]
                        || squares(piece),
                    )
                })
                .collect();
            pieces.iter().sum()
        }
        ParameterSet::Tensors(gradient) => {
            // Row by row first, because a GPU gives one block of threads to each sum; and one wait for all results.
            let sums = gradient.values().map(|gradient| {
                let rows = gradient.as_detached_tensor().sqr()?.sum(D::Minus1)?;
                rows.flatten_all()?.sum(0)
            });
            let sums: Vec<f32> = Tensor::stack(&sums.collect::<candle_core::Result<Vec<_>>>()?, 0)?.to_vec1()?;
            sums.into_iter().map(f64::from).sum()
        }
        // `clipped_step` has the GPU find it.
        #[cfg(any(test, feature = "cuda"))]
        ParameterSet::Gpu(_) => return Err(missing("of this model")),
    };
    Ok(sum.sqrt())
}

/// The sum of squares, in lanes that become vector instructions.
#[inline(always)]
fn squares(values: &[f32]) -> f64 {
    let (parts, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for part in parts {
        for (lane, &value) in lanes.iter_mut().zip(part) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>()
}

/// What gradients of this norm are multiplied with so that their norm is at most `max_norm`.
fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + CLIP_EPSILON)).min(1.0)
}

/// One pass over parameters, gradient and both moments, cut at parameters' borders and into pieces.
fn update_flat(
    parameters: &mut FlatParameters,
    gradient: &FlatParameters,
    first: &mut FlatParameters,
    second: &mut FlatParameters,
    factors_of: impl Fn(&str) -> Factors,
) {
    let layout = parameters.layout().clone();
    let mut pieces = Vec::new();
    let mut rest = (&mut *parameters.values, &*gradient.values, &mut *first.values, &mut *second.values);
    for segment in layout.segments() {
        let factors = factors_of(&segment.name);
        let length = segment.range.len();
        let (parameters, gradient, first, second) = rest;
        let (parameters, other_parameters) = parameters.split_at_mut(length);
        let (gradient, other_gradient) = gradient.split_at(length);
        let (first, other_first) = first.split_at_mut(length);
        let (second, other_second) = second.split_at_mut(length);
        rest = (other_parameters, other_gradient, other_first, other_second);
        pieces.extend(
            parameters
                .chunks_mut(PIECE)
                .zip(gradient.chunks(PIECE))
                .zip(first.chunks_mut(PIECE).zip(second.chunks_mut(PIECE)))
                .map(|piece| (factors, piece)),
        );
    }
    pieces.into_par_iter().for_each(|(factors, ((parameters, gradient), (first, second)))| {
        vectorized(
            #[inline(always)]
            || update_piece(parameters, gradient, first, second, factors),
        );
    });
}

#[inline(always)]
fn update_piece(parameter: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], factors: Factors) {
    let (clip, decay, step) = (factors.gradient as f32, factors.decay as f32, factors.step as f32);
    let root_correction = factors.root_correction as f32;
    let (keep_1, keep_2) = (BETA_1 as f32, BETA_2 as f32);
    let (take_1, take_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
    let epsilon = EPSILON as f32;
    for (((parameter, &gradient), first), second) in parameter.iter_mut().zip(gradient).zip(first).zip(second) {
        let gradient = gradient * clip;
        *first = *first * keep_1 + gradient * take_1;
        *second = *second * keep_2 + gradient * gradient * take_2;
        *parameter = *parameter * decay - step * *first / (second.sqrt() / root_correction + epsilon);
    }
}

/// The same with candle's operations, for any device.
fn update_tensor(
    parameter: &Var,
    gradient: &Tensor,
    [first, second]: [&Var; 2],
    factors: Factors,
) -> Result<(), ModelError> {
    let gradient = (gradient * factors.gradient)?;
    let new_first = ((first.as_detached_tensor() * BETA_1)? + (&gradient * (1.0 - BETA_1))?)?;
    let new_second = ((second.as_detached_tensor() * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
    let denominator = ((new_second.sqrt()? / factors.root_correction)? + EPSILON)?;
    let moved = ((&new_first / denominator)? * factors.step)?;
    parameter.set(&((parameter.as_detached_tensor() * factors.decay)? - moved)?)?;
    first.set(&new_first)?;
    second.set(&new_second)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BertConfig, Layout};
    use candle_core::Device;
    use std::sync::Arc;

    fn config() -> BertConfig {
        let (hidden_size, intermediate_size) = (130, 140);
        BertConfig {
            vocab_size: 9,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            hidden_size,
            intermediate_size,
            ..BertConfig::default()
        }
    }

    /// The same numbers in both forms.
    fn both(number: impl Fn(usize) -> f32) -> [ParameterSet; 2] {
        let mut flat = FlatParameters::zeros(Arc::new(Layout::new(&config())));
        flat.values.iter_mut().enumerate().for_each(|(index, value)| *value = number(index));
        let flat = ParameterSet::Flat(flat);
        let tensors = flat
            .shapes()
            .into_iter()
            .map(|(name, _)| (name.to_owned(), Var::from_tensor(&flat.tensor(name).unwrap()).unwrap()));
        let tensors = ParameterSet::Tensors(tensors.collect());
        [flat, tensors]
    }

    fn values(set: &ParameterSet, name: &str) -> Vec<f32> {
        set.tensor(name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_first_step_by_hand() {
        // After one step the corrected moments are the gradient and its square: the step is the learning rate.
        let gradients = both(|index| if index % 2 == 0 { 0.5 } else { -4.0 });
        for (mut parameters, gradient) in both(|_| 2.0).into_iter().zip(gradients) {
            let mut optimizer = AdamW::new(&parameters, 0.01).unwrap();
            optimizer.step(&mut parameters, &gradient, 0.1, 0, 1.0).unwrap();
            for (parameter, start) in [
                ("bert.pooler.dense.weight", 1.998),
                ("bert.pooler.dense.bias", 2.0),
                ("bert.embeddings.LayerNorm.weight", 2.0),
            ] {
                let signs = values(&gradient, parameter);
                for (found, sign) in values(&parameters, parameter).iter().zip(signs) {
                    assert!((found - (start - 0.1 * sign.signum())).abs() < 1e-6, "{parameter} {found}");
                }
            }
        }
    }

    #[test]
    fn both_forms_agree() {
        let mut models = both(|index| (index as f32 * 0.37).sin());
        let mut optimizers = models.each_ref().map(|parameters| AdamW::new(parameters, 0.01).unwrap());
        for step in 0..3 {
            let gradients = both(|index| (index as f32 * 1.11 + step as f32).cos());
            for ((parameters, optimizer), gradient) in models.iter_mut().zip(&mut optimizers).zip(&gradients) {
                optimizer.step(parameters, gradient, 0.01, step, 0.5).unwrap();
            }
        }
        for (name, _) in models[0].shapes() {
            let [flat, tensors] = [&models[0], &models[1]].map(|set| values(set, name));
            assert!(flat.iter().zip(&tensors).all(|(flat, tensor)| (flat - tensor).abs() < 1e-6), "{name}");
        }
        let other = models[0].zeros_like().unwrap();
        let refused = optimizers[0].step(&mut models[1], &other, 0.1, 0, 1.0);
        assert!(matches!(refused, Err(ModelError::MissingTensor { .. })));
    }

    #[test]
    fn clipping_scales_to_the_norm_and_leaves_small_gradients() {
        for mut gradient in both(|_| 0.0) {
            let tensor = |value: f32| Tensor::new(&[value, 0.0], &Device::Cpu).unwrap();
            gradient.set("classifier.bias", &tensor(3.0)).unwrap();
            let mut bias = vec![0.0; 130];
            bias[77] = 4.0;
            gradient.set("bert.pooler.dense.bias", &Tensor::new(bias, &Device::Cpu).unwrap()).unwrap();
            let norm = global_norm(&gradient).unwrap();
            assert_eq!(norm, 5.0);
            assert!((clip_factor(norm, 1.0) - 0.2).abs() < 1e-6);
        }
        assert_eq!(clip_factor(0.5, 1.0), 1.0);
    }
}
