//! The notebook's `inference_config.json`.

use super::ModelError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What scoring needs beside the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InferenceConfig {
    /// A row is a citation when its probability is at least this.
    pub threshold: f64,
    /// The base model's name.
    pub model_name: String,
    /// Tokens a pair at most.
    pub max_length: usize,
    /// {0: NOT_CITATION, 1: CITATION}
    pub id2label: BTreeMap<String, String>,
    /// {NOT_CITATION: 0, CITATION: 1}
    pub label2id: BTreeMap<String, u32>,
    pub learning_rate: f64,
    pub num_epochs: usize,
    pub batch_size: usize,
}

impl InferenceConfig {
    /// Reads a model folder's file; `Ok(None)` where there is none.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::Malformed`].
    pub fn read(folder: &Path) -> Result<Option<Self>, ModelError> {
        let _ = folder;
        todo!()
    }

    /// Writes a model folder's file atomically.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), ModelError> {
        let _ = folder;
        todo!()
    }
}
