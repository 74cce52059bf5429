//! The sequence-pair classifier composed of candle's operations: embeddings, encoder, pooler, classifier.
//!
//! It runs on any device and candle works out its gradients. GPUs use it; on the processor it is the plain form that the
//! [`engine`](super::engine) is held against.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `embeddings` | words, positions and types, summed and normalised |
//! | `attention` | multi-head self-attention |
//! | `encoder` | one layer and the stack of them |
//! | `head` | the pooler over `[CLS]` and the classifier |
//! | `ops` | what all of them are made of: linear, LayerNorm, GELU, attention, dropout |
//!
//! The same modules serve training and inference. Training runs them over the trainable variables and records every
//! operation; inference runs them over detached tensors, which share the variables' storage, so that nothing is recorded
//! and each activation is freed as soon as the next one is there.

mod attention;
mod embeddings;
mod encoder;
mod head;
mod ops;

use super::{BertConfig, DropoutKey, LossGradient, ModelError, Precision};
use crate::pairs::Batch;
use candle_core::{DType, Device, Tensor, Var};
use embeddings::Embeddings;
use encoder::Encoder;
use head::Head;
use ops::{Pass, Rows};
use std::collections::BTreeMap;

/// Gives a module its parameters: the tensor of this name, which must have this shape.
type Lookup<'a> = dyn FnMut(&str, &[usize]) -> Result<Tensor, ModelError> + 'a;

/// The network over variables.
#[derive(Debug)]
pub(super) struct Composed {
    device: Device,
    activations: DType,
    /// Over the variables: records gradients.
    trainable: Network,
    /// Over the same storage, detached: records nothing.
    frozen: Network,
}

/// The modules, in the order in which a batch passes them.
#[derive(Debug)]
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

impl Composed {
    /// Over variables that have the configuration's shapes.
    pub(super) fn new(
        config: &BertConfig,
        variables: &BTreeMap<String, Var>,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let missing = |name: &str| ModelError::MissingTensor { path: "the model".into(), name: name.to_owned() };
        let of = |name: &str| variables.get(name).ok_or_else(|| missing(name));
        Ok(Self {
            device: device.clone(),
            activations: match precision {
                Precision::F32 => DType::F32,
                Precision::Bf16 => DType::BF16,
            },
            trainable: Network::new(config, &mut |name, _| Ok(of(name)?.as_tensor().clone()))?,
            frozen: Network::new(config, &mut |name, _| Ok(of(name)?.as_detached_tensor()))?,
        })
    }

    /// Logits without recording gradients.
    pub(super) fn logits(&self, batch: &Batch) -> Result<Vec<[f32; 2]>, ModelError> {
        numbers(&self.frozen.forward(batch, &Pass::inference(self.activations), &self.device)?)
    }

    /// See [`CrossEncoder::backpropagate`](super::CrossEncoder::backpropagate).
    pub(super) fn backpropagate(
        &self,
        variables: &BTreeMap<String, Var>,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        to_logits: &mut LossGradient<'_>,
        gradient: &BTreeMap<String, Var>,
    ) -> Result<Vec<[f32; 2]>, ModelError> {
        let logits = self.trainable.forward(batch, &Pass::recording(self.activations, dropout), &self.device)?;
        let found = numbers(&logits)?;
        // The gradient of Σ logit · g is that of any loss whose gradient with respect to the logits is g.
        let slopes = Tensor::from_slice(to_logits(&found).as_flattened(), logits.shape(), &self.device)?;
        let mut store = (logits * slopes)?.sum_all()?.backward()?;
        for (name, variable) in variables {
            let missing = || ModelError::MissingTensor { path: "the gradient".into(), name: name.clone() };
            let new = store.remove(variable).ok_or_else(missing)?.detach();
            let sum = gradient.get(name).ok_or_else(missing)?;
            sum.set(&(sum.as_detached_tensor() + new)?.contiguous()?)?;
        }
        Ok(found)
    }
}

/// Rows × 2.
fn numbers(logits: &Tensor) -> Result<Vec<[f32; 2]>, ModelError> {
    let rows: Vec<Vec<f32>> = logits.to_vec2()?;
    Ok(rows.into_iter().map(|row| [row[0], row[1]]).collect())
}
