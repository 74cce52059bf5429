//! Opening what the user named: a run folder, or a predictions file.

use super::study::{Origins, Study};
use super::texts::TextSource;
use crate::checking::{CheckError, Scorer};
use crate::dataset::{Cleaning, Dataset, DatasetError, Label, PaperId, ReferenceBlock, clean, reference_block};
use crate::evaluation::PredictionsError;
use crate::model::{Compute, DeviceChoice, InferenceConfig, ModelError, SavedModel};
use crate::progress::Progress;
use crate::runs::{RunFolder, RunSettings};
use std::collections::HashMap;
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
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("{0} has no labelled row with a sentence and a text, so there is nothing to choose a threshold by")]
    Unlabelled(PathBuf),
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

/// Scores the labelled rows of a dataset (the sample without one) with the bundled model; progress in rows.
pub(super) fn score(dataset: Option<Arc<Dataset>>, progress: &dyn Progress) -> Result<Opened, OpenError> {
    let dataset = match dataset {
        Some(dataset) => dataset,
        None => Arc::new(Dataset::sample()?),
    };
    let mut rows = clean(&dataset.records, Cleaning::default());
    rows.retain(|&row| dataset.records[row].label.is_some());
    if rows.is_empty() {
        return Err(OpenError::Unlabelled(dataset.path.clone()));
    }
    let compute = Compute::choose(DeviceChoice::Auto, None).unwrap_or_else(|_| Compute::processor());
    let scorer = Scorer::new(&SavedModel::bundled()?, &compute)?;
    let records = || rows.iter().map(|&row| &dataset.records[row]);
    let pairs: Vec<(&str, String)> = records()
        .map(|record| (record.sentence.as_deref().unwrap_or_default(), reference_block(ReferenceBlock::of(record))))
        .collect();
    let scored = scorer.score(&pairs, progress)?;
    let mut numbers: HashMap<&PaperId, usize> = HashMap::new();
    let papers = records()
        .map(|record| {
            let next = numbers.len();
            *numbers.entry(&record.original_paper_id).or_insert(next)
        })
        .collect();
    let paper_count = numbers.len();
    let labels = records().map(|record| record.label == Some(Label::Citation)).collect();
    let probabilities = scored.iter().map(|scored| scored.probability).collect();
    let path = dataset.path.clone();
    let study = Study::of(&path, labels, probabilities, Some(Origins { rows: rows.clone(), papers, paper_count }));
    let texts = Some(TextSource::Loaded(Arc::clone(&dataset)));
    Ok(Opened { path, validation: Arc::new(study), test: None, model: None, saved_threshold: None, texts })
}
