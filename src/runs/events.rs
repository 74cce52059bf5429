//! `events.jsonl`: what happened, one object a line, appended only.

use super::RunError;
use crate::evaluation::Metrics;
use crate::training::StepReport;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// RFC 3339, UTC.
    pub time: jiff::Timestamp,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EventKind {
    /// A process took the run up.
    Started {
        process: u32,
        from_step: u64,
        total_steps: u64,
        steps_per_epoch: u64,
        train_rows: usize,
        validation_rows: usize,
    },
    Step(StepReport),
    Evaluated {
        epoch: usize,
        step: u64,
        loss: f64,
        #[serde(flatten)]
        metrics: Metrics,
    },
    /// A checkpoint or a best model was written.
    Saved {
        step: u64,
        what: String,
    },
    Stopped {
        step: u64,
    },
    /// The notebook's last table.
    Finished {
        step: u64,
        best_epoch: usize,
        threshold: f64,
        validation: Metrics,
        test: Option<Metrics>,
    },
    Failed {
        message: String,
    },
}

/// Reads the whole lines of `events.jsonl` (a torn last line is ignored); later entries for a step replace earlier
/// ones.
///
/// # Errors
/// [`RunError::File`].
pub fn read_events(path: &Path) -> Result<Vec<Event>, RunError> {
    let _ = path;
    todo!()
}
