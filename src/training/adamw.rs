//! AdamW (Loshchilov and Hutter, 2019) as PyTorch computes it, and clipping by the global norm.
//!
//! Parameters on the processor are updated in one pass over memory, in parallel over fixed pieces, so that the result
//! does not depend on the number of threads; elsewhere candle's operations do the same arithmetic.

use crate::model::ModelError;
use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Storage, Tensor, Var};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Added to the norm before dividing, as `torch.nn.utils.clip_grad_norm_` does.
const CLIP_EPSILON: f64 = 1e-6;

/// Elements of one piece of work; sums are made within pieces and then over them, in order.
const PIECE: usize = 1 << 14;

/// Running means of a parameter's gradient and of its square.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    pub first: Var,
    pub second: Var,
}

/// The optimizer: one pair of moments a parameter.
#[derive(Debug)]
pub(super) struct AdamW {
    weight_decay: f64,
    pub moments: BTreeMap<String, Moments>,
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
    pub(super) fn new(parameters: &BTreeMap<String, Var>, weight_decay: f64) -> Result<Self, ModelError> {
        let mut moments = BTreeMap::new();
        for (name, parameter) in parameters {
            let zeros = || Var::zeros(parameter.shape(), DType::F32, parameter.device());
            moments.insert(name.clone(), Moments { first: zeros()?, second: zeros()? });
        }
        Ok(Self { weight_decay, moments })
    }

    /// Updates every parameter. `done`: steps before this one; `clip`: the factor from [`clip_factor`].
    pub(super) fn step(
        &self,
        parameters: &BTreeMap<String, Var>,
        gradients: &BTreeMap<String, Tensor>,
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
        for (name, parameter) in parameters {
            let (Some(gradient), Some(moments)) = (gradients.get(name), self.moments.get(name)) else {
                return Err(ModelError::MissingTensor { path: "the gradient".into(), name: name.clone() });
            };
            let decay = if decays(name) { 1.0 - learning_rate * self.weight_decay } else { 1.0 };
            let factors = Factors { decay, ..factors };
            if parameter.device().is_cpu() {
                update_in_place(parameter, gradient, moments, factors)?;
            } else {
                update(parameter, gradient, moments, factors)?;
            }
        }
        Ok(())
    }
}

/// Biases and LayerNorm are not decayed.
fn decays(name: &str) -> bool {
    let is_bias = name.rsplit('.').next() == Some("bias");
    !(is_bias || name.contains("LayerNorm"))
}

/// The norm of all gradients together.
pub(super) fn global_norm(gradients: &BTreeMap<String, Tensor>) -> Result<f64, ModelError> {
    let mut sum = 0.0;
    for gradient in gradients.values() {
        sum += if gradient.device().is_cpu() {
            let (storage, layout) = gradient.storage_and_layout();
            let pieces: Vec<f64> = contiguous(&storage, layout)?
                .par_chunks(PIECE)
                .map(|piece| piece.iter().map(|&value| f64::from(value) * f64::from(value)).sum())
                .collect();
            pieces.iter().sum::<f64>()
        } else {
            f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?)
        };
    }
    Ok(sum.sqrt())
}

/// What gradients of this norm are multiplied with so that their norm is at most `max_norm`.
pub(super) fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + CLIP_EPSILON)).min(1.0)
}

/// The numbers of a contiguous f32 tensor on the processor.
fn contiguous<'a>(storage: &'a Storage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a contiguous f32 tensor on the processor was expected");
    };
    Ok(&values[start..end])
}

/// The same, to be changed.
fn contiguous_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> candle_core::Result<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a contiguous f32 tensor was expected");
    };
    Ok(&mut values[start..end])
}

/// Gives a closure the numbers of a variable on the processor, to be changed.
struct Edit<F>(RefCell<F>);

impl<F: FnMut(&mut [f32]) -> candle_core::Result<()>> InplaceOp1 for Edit<F> {
    fn name(&self) -> &'static str {
        "edit"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        (self.0.borrow_mut())(contiguous_mut(storage, layout)?)
    }
}

fn edit(tensor: &Tensor, change: impl FnMut(&mut [f32]) -> candle_core::Result<()>) -> candle_core::Result<()> {
    tensor.inplace_op1(&Edit(RefCell::new(change)))
}

/// One pass over parameter, gradient and both moments.
fn update_in_place(parameter: &Var, gradient: &Tensor, moments: &Moments, factors: Factors) -> Result<(), ModelError> {
    let (storage, layout) = gradient.storage_and_layout();
    let gradient = contiguous(&storage, layout)?;
    edit(parameter, |parameter| {
        edit(&moments.first, |first| {
            edit(&moments.second, |second| {
                parameter
                    .par_chunks_mut(PIECE)
                    .zip(gradient.par_chunks(PIECE))
                    .zip(first.par_chunks_mut(PIECE))
                    .zip(second.par_chunks_mut(PIECE))
                    .for_each(|(((parameter, gradient), first), second)| {
                        update_piece(parameter, gradient, first, second, factors);
                    });
                Ok(())
            })
        })
    })?;
    Ok(())
}

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
fn update(parameter: &Var, gradient: &Tensor, moments: &Moments, factors: Factors) -> Result<(), ModelError> {
    let gradient = (gradient * factors.gradient)?;
    let first = ((moments.first.as_detached_tensor() * BETA_1)? + (&gradient * (1.0 - BETA_1))?)?;
    let second = ((moments.second.as_detached_tensor() * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
    let denominator = ((second.sqrt()? / factors.root_correction)? + EPSILON)?;
    let moved = ((&first / denominator)? * factors.step)?;
    parameter.set(&((parameter.as_detached_tensor() * factors.decay)? - moved)?)?;
    moments.first.set(&first)?;
    moments.second.set(&second)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn parameter(values: &[f32]) -> Var {
        Var::from_slice(values, values.len(), &Device::Cpu).unwrap()
    }

    #[test]
    fn the_first_step_by_hand() {
        // After one step the corrected moments are the gradient and its square: the step is the learning rate.
        let parameters = BTreeMap::from([
            ("dense.weight".to_owned(), parameter(&[1.0, -2.0])),
            ("dense.bias".to_owned(), parameter(&[1.0, -2.0])),
            ("LayerNorm.weight".to_owned(), parameter(&[1.0, -2.0])),
        ]);
        let gradient = Tensor::new(&[0.5f32, -4.0], &Device::Cpu).unwrap();
        let gradients = parameters.keys().map(|name| (name.clone(), gradient.clone())).collect();
        let optimizer = AdamW::new(&parameters, 0.01).unwrap();
        optimizer.step(&parameters, &gradients, 0.1, 0, 1.0).unwrap();
        let values = |name: &str| parameters[name].to_vec1::<f32>().unwrap();
        let near = |found: Vec<f32>, expected: [f32; 2]| {
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
        };
        near(values("dense.weight"), [0.999 - 0.1, -1.998 + 0.1]);
        near(values("dense.bias"), [0.9, -1.9]);
        near(values("LayerNorm.weight"), [0.9, -1.9]);
    }

    #[test]
    fn both_forms_of_the_update_agree() {
        let values: Vec<f32> = (0..PIECE + 7).map(|index| (index as f32 * 0.37).sin()).collect();
        let one = BTreeMap::from([("dense.weight".to_owned(), parameter(&values))]);
        let other = parameter(&values);
        let optimizer = AdamW::new(&one, 0.01).unwrap();
        let moments = AdamW::new(&one, 0.01).unwrap().moments.remove("dense.weight").unwrap();
        for step in 0..3 {
            let gradient: Vec<f32> = values.iter().map(|value| (value * 3.0 + step as f32).cos()).collect();
            let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
            let gradients = BTreeMap::from([("dense.weight".to_owned(), gradient.clone())]);
            optimizer.step(&one, &gradients, 0.01, step, 0.5).unwrap();
            let count = (step + 1) as f64;
            let factors = Factors {
                gradient: 0.5,
                decay: 1.0 - 0.01 * 0.01,
                step: 0.01 / (1.0 - BETA_1.powf(count)),
                root_correction: (1.0 - BETA_2.powf(count)).sqrt(),
            };
            update(&other, &gradient, &moments, factors).unwrap();
        }
        let (one, other) = (one["dense.weight"].to_vec1::<f32>().unwrap(), other.to_vec1::<f32>().unwrap());
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-6));
        assert_ne!(one, values);
    }

    #[test]
    fn clipping_scales_to_the_norm_and_leaves_small_gradients() {
        let gradients = BTreeMap::from([
            ("a".to_owned(), Tensor::new(&[3.0f32, 0.0], &Device::Cpu).unwrap()),
            ("b".to_owned(), Tensor::new(&[[0.0f32], [4.0]], &Device::Cpu).unwrap()),
        ]);
        let norm = global_norm(&gradients).unwrap();
        assert_eq!(norm, 5.0);
        assert!((clip_factor(norm, 1.0) - 0.2).abs() < 1e-6);
        assert_eq!(clip_factor(0.5, 1.0), 1.0);
    }
}
