//! Starting a run as a process of its own, which outlives the window if asked to.
//!
//! The request travels as command-line options, so that what the window starts is what a user could have typed.

use super::{GridAxes, RunError, RunFolder, TrainRequest};
use clap::ValueEnum;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Names the program to start instead of this one, where this one is no `citelink` (a test's own program).
pub const PROGRAM_VARIABLE: &str = "CITELINK_PROGRAM";

/// A child process that trains. Dropping this leaves it running.
#[derive(Debug)]
pub struct RunProcess {
    pub folder: RunFolder,
    pub child: Child,
}

impl RunProcess {
    /// None while the process lives; then whether it succeeded, and if not the last line it printed.
    pub fn ended(&mut self) -> Option<Result<(), String>> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) if status.success() => Some(Ok(())),
            Ok(Some(status)) => Some(Err(last_line(&self.folder.log()).unwrap_or_else(|| status.to_string()))),
            Err(failure) => Some(Err(failure.to_string())),
        }
    }
}

/// Starts `citelink train` (this program) on the request; its output goes to `citelink.log` in the run folder, which is
/// made if need be.
///
/// # Errors
/// [`RunError::Exists`], [`RunError::File`], [`RunError::Launch`].
pub fn launch_train(request: &TrainRequest, folder: &RunFolder) -> Result<RunProcess, RunError> {
    if folder.is_run() {
        return Err(RunError::Exists { path: folder.path().to_owned() });
    }
    let folder = RunFolder::at(absolute(folder.path())?);
    let request = absolute_request(request)?;
    launch(folder.clone(), &train_arguments(&request, &folder))
}

/// Starts `citelink resume` on the run.
///
/// # Errors
/// [`RunError::NoRun`], [`RunError::File`], [`RunError::Launch`].
pub fn launch_resume(folder: &RunFolder) -> Result<RunProcess, RunError> {
    if !folder.is_run() {
        return Err(RunError::NoRun { path: folder.path().to_owned() });
    }
    let folder = RunFolder::at(absolute(folder.path())?);
    launch(folder.clone(), &["resume".into(), folder.path().into()])
}

/// Starts `citelink grid` on the request; its output goes to `citelink.log` in `runs`, where each combination gets its
/// run folder. A `stop` file in the run that is training stops the grid.
///
/// # Errors
/// [`RunError::File`], [`RunError::Launch`].
pub fn launch_grid(request: &TrainRequest, axes: &GridAxes, runs: &Path) -> Result<RunProcess, RunError> {
    let runs = absolute(runs)?;
    let request = absolute_request(request)?;
    launch(RunFolder::at(&runs), &grid_arguments(&request, axes, &runs))
}

/// The command line, after the program's name, that asks for this training.
#[must_use]
pub fn train_arguments(request: &TrainRequest, folder: &RunFolder) -> Vec<OsString> {
    let mut arguments = vec!["train".into(), request.dataset.clone().into(), option("run", folder.path())];
    arguments.push(option("learning-rate", request.hyperparameters.learning_rate.to_string()));
    arguments.push(option("epochs", request.hyperparameters.epochs.to_string()));
    arguments.extend(common_arguments(request));
    arguments
}

/// The command line, after the program's name, that asks for this grid.
#[must_use]
pub fn grid_arguments(request: &TrainRequest, axes: &GridAxes, runs: &Path) -> Vec<OsString> {
    let mut arguments = vec!["grid".into(), request.dataset.clone().into(), option("runs", runs)];
    let list = |values: Vec<String>| values.join(",");
    arguments.push(option("learning-rates", list(axes.learning_rates.iter().map(ToString::to_string).collect())));
    arguments.push(option("epochs", list(axes.epochs.iter().map(ToString::to_string).collect())));
    arguments.push(option("threshold", axes.threshold.to_string()));
    arguments.extend(common_arguments(request));
    arguments
}

/// What `train` and `grid` have in common.
fn common_arguments(request: &TrainRequest) -> Vec<OsString> {
    let hyperparameters = &request.hyperparameters;
    // Rust writes floats so that they read back exactly.
    let mut arguments = vec![
        option("base", &request.base),
        option("batch-size", hyperparameters.batch_size.to_string()),
        option("accumulation", hyperparameters.accumulation.to_string()),
        option("max-length", hyperparameters.max_length.to_string()),
        option("weight-decay", hyperparameters.weight_decay.to_string()),
        option("max-gradient-norm", hyperparameters.max_gradient_norm.to_string()),
        option("seed", hyperparameters.seed.to_string()),
        option("log-every", hyperparameters.log_every.to_string()),
        option("split-seed", request.split.seed.to_string()),
        option("train", request.split.train.to_string()),
        option("validation", request.split.validation.to_string()),
        option("device", value_name(&request.device)),
    ];
    if request.cleaning.keep_title_only {
        arguments.push("--keep-title-only".into());
    }
    if let Some(precision) = &request.precision {
        arguments.push(option("precision", value_name(precision)));
    }
    if let Some(threads) = request.threads {
        arguments.push(option("threads", threads.to_string()));
    }
    arguments
}

fn option(name: &str, value: impl Into<OsString>) -> OsString {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value.into());
    argument
}

fn value_name(value: &impl ValueEnum) -> String {
    // Only a skipped variant has no name, and none of these enums skips one.
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The request with paths that mean the same in every folder.
pub(super) fn absolute_request(request: &TrainRequest) -> Result<TrainRequest, RunError> {
    let mut request = request.clone();
    request.dataset = absolute(&request.dataset)?;
    if Path::new(&request.base).is_dir()
        && request.base != "bundled"
        && let Some(base) = absolute(Path::new(&request.base))?.to_str()
    {
        base.clone_into(&mut request.base);
    }
    Ok(request)
}

/// The path from the root, symbolic links as they are.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, RunError> {
    std::path::absolute(path).map_err(|source| RunError::File { path: path.to_owned(), source })
}

fn launch(folder: RunFolder, arguments: &[OsString]) -> Result<RunProcess, RunError> {
    let cannot_use = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::File { path, source }
    };
    std::fs::create_dir_all(folder.path()).map_err(cannot_use(folder.path()))?;
    let log = File::options().create(true).append(true).open(folder.log()).map_err(cannot_use(&folder.log()))?;
    let errors = log.try_clone().map_err(cannot_use(&folder.log()))?;
    let program = match std::env::var_os(PROGRAM_VARIABLE) {
        Some(program) => PathBuf::from(program),
        None => std::env::current_exe().map_err(cannot_use(Path::new("the running program")))?,
    };
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stdout(log).stderr(errors);
    detach(&mut command);
    let child = command.spawn().map_err(|source| RunError::Launch { program, source })?;
    Ok(RunProcess { folder, child })
}

/// In a process group of its own the child does not get the signals that a closing terminal sends to ours.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Without our console and in a process group of its own the child does not get what a closing console sends.
#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

fn last_line(path: &Path) -> Option<String> {
    let text = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::settings::tests::sample;

    #[test]
    fn paths_become_absolute_and_hub_ids_stay() {
        let mut request = sample().request;
        request.dataset = PathBuf::from("pairs.jsonl");
        request.base = "src".to_owned();
        let absolute = absolute_request(&request).unwrap();
        assert!(absolute.dataset.is_absolute());
        assert!(Path::new(&absolute.base).is_absolute());
        for base in ["bundled", "allenai/scibert_scivocab_uncased"] {
            request.base = base.to_owned();
            assert_eq!(absolute_request(&request).unwrap().base, base);
        }
    }

    #[test]
    fn the_last_line_of_a_log_is_found() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("citelink.log");
        assert_eq!(last_line(&path), None);
        std::fs::write(&path, "step 1\ncitelink: no space left\n\n").unwrap();
        assert_eq!(last_line(&path).as_deref(), Some("citelink: no space left"));
    }
}
