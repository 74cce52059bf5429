//! Starting a run as a process of its own, which outlives the window if asked to.

use super::{RunError, RunFolder, TrainRequest};

/// A child process that trains.
#[derive(Debug)]
pub struct RunProcess {
    pub folder: RunFolder,
    pub child: std::process::Child,
}

/// Starts `citelink train` (this program) on the request; its output goes to `citelink.log` in the run folder.
///
/// # Errors
/// [`RunError::File`].
pub fn launch_train(request: &TrainRequest, folder: &RunFolder) -> Result<RunProcess, RunError> {
    let _ = (request, folder);
    todo!()
}

/// Starts `citelink resume` on the run.
///
/// # Errors
/// [`RunError::File`].
pub fn launch_resume(folder: &RunFolder) -> Result<RunProcess, RunError> {
    let _ = folder;
    todo!()
}
