//! Opening what the user named: a run folder, or a predictions file.

use super::study::Study;
use super::texts::TextSource;
use crate::evaluation::PredictionsError;
use crate::model::{InferenceConfig, ModelError};
use crate::runs::{RunFolder, RunSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// The run folder or the file.
    pub path: PathBuf,
    pub validation: Arc<Study>,
    /// A run's test predictions.
    pub test: Option<Arc<Study>>,
    /// The saved model that the predictions are of.
    pub model: Option<PathBuf>,
    /// The threshold that stands in the model's `inference_config.json`.
    pub saved_threshold: Option<f64>,
    /// Where the texts are.
    pub texts: Option<TextSource>,
}

/// Why nothing could be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{0} has no validation.csv yet: it is written at the end of training, so resume the run or wait for it")]
    NoPredictions(PathBuf),
    #[error("{0} is neither a run folder nor a predictions file (.csv)")]
    Unknown(PathBuf),
}

/// Reads everything that the page shows at once.
pub(super) fn open(path: &Path) -> Result<Opened, OpenError> {
    match run_of(path) {
        Some(run) => open_run(&run),
        None if path.is_dir() => Err(OpenError::Unknown(path.to_owned())),
        None => Ok(Opened {
            path: path.to_owned(),
            validation: Arc::new(Study::read(path)?),
            test: None,
            model: None,
            saved_threshold: None,
            texts: None,
        }),
    }
}

/// The run that a path is, or that a predictions file belongs to.
fn run_of(path: &Path) -> Option<RunFolder> {
    let folder = RunFolder::at(path);
    if folder.is_run() {
        return Some(folder);
    }
    let parent = RunFolder::at(path.parent()?);
    let is_part = path == parent.validation_predictions() || path == parent.test_predictions();
    (is_part && parent.is_run()).then_some(parent)
}

fn open_run(run: &RunFolder) -> Result<Opened, OpenError> {
    if !run.validation_predictions().is_file() {
        return Err(OpenError::NoPredictions(run.path().to_owned()));
    }
    let validation = Arc::new(Study::read(&run.validation_predictions())?);
    // A split of few papers may leave nothing for the test.
    let test = match Study::read(&run.test_predictions()) {
        Ok(study) => Some(Arc::new(study)),
        Err(PredictionsError::Empty { .. }) => None,
        Err(_) if !run.test_predictions().exists() => None,
        Err(failure) => return Err(failure.into()),
    };
    let model = Some(run.best()).filter(|best| best.is_dir());
    let saved_threshold = match &model {
        Some(best) => InferenceConfig::read(best)?.map(|config| config.threshold),
        None => None,
    };
    // Without readable settings the figures are still there; only the texts are not.
    let settings: Option<RunSettings> =
        std::fs::read(run.settings()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let texts =
        settings.map(|settings| TextSource::File { path: settings.request.dataset, sha256: settings.dataset_sha256 });
    Ok(Opened { path: run.path().to_owned(), validation, test, model, saved_threshold, texts })
}
