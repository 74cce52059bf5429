//! The predictions file of a run: `row, original_paper_id, ref_paper_id, label, logit_0, logit_1, probability`.

use std::path::{Path, PathBuf};

/// One scored row.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Prediction {
    /// The row's position among the dataset's usable lines, from 0.
    pub row: usize,
    pub original_paper_id: String,
    pub ref_paper_id: String,
    /// 0 or 1.
    pub label: u8,
    pub logit_0: f32,
    pub logit_1: f32,
    /// Of class 1.
    pub probability: f64,
}

/// Why predictions could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
}

/// The f64 softmax of the f32 logits at class 1.
#[must_use]
pub fn probability_of(logits: [f32; 2]) -> f64 {
    let _ = logits;
    todo!()
}

/// Reads the labels and probabilities of a predictions file; columns are found by name and only `label` and
/// `probability` are needed.
///
/// # Errors
/// See [`PredictionsError`].
pub fn read_predictions(path: &Path) -> Result<(Vec<bool>, Vec<f64>), PredictionsError> {
    let _ = path;
    todo!()
}

/// Writes a predictions file atomically; numbers read back exactly.
///
/// # Errors
/// [`PredictionsError::File`].
pub fn write_predictions(path: &Path, predictions: &[Prediction]) -> Result<(), PredictionsError> {
    let _ = (path, predictions);
    todo!()
}
