//! The grid: learning rates by epochs, trained one after the other by `citelink grid`, compared at one threshold.

use super::figures::steps_per_epoch;
use super::form::{parse_list, parse_number, scientific};
use crate::evaluation::{Confusion, Metrics, read_predictions};
use crate::runs::{GridAxes, RunState, RunSummary, TrainRequest, list_runs};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two looks at a grid's runs.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the user types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GridForm {
    pub learning_rates: String,
    pub epochs: String,
    pub threshold: String,
}

impl Default for GridForm {
    fn default() -> Self {
        Self { learning_rates: "1e-5, 2e-5, 3e-5".to_owned(), epochs: "3, 4".to_owned(), threshold: "0.25".to_owned() }
    }
}

/// What is wrong with each of the three fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GridProblems {
    pub learning_rates: Option<String>,
    pub epochs: Option<String>,
    pub threshold: Option<String>,
}

impl GridForm {
    /// What varies, or what is wrong.
    pub fn axes(&self) -> Result<GridAxes, GridProblems> {
        let rate = |word: &str| parse_number(word).filter(|&rate| rate > 0.0 && rate <= 1.0);
        let epochs = |word: &str| word.parse().ok().filter(|epochs| (1..=1000).contains(epochs));
        let learning_rates = parse_list(&self.learning_rates, rate);
        let epochs = parse_list(&self.epochs, epochs);
        let threshold = parse_number(&self.threshold)
            .filter(|threshold| (0.0..=1.0).contains(threshold))
            .ok_or_else(|| "a number from 0 to 1, such as 0.25".to_owned());
        match (learning_rates, epochs, threshold) {
            (Ok(learning_rates), Ok(epochs), Ok(threshold)) => Ok(GridAxes { learning_rates, epochs, threshold }),
            (learning_rates, epochs, threshold) => Err(GridProblems {
                learning_rates: learning_rates.err(),
                epochs: epochs.err(),
                threshold: threshold.err(),
            }),
        }
    }
}

/// `grid.json` in a grid's folder: what was asked for, so that the grid can be shown and gone on with later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridFile {
    pub created: jiff::Timestamp,
    pub learning_rates: Vec<f64>,
    pub epochs: Vec<usize>,
    pub threshold: f64,
    pub request: TrainRequest,
}

impl GridFile {
    fn path(folder: &Path) -> PathBuf {
        folder.join("grid.json")
    }

    /// Whether a folder is a grid's.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        Self::path(folder).is_file()
    }

    /// Reads a grid's folder.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(Self::path(folder))?)?)
    }

    /// Writes it into the folder, which is made.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        crate::files::write_atomically(&Self::path(folder), |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }

    /// What varies.
    #[must_use]
    pub fn axes(&self) -> GridAxes {
        GridAxes { learning_rates: self.learning_rates.clone(), epochs: self.epochs.clone(), threshold: self.threshold }
    }

    /// Every (learning rate, epochs).
    #[must_use]
    pub fn combinations(&self) -> Vec<(f64, usize)> {
        let rates = self.learning_rates.iter();
        rates.flat_map(|&rate| self.epochs.iter().map(move |&epochs| (rate, epochs))).collect()
    }
}

/// One combination as its run's folder shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub learning_rate: f64,
    pub epochs: usize,
    /// None while it waits for its turn.
    pub run: Option<MemberRun>,
}

/// The run of a combination.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRun {
    pub folder: PathBuf,
    pub name: String,
    pub state: RunState,
    pub step: u64,
    pub total_steps: u64,
    /// On validation at the grid's threshold, once it has finished.
    pub metrics: Option<Metrics>,
}

impl MemberRun {
    fn of(summary: &RunSummary, threshold: f64) -> Self {
        let values = &summary.settings.request.hyperparameters;
        let rows = summary.settings.parts.pointer("/train/rows").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let steps = steps_per_epoch(rows as usize, values.batch_size, values.accumulation) * values.epochs;
        let predictions = (summary.state == RunState::Finished)
            .then(|| read_predictions(&summary.folder.validation_predictions()).ok())
            .flatten();
        Self {
            folder: summary.folder.path().to_owned(),
            name: summary.name.clone(),
            state: summary.state.clone(),
            step: summary.step,
            total_steps: steps as u64,
            metrics: predictions
                .map(|(labels, probabilities)| Confusion::at(&labels, &probabilities, threshold).metrics()),
        }
    }
}

/// A grid as its folder shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct GridView {
    pub file: GridFile,
    /// Best F1 first, then those without figures in the order of training.
    pub members: Vec<Member>,
}

impl GridView {
    /// Reads the folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let file = GridFile::read(folder)
            .map_err(|failure| format!("Cannot read the grid in {}: {failure}", folder.display()))?;
        let runs = list_runs(folder);
        let mut members: Vec<Member> = file
            .combinations()
            .into_iter()
            .map(|(learning_rate, epochs)| {
                let run = runs.iter().find(|run| {
                    let values = &run.settings.request.hyperparameters;
                    values.learning_rate == learning_rate && values.epochs == epochs
                });
                Member { learning_rate, epochs, run: run.map(|run| MemberRun::of(run, file.threshold)) }
            })
            .collect();
        // Stable: equals stay in the order of training, as the headless table has them.
        members.sort_by(|one, other| other.f1().total_cmp(&one.f1()));
        Ok(Self { file, members })
    }

    /// The run that is being trained.
    #[must_use]
    pub fn running(&self) -> Option<&MemberRun> {
        self.members.iter().filter_map(|member| member.run.as_ref()).find(|run| run.state == RunState::Running)
    }

    /// How many have finished.
    #[must_use]
    pub fn finished(&self) -> usize {
        let runs = self.members.iter().filter_map(|member| member.run.as_ref());
        runs.filter(|run| run.state == RunState::Finished).count()
    }
}

impl Member {
    fn f1(&self) -> f64 {
        self.run.as_ref().and_then(|run| run.metrics).map_or(-1.0, |metrics| metrics.f1)
    }

    /// Its learning rate as people write it.
    #[must_use]
    pub fn rate_text(&self) -> String {
        scientific(self.learning_rate)
    }
}

/// A grid that is followed on a thread of its own.
#[derive(Debug)]
pub struct OpenGrid {
    pub path: PathBuf,
    pub view: Option<Result<GridView, String>>,
    /// What its process said when it gave up.
    pub last_words: Option<String>,
    latest: Arc<Mutex<Option<Result<GridView, String>>>>,
    /// Dropped to end the thread.
    _alive: SyncSender<()>,
}

impl OpenGrid {
    /// Follows the grid in a folder.
    pub fn open(context: &egui::Context, path: &Path) -> std::io::Result<Self> {
        let latest = Arc::new(Mutex::new(None));
        let (alive, ended) = sync_channel::<()>(0);
        let (for_thread, context, followed) = (Arc::clone(&latest), context.clone(), path.to_owned());
        std::thread::Builder::new().name("follow-grid".to_owned()).spawn(move || {
            let mut known = None;
            loop {
                let view = Some(GridView::read(&followed));
                if view != known {
                    known.clone_from(&view);
                    *for_thread.lock().unwrap_or_else(PoisonError::into_inner) = view;
                    context.request_repaint();
                }
                if ended.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { path: path.to_owned(), view: None, last_words: None, latest, _alive: alive })
    }

    /// Takes over what the thread has read; true where the number of finished runs or the running one changed.
    pub fn update(&mut self) -> bool {
        let Some(news) = self.latest.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        let outline = |view: &Option<Result<GridView, String>>| match view {
            Some(Ok(view)) => Some((view.finished(), view.running().map(|run| run.name.clone()))),
            _ => None,
        };
        let before = outline(&self.view);
        self.view = Some(news);
        outline(&self.view) != before
    }
}

/// Asks whatever trains in `folder` to stop: the run that it is, or the run of the grid that is being trained.
pub fn request_stop(folder: &Path) -> Result<(), crate::runs::RunError> {
    use crate::runs::RunFolder;
    let folders: Vec<RunFolder> = match GridFile::read(folder) {
        Ok(_) => {
            let runs = list_runs(folder).into_iter();
            runs.filter(|run| run.state == RunState::Running).map(|run| run.folder).collect()
        }
        Err(_) => vec![RunFolder::at(folder)],
    };
    folders.iter().try_for_each(RunFolder::request_stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_starts_with_the_notebooks_axes() {
        let axes = GridForm::default().axes().unwrap();
        assert_eq!(axes, GridAxes { learning_rates: vec![1e-5, 2e-5, 3e-5], epochs: vec![3, 4], threshold: 0.25 });
    }

    #[test]
    fn each_mistake_is_told_beside_its_field() {
        let form =
            GridForm { learning_rates: "2e-5, fast".to_owned(), epochs: "0".to_owned(), threshold: "1.5".to_owned() };
        let problems = form.axes().unwrap_err();
        assert!(problems.learning_rates.unwrap().contains("fast"));
        assert!(problems.epochs.is_some() && problems.threshold.is_some());
    }

    #[test]
    fn a_folder_without_a_grid_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(GridView::read(folder.path()).unwrap_err().contains("Cannot read the grid"));
    }
}
