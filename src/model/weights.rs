//! Named tensors, read from `.safetensors` and both layouts of `pytorch_model.bin`.

use super::{BertConfig, ModelError};
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::Path;

/// f32 tensors on the processor by Hugging Face's names (`bert.*`, `classifier.*`), old names translated.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    pub tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads a weights file of either kind and checks every declared size before allocating.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::Malformed`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let _ = path;
        todo!()
    }

    /// Random weights of a shape, as Hugging Face initialises BERT: N(0, `initializer_range`) for matrices and
    /// embeddings (zero for the padding token), zero biases, one for LayerNorm weights. Same seed, same weights.
    #[must_use]
    pub fn random(config: &BertConfig, seed: u64) -> Self {
        let _ = (config, seed);
        todo!()
    }

    /// Adds what a base model lacks (classifier, pooler) from [`random`](Self::random), drops what is not the
    /// classifier's (the masked-language-model head), and checks every shape.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`] for anything but classifier and pooler, [`ModelError::WrongShape`].
    pub fn complete(&mut self, config: &BertConfig, seed: u64, origin: &Path) -> Result<(), ModelError> {
        let _ = (config, seed, origin);
        todo!()
    }

    /// Writes `model.safetensors` (atomically, with `format: pt` metadata).
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let _ = path;
        todo!()
    }
}
