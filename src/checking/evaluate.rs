//! A saved model measured on a labelled dataset, beside chance and the baselines.

use super::{CheckError, Scorer};
use crate::dataset::{Cleaning, Dataset};
use crate::evaluation::{Metrics, Ranking};
use crate::progress::Progress;
use serde::Serialize;

/// The output of `citelink evaluate --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationReport {
    pub rows: usize,
    pub threshold: f64,
    #[serde(flatten)]
    pub metrics: Metrics,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub ranking: Ranking,
    pub baselines: serde_json::Value,
}

/// Scores the cleaned, labelled rows and measures them at `threshold` (the scorer's own by default).
///
/// # Errors
/// See [`CheckError`].
pub fn evaluate(
    dataset: &Dataset,
    cleaning: Cleaning,
    scorer: &Scorer,
    threshold: Option<f64>,
    progress: &dyn Progress,
) -> Result<EvaluationReport, CheckError> {
    let _ = (dataset, cleaning, scorer, threshold, progress);
    todo!()
}
