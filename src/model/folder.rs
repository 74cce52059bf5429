//! A model with its tokenizer, as a Hugging Face folder.

use super::{BertConfig, InferenceConfig, ModelError, Weights};
use crate::pairs::PairTokenizer;
use std::path::Path;

/// Everything a model folder holds.
#[derive(Debug, Clone)]
pub struct SavedModel {
    /// The folder's path, the hub id, or `bundled`.
    pub name: String,
    pub config: BertConfig,
    /// As they stand in the file; [`Weights::complete`] fills in what a base model lacks.
    pub weights: Weights,
    pub tokenizer: PairTokenizer,
    /// None for a base model.
    pub inference: Option<InferenceConfig>,
}

impl SavedModel {
    /// Opens a folder that Hugging Face, the notebook or this program wrote.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let _ = folder;
        todo!()
    }

    /// The model embedded in the program.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn bundled() -> Result<Self, ModelError> {
        todo!()
    }

    /// Writes the folder so that `AutoModelForSequenceClassification` and `AutoTokenizer` open it; each file is
    /// replaced atomically.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        let _ = folder;
        todo!()
    }

    /// The threshold saved with the model, or 0.5.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.inference.as_ref().map_or(0.5, |inference| inference.threshold)
    }

    /// The input length saved with the model, or the most its positions allow.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.inference
            .as_ref()
            .map_or(self.config.max_position_embeddings, |inference| inference.max_length)
            .min(self.config.max_position_embeddings)
    }
}
