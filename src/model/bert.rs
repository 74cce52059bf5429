//! The sequence-pair classifier: embeddings, encoder, pooler, classifier.

use super::{BertConfig, Compute, DropoutKey, ModelError, Weights};
use crate::pairs::Batch;
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// A BERT cross-encoder with two classes. Its parameters are trainable variables by Hugging Face's names.
#[derive(Debug, Clone)]
pub struct CrossEncoder {
    config: BertConfig,
    parameters: BTreeMap<String, Var>,
}

impl CrossEncoder {
    /// Builds the model from complete weights ([`Weights::complete`]).
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::Tensor`].
    pub fn new(config: &BertConfig, weights: &Weights, compute: &Compute) -> Result<Self, ModelError> {
        let _ = (config, weights, compute);
        todo!()
    }

    /// Logits, f32, rows × 2. Without a key there is no dropout. Gradients flow to every parameter.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn forward(&self, batch: &Batch, dropout: Option<DropoutKey>) -> Result<Tensor, ModelError> {
        let _ = (batch, dropout);
        todo!()
    }

    /// Logits as numbers, without recording gradients.
    ///
    /// # Errors
    /// [`ModelError::Tensor`].
    pub fn logits(&self, batch: &Batch) -> Result<Vec<[f32; 2]>, ModelError> {
        let _ = batch;
        todo!()
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
        todo!()
    }

    /// The shape.
    #[must_use]
    pub fn config(&self) -> &BertConfig {
        &self.config
    }
}
