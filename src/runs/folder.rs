//! Names and places inside a run folder.

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

    /// `stop`: if this file appears, the run checkpoints and stops.
    #[must_use]
    pub fn stop(&self) -> PathBuf {
        self.path.join("stop")
    }
}

/// Where runs live by default: the platform's data folder, under `citelink/runs`.
#[must_use]
pub fn default_runs_folder() -> PathBuf {
    todo!()
}

/// A folder name from the local time and the base model, such as `2026-11-23-101500-scibert`.
#[must_use]
pub fn new_run_name(base: &str) -> String {
    let _ = base;
    todo!()
}
