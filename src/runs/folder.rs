//! Names and places inside a run folder.

use super::RunError;
use std::path::{Path, PathBuf};

/// A run folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run at `path`, whether it exists or not.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder holds a run.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.settings().is_file()
    }

    /// `run.json`
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// `events.jsonl`
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// `checkpoint.safetensors`
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// `best`, the saved model with the lowest validation loss.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.path.join("best")
    }

    /// `validation.csv`
    #[must_use]
    pub fn validation_predictions(&self) -> PathBuf {
        self.path.join("validation.csv")
    }

    /// `test.csv`
    #[must_use]
    pub fn test_predictions(&self) -> PathBuf {
        self.path.join("test.csv")
    }

    /// `trainer_state.json`
    #[must_use]
    pub fn trainer_state(&self) -> PathBuf {
        self.path.join("trainer_state.json")
    }

    /// `stop`: if this file appears, the run checkpoints and stops.
    #[must_use]
    pub fn stop(&self) -> PathBuf {
        self.path.join("stop")
    }

    /// `citelink.log`: what a process started from the window prints.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("citelink.log")
    }

    /// `progress.json`: how far the process is between two events.
    #[must_use]
    pub fn progress(&self) -> PathBuf {
        self.path.join("progress.json")
    }

    /// `.lock`: see [`super::lock`].
    pub(super) fn lock(&self) -> PathBuf {
        self.path.join(".lock")
    }

    /// Asks the process that trains here to checkpoint and stop.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub fn request_stop(&self) -> Result<(), RunError> {
        let path = self.stop();
        std::fs::write(&path, b"").map_err(|source| RunError::File { path, source })
    }
}

/// Where runs live by default: the platform's data folder, under `citelink/runs` (the current folder where the platform
/// names none).
#[must_use]
pub fn default_runs_folder() -> PathBuf {
    let data = directories::BaseDirs::new().map(|folders| folders.data_dir().to_owned());
    data.unwrap_or_default().join("citelink").join("runs")
}

/// A folder name from the local time and the base model, such as `2026-11-23-101500-scibert`.
#[must_use]
pub fn new_run_name(base: &str) -> String {
    format!("{}-{}", jiff::ZonedDateTime::now().strftime("%Y-%m-%d-%H%M%S"), short_name(base))
}

/// A base model's name as part of a file name: `allenai/scibert_scivocab_uncased` becomes `scibert`, a folder its last
/// part.
fn short_name(base: &str) -> String {
    let last = base.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    // What follows an underscore in a hub id names the vocabulary and the casing.
    let is_hub_id = base.split('/').count() == 2 && !base.starts_with('/') && !Path::new(base).exists();
    let named = if is_hub_id { last.split('_').next().unwrap_or_default() } else { last };
    let shown: String = named
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() || "-_.".contains(character) { character } else { '-' })
        .take(40)
        .collect();
    let shown = shown.trim_matches(['-', '.', '_']);
    if shown.is_empty() { "model".to_owned() } else { shown.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_names_are_time_and_base() {
        let name = new_run_name("bundled");
        let digits: String = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(digits, "0000-00-00-000000-bundled");
    }

    #[test]
    fn short_names_are_safe_in_file_names() {
        assert_eq!(short_name("allenai/scibert_scivocab_uncased"), "scibert");
        assert_eq!(short_name("/models/My model (2)/"), "my-model--2");
        assert_eq!(short_name("/"), "model");
        assert_eq!(short_name("C:\\models\\tiny"), "tiny");
    }

    #[test]
    fn runs_live_in_the_data_folder() {
        assert!(default_runs_folder().ends_with("citelink/runs"));
    }
}
