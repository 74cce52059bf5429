//! The sequence-pair classifier: embeddings, encoder, pooler, classifier.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `embeddings` | words, positions and types, summed and normalised |
//! | `attention` | multi-head self-attention |
//! | `encoder` | one layer and the stack of them |
//! | `head` | the pooler over `[CLS]` and the classifier |
//! | `ops` | what all of them are made of: linear, LayerNorm, GELU, attention, dropout |
//! | `processor` | the fast forms of these for the processor |
//!
//! The same modules serve training and inference. Training runs them over the trainable variables and records every
//! operation; inference runs them over detached tensors, which share the variables' storage, so that nothing is recorded
//! and each activation is freed as soon as the next one is there.

mod attention;
mod embeddings;
mod encoder;
mod head;
mod ops;
mod processor;

use super::{BertConfig, Compute, DropoutKey, ModelError, Precision, Weights};
use crate::pairs::Batch;
use candle_core::{DType, Device, Tensor, Var};
use embeddings::Embeddings;
use encoder::Encoder;
use head::Head;
use ops::{Pass, Rows};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Gives a module its parameters: the tensor of this name, which must have this shape.
type Lookup<'a> = dyn FnMut(&str, &[usize]) -> Result<Tensor, ModelError> + 'a;

/// A BERT cross-encoder with two classes. Its parameters are trainable variables by Hugging Face's names.
#[derive(Debug, Clone)]
pub struct CrossEncoder {
    config: BertConfig,
    device: Device,
    precision: Precision,
    parameters: BTreeMap<String, Var>,
    /// Over the variables: records gradients.
    trainable: Network,
    /// Over the same storage, detached: records nothing.
    frozen: Network,
}

/// The modules, in the order in which a batch passes them.
#[derive(Debug, Clone)]
struct Network {
    embeddings: Embeddings,
    encoder: Encoder,
    head: Head,
}

impl Network {
    fn new(config: &BertConfig, lookup: &mut Lookup<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            embeddings: Embeddings::new(config, lookup)?,
            encoder: Encoder::new(config, lookup)?,
            head: Head::new(config, lookup)?,
        })
    }

    fn forward(&self, batch: &Batch, pass: &Pass, device: &Device) -> Result<Tensor, ModelError> {
        let hidden = self.embeddings.forward(batch, pass, device)?;
        let rows = Rows::of(batch, device)?;
        let hidden = self.encoder.forward(hidden, &rows, pass)?;
        self.head.forward(&hidden, &rows, pass)
    }
}

impl CrossEncoder {
    /// Builds the model from complete weights ([`Weights::complete`]).
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::WrongShape`], [`ModelError::Tensor`].
    pub fn new(config: &BertConfig, weights: &Weights, compute: &Compute) -> Result<Self, ModelError> {
        let mut parameters = BTreeMap::new();
        let trainable = Network::new(config, &mut |name, shape| {
            let path = || PathBuf::from("the model");
            let Some(tensor) = weights.tensors.get(name) else {
                return Err(ModelError::MissingTensor { path: path(), name: name.to_owned() });
            };
            if tensor.dims() != shape {
                return Err(ModelError::WrongShape {
                    path: path(),
                    name: name.to_owned(),
                    found: tensor.dims().to_vec(),
                    expected: shape.to_vec(),
                });
            }
            // The variable gets storage of its own: training must not change the caller's weights.
            let tensor = tensor.to_dtype(DType::F32)?.to_device(&compute.device)?.copy()?;
            let variable = Var::from_tensor(&tensor)?;
            let tensor = variable.as_tensor().clone();
            parameters.insert(name.to_owned(), variable);
            Ok(tensor)
        })?;
        let frozen = Network::new(config, &mut |name, _| match parameters.get(name) {
            Some(variable) => Ok(variable.as_detached_tensor()),
            None => Err(ModelError::MissingTensor { path: PathBuf::from("the model"), name: name.to_owned() }),
        })?;
        Ok(Self {
            config: config.clone(),
            device: compute.device.clone(),
            precision: compute.precision,
            parameters,
            trainable,
            frozen,
        })
    }

    /// Logits, f32, rows × 2. Without a key there is no dropout. Gradients flow to every parameter.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn forward(&self, batch: &Batch, dropout: Option<DropoutKey>) -> Result<Tensor, ModelError> {
        let pass = Pass::recording(self.activations(), dropout);
        self.trainable.forward(batch, &pass, &self.device)
    }

    /// Logits as numbers, without recording gradients.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn logits(&self, batch: &Batch) -> Result<Vec<[f32; 2]>, ModelError> {
        if batch.rows == 0 {
            return Ok(Vec::new());
        }
        let pass = Pass::inference(self.activations());
        let logits = self.frozen.forward(batch, &pass, &self.device)?;
        let rows: Vec<Vec<f32>> = logits.to_vec2()?;
        Ok(rows.into_iter().map(|row| [row[0], row[1]]).collect())
    }

    /// The gradient of a scalar made from [`forward`](Self::forward)'s logits with respect to every parameter, by name,
    /// f32 and contiguous, on the model's device.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] for a parameter that the scalar does not depend on; [`ModelError::Tensor`].
    pub fn gradients(&self, scalar: &Tensor) -> Result<BTreeMap<String, Tensor>, ModelError> {
        let mut store = scalar.backward()?;
        self.parameters
            .iter()
            .map(|(name, variable)| match store.remove(variable) {
                Some(gradient) => Ok((name.clone(), gradient.detach().contiguous()?)),
                None => Err(ModelError::MissingTensor { path: PathBuf::from("the gradient"), name: name.clone() }),
            })
            .collect()
    }

    /// The parameters by name.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Var> {
        &self.parameters
    }

    /// A copy of the parameters on the processor.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn weights(&self) -> Result<Weights, ModelError> {
        let mut weights = Weights::default();
        for (name, variable) in &self.parameters {
            let copy = variable.as_detached_tensor().copy()?.to_device(&Device::Cpu)?;
            weights.tensors.insert(name.clone(), copy);
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

    fn activations(&self) -> DType {
        match self.precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }
}
