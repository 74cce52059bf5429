//! Following a run folder that another process writes.

use super::{Event, RunError, RunFolder, RunSettings};
use crate::evaluation::Metrics;
use crate::training::StepReport;

/// What a run is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// `run.json` is there, a process holds the lock.
    Running,
    /// Stopped on request; can be resumed.
    Stopped,
    /// No process holds the lock and the run did not end: it was killed. Can be resumed.
    Interrupted,
    Finished,
    Failed(String),
}

/// A run as its folder shows it.
#[derive(Debug, Clone)]
pub struct RunView {
    pub folder: RunFolder,
    pub settings: Option<RunSettings>,
    pub state: RunState,
    /// One a step, the last entry for a step counts, in order.
    pub steps: Vec<StepReport>,
    /// (epoch, step, loss, metrics), one an epoch.
    pub evaluations: Vec<(usize, u64, f64, Metrics)>,
    /// The process that took the run up last.
    pub process: Option<u32>,
    pub total_steps: u64,
    pub steps_per_epoch: u64,
    /// The last event.
    pub last: Option<Event>,
}

/// Reads a run folder again and again, each time only what was appended.
#[derive(Debug)]
pub struct Follower {
    view: RunView,
}

impl Follower {
    /// Opens a run folder and reads what is there.
    ///
    /// # Errors
    /// [`RunError::File`], [`RunError::Malformed`].
    pub fn open(folder: RunFolder) -> Result<Self, RunError> {
        let _ = folder;
        todo!()
    }

    /// Reads what was appended since; true if anything changed.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub fn poll(&mut self) -> Result<bool, RunError> {
        todo!()
    }

    /// The run as last read.
    #[must_use]
    pub fn view(&self) -> &RunView {
        &self.view
    }
}
