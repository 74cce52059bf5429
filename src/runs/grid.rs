//! The notebook's small grid: learning rates by epochs, compared on validation at one threshold.

use super::execute::is_finished;
use super::launch::absolute_request;
use super::{Event, RunError, RunFolder, RunSettings, TrainRequest, resume_aloud, train_aloud};
use crate::evaluation::{Confusion, read_predictions};
use crate::progress::Progress;
use crate::training::Outcome;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
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

/// What a grid tells while it works.
#[derive(Debug)]
pub enum GridNews<'a> {
    /// A combination's turn has come: its number from 1, how many there are, and its run folder.
    Run { number: usize, of: usize, folder: &'a RunFolder },
    /// Something happened in it.
    Event(&'a Event),
}

impl GridAxes {
    /// The combinations in order, each once: learning rate, epochs and the name of the run folder.
    #[must_use]
    pub fn combinations(&self) -> Vec<(f64, usize, String)> {
        let mut combinations: Vec<(f64, usize, String)> = Vec::new();
        for &learning_rate in &self.learning_rates {
            for &epochs in &self.epochs {
                let name = format!("lr-{learning_rate:e}-epochs-{epochs}");
                if combinations.iter().all(|(_, _, other)| *other != name) {
                    combinations.push((learning_rate, epochs, name));
                }
            }
        }
        combinations
    }
}

/// Trains every combination in a folder of its own under `runs` (finished ones are kept, interrupted ones resumed)
/// and returns them best F1 first. Progress in optimizer steps of the run at work.
///
/// # Errors
/// See [`RunError`]; [`RunError::Stopped`] where a run was asked to stop.
pub fn grid(
    request: &TrainRequest,
    axes: &GridAxes,
    runs: &Path,
    progress: &dyn Progress,
) -> Result<Vec<GridRow>, RunError> {
    grid_aloud(request, axes, runs, progress, &mut |_| {})
}

/// As [`grid`]; `heard` gets what happens as soon as it is written.
///
/// # Errors
/// As [`grid`].
pub fn grid_aloud(
    request: &TrainRequest,
    axes: &GridAxes,
    runs: &Path,
    progress: &dyn Progress,
    heard: &mut dyn FnMut(GridNews<'_>),
) -> Result<Vec<GridRow>, RunError> {
    if !(0.0..=1.0).contains(&axes.threshold) {
        return Err(RunError::Setting(format!("the threshold must lie between 0 and 1, it is {}", axes.threshold)));
    }
    let request = absolute_request(request)?;
    let combinations = axes.combinations();
    // All of them first: a folder of another grid is better refused now than after a night's training.
    let mut planned = Vec::new();
    let mut sha256 = None;
    for (learning_rate, epochs, name) in &combinations {
        let mut request = request.clone();
        (request.hyperparameters.learning_rate, request.hyperparameters.epochs) = (*learning_rate, *epochs);
        let folder = RunFolder::at(runs.join(name));
        if folder.is_run() {
            let settings = RunSettings::read(&folder)?;
            if let Some(what) = difference(&settings.request, &request) {
                return Err(RunError::OtherSettings { path: folder.path().to_owned(), what });
            }
            let found = match &sha256 {
                Some(found) => found,
                None => sha256.insert(hash(&request.dataset)?),
            };
            if settings.dataset_sha256 != *found {
                let (found, expected) = (found.clone(), settings.dataset_sha256);
                return Err(RunError::DatasetChanged { path: request.dataset, found, expected });
            }
        }
        planned.push((request, folder));
    }
    for (index, (request, folder)) in planned.iter().enumerate() {
        heard(GridNews::Run { number: index + 1, of: planned.len(), folder });
        let mut event = |event: &Event| heard(GridNews::Event(event));
        let outcome = if folder.is_run() {
            resume_aloud(folder, progress, &mut event)?
        } else {
            train_aloud(request, folder, progress, &mut event)?
        };
        if outcome == Outcome::Stopped {
            return Err(RunError::Stopped);
        }
    }
    grid_table(axes, runs)
}

/// The grid's finished runs as they stand under `runs`, best F1 first (of equals, in the order of the axes).
///
/// # Errors
/// [`RunError::Predictions`] where a finished run's predictions cannot be read.
pub fn grid_table(axes: &GridAxes, runs: &Path) -> Result<Vec<GridRow>, RunError> {
    let mut rows = Vec::new();
    for (learning_rate, num_epochs, name) in axes.combinations() {
        let folder = RunFolder::at(runs.join(&name));
        if !folder.is_run() || !is_finished(&folder)? {
            continue;
        }
        let (labels, probabilities) = read_predictions(&folder.validation_predictions())?;
        let metrics = Confusion::at(&labels, &probabilities, axes.threshold).metrics();
        rows.push(GridRow {
            run: folder.path().display().to_string(),
            learning_rate,
            num_epochs,
            val_accuracy_t: metrics.accuracy,
            val_precision_t: metrics.precision,
            val_recall_t: metrics.recall,
            val_f1_t: metrics.f1,
        });
    }
    rows.sort_by(|left, right| right.val_f1_t.total_cmp(&left.val_f1_t));
    Ok(rows)
}

/// The first setting in which two requests would train differently.
fn difference(left: &TrainRequest, right: &TrainRequest) -> Option<String> {
    let (left, right) = (serde_json::to_value(left).ok()?, serde_json::to_value(right).ok()?);
    let (left, right) = (left.as_object()?, right.as_object()?);
    left.iter()
        .filter(|(name, _)| *name != "threads")
        .find(|(name, value)| !same(value, &right[name.as_str()]))
        .map(|(name, value)| format!("{name} is {value} there and {} here", right[name.as_str()]))
}

/// Equal, where a number that went through a file may differ in its last bit.
fn same(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    match (left, right) {
        (serde_json::Value::Object(left), serde_json::Value::Object(right)) => {
            left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (serde_json::Value::Number(left), serde_json::Value::Number(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => (left - right).abs() <= left.abs() * 1e-12,
            _ => left == right,
        },
        _ => left == right,
    }
}

/// SHA-256 of a file, as [`crate::dataset::Dataset`] gives it.
fn hash(path: &Path) -> Result<String, RunError> {
    let cannot = |source| RunError::File { path: path.to_owned(), source };
    let mut hasher = Sha256::new();
    let mut file = File::open(path).map_err(cannot)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(cannot)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let mut text = String::new();
    for byte in hasher.finalize() {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::settings::tests::sample;

    #[test]
    fn every_combination_has_a_folder_of_its_own() {
        let axes = GridAxes { learning_rates: vec![1e-5, 2.5e-5, 1e-5], epochs: vec![3, 4], threshold: 0.25 };
        let names: Vec<String> = axes.combinations().into_iter().map(|(_, _, name)| name).collect();
        assert_eq!(names, ["lr-1e-5-epochs-3", "lr-1e-5-epochs-4", "lr-2.5e-5-epochs-3", "lr-2.5e-5-epochs-4"]);
    }

    #[test]
    fn runs_of_other_settings_are_told_apart() {
        let request = sample().request;
        assert_eq!(difference(&request, &request), None);
        let mut other = request.clone();
        other.threads = Some(1);
        assert_eq!(difference(&request, &other), None);
        other.hyperparameters.seed = 7;
        assert!(difference(&request, &other).unwrap().starts_with("hyperparameters"));
    }
}
