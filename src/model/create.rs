//! Making a fresh base model from text.

use super::{ModelError, SavedModel};
use crate::progress::Progress;
use std::path::PathBuf;

/// The shape of the model to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateSettings {
    /// Entries of the vocabulary at most.
    pub vocabulary: usize,
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub intermediate: usize,
    pub seed: u64,
}

impl Default for CreateSettings {
    fn default() -> Self {
        Self { vocabulary: 8192, layers: 4, hidden: 256, heads: 4, intermediate: 1024, seed: 42 }
    }
}

/// A vocabulary learned from the text files and random weights with pooler and classifier (progress in bytes read).
///
/// # Errors
/// See [`ModelError`].
pub fn create_model(
    files: &[PathBuf],
    settings: CreateSettings,
    progress: &dyn Progress,
) -> Result<SavedModel, ModelError> {
    let _ = (files, settings, progress);
    todo!()
}
