//! What can go wrong with a model.

use std::path::PathBuf;

/// Why a model could not be found, opened, built, run or saved.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is missing or cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    /// A file is not what it should be.
    #[error("{path} cannot be used: {reason}")]
    Malformed { path: PathBuf, reason: String },
    /// A weight is missing from the model's file.
    #[error("{path} has no tensor named {name}")]
    MissingTensor { path: PathBuf, name: String },
    /// A weight has the wrong shape.
    #[error("in {path}, tensor {name} has shape {found:?} where the configuration asks for {expected:?}")]
    WrongShape { path: PathBuf, name: String, found: Vec<usize>, expected: Vec<usize> },
    /// The device is not there or not in this build.
    #[error("{0}")]
    Device(String),
    /// The model could not be downloaded.
    #[error("cannot download {model}: {reason}")]
    Download { model: String, reason: String },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] crate::pairs::TokenizerError),
    /// A batch that the model cannot take.
    #[error("a batch does not fit the model: {0}")]
    Batch(String),
    /// The tensor library failed.
    #[error("the model could not be run: {0}")]
    Tensor(#[from] candle_core::Error),
}
