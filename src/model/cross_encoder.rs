//! The BERT cross-encoder: parameters, and what computes with them.

use super::bert::Composed;
use super::engine::Engine;
#[cfg(any(test, feature = "cuda"))]
use super::gpu::{self, GpuOptimizer, GpuParameters, Target};
use super::parameter_set::{FlatParameters, Layout};
use super::{BertConfig, Compute, DropoutKey, ModelError, ParameterSet, Weights};
use crate::pairs::Batch;
use candle_core::{DType, Device, Var};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A BERT cross-encoder with two classes, its parameters by Hugging Face's names.
#[derive(Debug)]
pub struct CrossEncoder {
    config: BertConfig,
    device: Device,
    parameters: ParameterSet,
    network: Network,
}

/// Turns logits, rows × 2, into the gradient of a loss with respect to each of them.
pub type LossGradient<'a> = dyn FnMut(&[[f32; 2]]) -> Vec<[f32; 2]> + 'a;

/// What computes.
#[derive(Debug)]
enum Network {
    /// On flat parameters, on the processor.
    Engine(Box<Engine>),
    /// On tensors, on any device.
    Composed(Box<Composed>),
    /// On flat parameters, on an NVIDIA GPU.
    #[cfg(any(test, feature = "cuda"))]
    Gpu(Box<gpu::Engine>),
}

impl CrossEncoder {
    /// Builds the model from complete weights ([`Weights::complete`]): on the processor with the engine made for it,
    /// elsewhere composed of candle's operations.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::WrongShape`], [`ModelError::Tensor`].
    pub fn new(config: &BertConfig, weights: &Weights, compute: &Compute) -> Result<Self, ModelError> {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = &compute.device
            && let Some(model) = Self::on_gpu(device, config, weights, compute)?
        {
            return Ok(model);
        }
        if !compute.device.is_cpu() {
            return Self::composed(config, weights, compute);
        }
        let layout = Arc::new(Layout::new(config));
        let mut flat = FlatParameters::zeros(layout.clone());
        for segment in layout.segments() {
            let tensor = tensor(weights, &segment.name, &segment.shape)?;
            let values: Vec<f32> = tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
            flat.values[segment.range.clone()].copy_from_slice(&values);
        }
        Ok(Self {
            config: config.clone(),
            device: Device::Cpu,
            parameters: ParameterSet::Flat(flat),
            network: Network::Engine(Box::new(Engine::new(config, &layout, compute.precision)?)),
        })
    }

    /// With the engine made for NVIDIA GPUs; None where that cannot work.
    #[cfg(feature = "cuda")]
    fn on_gpu(
        device: &candle_core::CudaDevice,
        config: &BertConfig,
        weights: &Weights,
        compute: &Compute,
    ) -> Result<Option<Self>, ModelError> {
        let layout = Arc::new(Layout::new(config));
        let Some((engine, parameters)) = gpu::start(device, config, &layout, compute.precision)? else {
            return Ok(None);
        };
        Self::with_gpu(engine, parameters, config, weights, &compute.device).map(Some)
    }

    /// On the emulator, as if it were a GPU; None where there is no C++ compiler.
    #[cfg(all(test, not(feature = "cuda")))]
    pub(crate) fn emulated(
        config: &BertConfig,
        weights: &Weights,
        precision: super::Precision,
    ) -> Result<Option<Self>, ModelError> {
        let layout = Arc::new(Layout::new(config));
        let Some((engine, parameters)) = gpu::start_emulated(config, &layout, precision)? else { return Ok(None) };
        Self::with_gpu(engine, parameters, config, weights, &Device::Cpu).map(Some)
    }

    #[cfg(any(test, feature = "cuda"))]
    fn with_gpu(
        engine: gpu::Engine,
        parameters: GpuParameters,
        config: &BertConfig,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let layout = parameters.layout().clone();
        let mut parameters = ParameterSet::Gpu(parameters);
        for segment in layout.segments() {
            parameters.set(&segment.name, tensor(weights, &segment.name, &segment.shape)?)?;
        }
        Ok(Self { config: config.clone(), device: device.clone(), parameters, network: Network::Gpu(Box::new(engine)) })
    }

    /// The plain form on any device, composed of candle's operations: what the engine is held against.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn composed(config: &BertConfig, weights: &Weights, compute: &Compute) -> Result<Self, ModelError> {
        let mut variables = BTreeMap::new();
        for (name, shape) in super::parameters(config) {
            // The variable gets storage of its own: training must not change the caller's weights.
            let tensor = tensor(weights, &name, &shape)?.to_dtype(DType::F32)?.to_device(&compute.device)?.copy()?;
            variables.insert(name, Var::from_tensor(&tensor)?);
        }
        let network = Composed::new(config, &variables, &compute.device, compute.precision)?;
        // On CUDA each thread has a stream of its own, and another thread than this one may compute with these.
        compute.device.synchronize()?;
        Ok(Self {
            config: config.clone(),
            device: compute.device.clone(),
            parameters: ParameterSet::Tensors(variables),
            network: Network::Composed(Box::new(network)),
        })
    }

    /// Logits, rows × 2, without dropout.
    ///
    /// # Errors
    /// [`ModelError::Batch`], [`ModelError::Tensor`].
    pub fn logits(&self, batch: &Batch) -> Result<Vec<[f32; 2]>, ModelError> {
        check(batch, &self.config)?;
        if batch.rows == 0 {
            return Ok(Vec::new());
        }
        match (&self.network, &self.parameters) {
            (Network::Engine(engine), ParameterSet::Flat(flat)) => Ok(engine.logits(&flat.values, batch)),
            (Network::Composed(network), _) => network.logits(batch),
            #[cfg(any(test, feature = "cuda"))]
            (Network::Gpu(engine), ParameterSet::Gpu(parameters)) => engine.logits(parameters, batch),
            _ => Err(mismatch()),
        }
    }

    /// One forward and backward pass. `to_logits` hears the logits and returns the gradient of a loss with respect to
    /// each of them; the gradients of that loss with respect to the parameters are added to `gradient`, which has the
    /// shape of [`parameters`](Self::parameters). Without a key there is no dropout. Returns the logits. Of a batch
    /// without rows there are none, and nothing is added.
    ///
    /// # Errors
    /// [`ModelError::Batch`], [`ModelError::Tensor`]; [`ModelError::MissingTensor`] where `gradient` is not of this
    /// model.
    pub fn backpropagate(
        &self,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        to_logits: &mut LossGradient<'_>,
        gradient: &mut ParameterSet,
    ) -> Result<Vec<[f32; 2]>, ModelError> {
        check(batch, &self.config)?;
        if batch.rows == 0 {
            return Ok(Vec::new());
        }
        match (&self.network, &self.parameters, gradient) {
            (Network::Engine(engine), ParameterSet::Flat(flat), ParameterSet::Flat(gradient))
                if flat.layout() == gradient.layout() =>
            {
                Ok(engine.backpropagate(&flat.values, batch, dropout, to_logits, &mut gradient.values))
            }
            (Network::Composed(network), ParameterSet::Tensors(variables), ParameterSet::Tensors(gradient)) => {
                network.backpropagate(variables, batch, dropout, to_logits, gradient)
            }
            #[cfg(any(test, feature = "cuda"))]
            (Network::Gpu(engine), ParameterSet::Gpu(parameters), ParameterSet::Gpu(gradient))
                if parameters.layout() == gradient.layout() =>
            {
                engine.backpropagate(parameters, batch, dropout, to_logits, gradient)
            }
            _ => Err(mismatch()),
        }
    }

    /// The same for the loss of a [`Target`], which is added up beside the optimizer, on the GPU: nothing waits for it.
    ///
    /// # Errors
    /// As [`backpropagate`](Self::backpropagate).
    #[cfg(any(test, feature = "cuda"))]
    pub(crate) fn learn(
        &self,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        target: Target<'_>,
        optimizer: &GpuOptimizer,
        gradient: &mut ParameterSet,
    ) -> Result<(), ModelError> {
        check(batch, &self.config)?;
        match (&self.network, &self.parameters, gradient) {
            (Network::Gpu(engine), ParameterSet::Gpu(parameters), ParameterSet::Gpu(gradient))
                if parameters.layout() == gradient.layout() =>
            {
                engine.learn(parameters, batch, dropout, target, optimizer, gradient)
            }
            _ => Err(mismatch()),
        }
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }

    /// The parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut ParameterSet {
        if let Network::Engine(engine) = &mut self.network {
            engine.parameters_changed();
        }
        &mut self.parameters
    }

    /// A copy of the parameters on the processor.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn weights(&self) -> Result<Weights, ModelError> {
        let mut weights = Weights::default();
        for (name, _) in self.parameters.shapes() {
            weights.tensors.insert(name.to_owned(), self.parameters.tensor(name)?);
        }
        Ok(weights)
    }

    /// The shape.
    #[must_use]
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// Where the parameters are.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// Refuses a batch whose parts do not belong together, or for which the model's tables have no rows: what computes
/// relies on them.
fn check(batch: &Batch, config: &BertConfig) -> Result<(), ModelError> {
    let refuse = |reason: String| Err(ModelError::Batch(reason));
    let slots = batch.rows * batch.length;
    if batch.lengths.len() != batch.rows || batch.ids.len() != slots || batch.type_ids.len() != slots {
        return refuse(format!("it is not {} rows of {} tokens", batch.rows, batch.length));
    }
    if batch.length > config.max_position_embeddings {
        let positions = config.max_position_embeddings;
        return refuse(format!("it is {} tokens long, and the model has {positions} positions", batch.length));
    }
    if let Some(row) = batch.lengths.iter().position(|length| !(1..=batch.length).contains(length)) {
        return refuse(format!("row {} has {} tokens of {}", row + 1, batch.lengths[row], batch.length));
    }
    for (ids, name, size) in
        [(&batch.ids, "token", config.vocab_size), (&batch.type_ids, "token type", config.type_vocab_size)]
    {
        if let Some(id) = ids.iter().find(|&&id| id as usize >= size) {
            return refuse(format!("{name} {id} is not among the model's {size}"));
        }
    }
    Ok(())
}

/// A parameter of this shape.
fn tensor<'a>(weights: &'a Weights, name: &str, shape: &[usize]) -> Result<&'a candle_core::Tensor, ModelError> {
    let path = || PathBuf::from("the model");
    match weights.tensors.get(name) {
        None => Err(ModelError::MissingTensor { path: path(), name: name.to_owned() }),
        Some(tensor) if tensor.dims() != shape => Err(ModelError::WrongShape {
            path: path(),
            name: name.to_owned(),
            found: tensor.dims().to_vec(),
            expected: shape.to_vec(),
        }),
        Some(tensor) => Ok(tensor),
    }
}

/// Parameters and gradients of different models.
fn mismatch() -> ModelError {
    ModelError::MissingTensor { path: "the gradient".into(), name: "of this model".to_owned() }
}
