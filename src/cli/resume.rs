//! `citelink resume`

use super::training::{TrainingOutput, print_end, stop_on_signals};
use crate::model::set_threads;
use crate::runs::{RunFolder, RunSettings, resume_aloud};
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = RunFolder::at(&arguments.run);
    // As many threads as the run began with, so that it ends with the same weights.
    set_threads(Some(RunSettings::read(&folder)?.threads_used));
    stop_on_signals()?;
    let output = TrainingOutput::new();
    let outcome = resume_aloud(&folder, &output, &mut |event| output.event(event))?;
    print_end(&folder, outcome)
}
