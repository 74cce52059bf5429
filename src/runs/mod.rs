//! The run folder: the only channel between a training process and everything else.

mod best;
mod checkpoint;
mod events;
mod execute;
mod folder;
mod follow;
mod grid;
mod launch;
mod lock;
mod prepare;
mod progress;
mod record;
mod settings;
mod summary;
mod trainer_state;
mod view;

pub use events::{Event, EventKind, read_events};
pub use execute::{resume, resume_aloud, train, train_aloud};
pub use folder::{RunFolder, default_runs_folder, new_run_name};
pub use follow::Follower;
pub use grid::{GridAxes, GridNews, GridRow, grid, grid_aloud, grid_table};
pub use launch::{
    PROGRAM_VARIABLE, RunProcess, grid_arguments, launch_grid, launch_resume, launch_train, train_arguments,
};
pub use progress::{Phase, RunProgress};
pub use record::CHECKPOINT_VARIABLE;
pub use settings::{RunSettings, TrainRequest};
pub use summary::{RunSummary, list_runs};
pub use view::{FinalTable, RunState, RunView};

use std::path::PathBuf;

/// Why a run could not be started, resumed, read or finished.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
    #[error("{path} holds no run: it has no run.json")]
    NoRun { path: PathBuf },
    #[error("{path} already holds a run: resume it, or name another folder")]
    Exists { path: PathBuf },
    #[error("{path} is in use by another process: stop that one first")]
    Locked { path: PathBuf },
    #[error("{path} has changed since the run started: its SHA-256 is {found}, the run's is {expected}")]
    DatasetChanged { path: PathBuf, found: String, expected: String },
    #[error("{path} holds a run with other settings: {what}; name another folder")]
    OtherSettings { path: PathBuf, what: String },
    #[error("{0}")]
    Setting(String),
    #[error("cannot start {program}: {source}")]
    Launch { program: PathBuf, source: std::io::Error },
    #[error("stopped: the same command goes on from here")]
    Stopped,
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
