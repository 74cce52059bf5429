//! The notebook's small grid: learning rates by epochs, compared on validation at one threshold.

use super::{RunError, TrainRequest};
use crate::progress::Progress;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What varies.
#[derive(Debug, Clone, PartialEq)]
pub struct GridAxes {
    pub learning_rates: Vec<f64>,
    pub epochs: Vec<usize>,
    /// At which validation is compared.
    pub threshold: f64,
}

/// One run of the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRow {
    pub run: String,
    pub learning_rate: f64,
    pub num_epochs: usize,
    pub val_accuracy_t: f64,
    pub val_precision_t: f64,
    pub val_recall_t: f64,
    pub val_f1_t: f64,
}

/// Trains every combination in a folder of its own under `runs` (finished ones are kept, interrupted ones resumed)
/// and returns them best F1 first. Progress in optimizer steps of the whole grid.
///
/// # Errors
/// See [`RunError`].
pub fn grid(
    request: &TrainRequest,
    axes: &GridAxes,
    runs: &Path,
    progress: &dyn Progress,
) -> Result<Vec<GridRow>, RunError> {
    let _ = (request, axes, runs, progress);
    todo!()
}
