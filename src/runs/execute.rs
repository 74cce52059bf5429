//! Running a training in this process, from settings to the last table.

use super::{RunError, RunFolder, TrainRequest};
use crate::progress::Progress;
use crate::training::Outcome;

/// Starts a new run in `folder` and trains to its end, or until `stop` appears or `progress` is cancelled.
/// Progress in optimizer steps.
///
/// # Errors
/// See [`RunError`]; a failure after `run.json` is written is also the run's last event.
pub fn train(request: &TrainRequest, folder: &RunFolder, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let _ = (request, folder, progress);
    todo!()
}

/// Goes on with a run that was stopped or killed; removes `stop`; a finished run is left as it is.
///
/// # Errors
/// See [`RunError`].
pub fn resume(folder: &RunFolder, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let _ = (folder, progress);
    todo!()
}
