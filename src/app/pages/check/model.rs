//! Which model ranks: the bundled one, a run's best or a folder, loaded in the background.

use crate::app::job::Job;
use crate::checking::{CheckError, Scorer};
use crate::model::{Compute, DeviceChoice, ModelSource, SavedModel};
use crate::progress::Progress;
use crate::runs::{RunFolder, default_runs_folder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model ready to rank.
#[derive(Debug)]
pub(super) struct LoadedModel {
    pub scorer: Scorer,
    /// What it was made from, such as `allenai/scibert_scivocab_uncased`.
    pub base: Option<String>,
    /// The threshold is the model's own; otherwise it is the default of 0.5.
    pub own_threshold: bool,
    /// What it computes on.
    pub device: &'static str,
}

/// Whether the model is there.
#[derive(Debug)]
pub(super) enum ModelState {
    /// Nobody has needed it yet.
    Asleep,
    Loading(Job<LoadedModel>),
    Ready(Arc<LoadedModel>),
    Failed(String),
}

/// A finished or running run with a best model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownRun {
    pub name: String,
    pub best: PathBuf,
}

/// The chosen model.
#[derive(Debug)]
pub(super) struct ModelChoice {
    source: ModelSource,
    state: ModelState,
    /// Runs of the default folder, newest first, once they have been listed.
    runs: Vec<KnownRun>,
    listing: Option<Job<Vec<KnownRun>>>,
}

impl ModelChoice {
    pub(super) fn bundled() -> Self {
        Self { source: ModelSource::Bundled, state: ModelState::Asleep, runs: Vec::new(), listing: None }
    }

    pub(super) fn source(&self) -> &ModelSource {
        &self.source
    }

    /// What the chosen model is called.
    pub(super) fn name(&self) -> String {
        match &self.source {
            ModelSource::Bundled => "Bundled model".to_owned(),
            ModelSource::Hub(id) => id.clone(),
            ModelSource::Folder(folder) => folder_name(folder),
        }
    }

    pub(super) fn state(&self) -> &ModelState {
        &self.state
    }

    pub(super) fn runs(&self) -> &[KnownRun] {
        &self.runs
    }

    pub(super) fn ready(&self) -> Option<&Arc<LoadedModel>> {
        match &self.state {
            ModelState::Ready(model) => Some(model),
            _ => None,
        }
    }

    /// Loads another model; the one before is dropped at once.
    pub(super) fn choose(&mut self, source: ModelSource, context: &egui::Context) {
        self.source = source;
        self.state = ModelState::Asleep;
        self.wake(context);
    }

    /// Starts loading if that has not begun.
    pub(super) fn wake(&mut self, context: &egui::Context) {
        if matches!(self.state, ModelState::Asleep) {
            let source = self.source.clone();
            self.state =
                ModelState::Loading(Job::start(context, "load-model", move |progress| load(&source, progress)));
        }
    }

    /// Loads the same model again, from what its files are now.
    pub(super) fn reload(&mut self, context: &egui::Context) {
        self.choose(self.source.clone(), context);
    }

    /// Looks for runs with a best model.
    pub(super) fn list_runs(&mut self, context: &egui::Context) {
        if self.listing.is_none() {
            self.listing = Some(Job::start(context, "list-models", |_| Ok::<_, String>(known_runs())));
        }
    }

    /// Takes in what the jobs brought; true when a model has just become ready.
    pub(super) fn update(&mut self) -> bool {
        if let Some(result) = self.listing.as_mut().and_then(Job::poll) {
            self.listing = None;
            // A folder that cannot be listed offers no runs; choosing a folder by hand still says why.
            self.runs = result.unwrap_or_default();
        }
        let ModelState::Loading(job) = &mut self.state else { return false };
        match job.poll() {
            None => false,
            Some(Ok(model)) => {
                self.state = ModelState::Ready(Arc::new(model));
                true
            }
            Some(Err(message)) => {
                self.state = ModelState::Failed(message);
                false
            }
        }
    }
}

/// What a model's folder is called: by its own name, or by its run's.
fn folder_name(folder: &Path) -> String {
    let last = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = last(folder).unwrap_or_else(|| folder.display().to_string());
    // Every run calls its model `best`; the run's own name tells them apart.
    match folder.parent().and_then(last) {
        Some(run) if name == "best" => format!("{run}, best"),
        _ => name,
    }
}

impl LoadedModel {
    /// What the model was made from, without the folders before it.
    pub(super) fn base_name(&self) -> Option<String> {
        let base = self.base.as_deref()?;
        // An id of the hub is a relative path of two parts, and stays whole.
        Some(if Path::new(base).is_absolute() { folder_name(Path::new(base)) } else { base.to_owned() })
    }
}

fn load(source: &ModelSource, progress: &dyn Progress) -> Result<LoadedModel, CheckError> {
    let model = source.load(progress)?;
    // A GPU that does not start is no reason not to rank a few candidates.
    let compute = Compute::choose(DeviceChoice::Auto, None).unwrap_or_else(|_| Compute::processor());
    let scorer = Scorer::new(&model, &compute)?;
    Ok(LoadedModel {
        scorer,
        base: recorded_base(&model),
        own_threshold: model.inference.is_some(),
        device: match compute.device_name() {
            "cpu" => "processor",
            gpu => gpu,
        },
    })
}

fn recorded_base(model: &SavedModel) -> Option<String> {
    model.inference.as_ref().map(|inference| inference.model_name.clone()).filter(|name| !name.is_empty())
}

fn known_runs() -> Vec<KnownRun> {
    let Ok(entries) = std::fs::read_dir(default_runs_folder()) else { return Vec::new() };
    let mut runs: Vec<KnownRun> = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), RunFolder::at(entry.path()).best()))
        .filter(|(_, best)| best.join("config.json").is_file())
        .map(|(name, best)| KnownRun { name, best })
        .collect();
    // Names begin with the date.
    runs.sort_by(|one, other| other.name.cmp(&one.name));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_model_is_called_by_its_last_name() {
        assert_eq!(folder_name(Path::new("/runs/2026-03-01_sample/best")), "2026-03-01_sample, best");
        assert_eq!(folder_name(Path::new("/models/scibert")), "scibert");
        assert_eq!(folder_name(Path::new("/")), "/");
    }
}
