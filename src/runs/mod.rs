//! The run folder: the only channel between a training process and everything else.

mod checkpoint;
mod events;
mod execute;
mod folder;
mod follow;
mod grid;
mod launch;
mod lock;
mod settings;
mod summary;

pub use events::{Event, EventKind, read_events};
pub use execute::{resume, train};
pub use folder::{RunFolder, default_runs_folder, new_run_name};
pub use follow::{Follower, RunState, RunView};
pub use grid::{GridAxes, GridRow, grid};
pub use launch::{RunProcess, launch_resume, launch_train};
pub use settings::{RunSettings, TrainRequest};

use std::path::PathBuf;

/// Why a run could not be started, resumed, read or finished.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
    #[error("{path} already holds a run: resume it, or name another folder")]
    Exists { path: PathBuf },
    #[error("{path} is in use by another process: stop that one first")]
    Locked { path: PathBuf },
    #[error("{path} has changed since the run started: its SHA-256 is {found}, the run's is {expected}")]
    DatasetChanged { path: PathBuf, found: String, expected: String },
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    #[error(transparent)]
    Split(#[from] crate::dataset::SplitError),
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    #[error(transparent)]
    Training(#[from] crate::training::TrainingError),
    #[error(transparent)]
    Predictions(#[from] crate::evaluation::PredictionsError),
}
