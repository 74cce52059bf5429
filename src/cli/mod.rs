//! The headless commands, one file each; without one, the window opens.
//!
//! Exit status: 0 done, 1 failed (one line saying what and what to do), 2 wrong usage. With `--json` one JSON document
//! goes to standard output and nothing else; progress goes to standard error.

mod bench;
mod check;
mod compute;
mod create;
mod eda;
mod evaluate;
mod grid;
mod output;
mod resume;
mod score;
mod split;
mod sweep;
mod train;
mod training;

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Does this sentence cite that paper? Without a command, the window opens.
#[derive(Debug, Parser)]
#[command(name = "citelink", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Open the window with a dataset, a saved model or a run folder.
    paths: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Describe a dataset.
    Eda(eda::Arguments),
    /// Split a dataset by paper.
    Split(split::Arguments),
    /// Make a fresh base model from text.
    Create(create::Arguments),
    /// Fine-tune a model.
    Train(train::Arguments),
    /// Go on with a run that was stopped or killed.
    Resume(resume::Arguments),
    /// Train every combination of learning rates and epochs.
    Grid(grid::Arguments),
    /// Compare thresholds on a predictions file.
    Sweep(sweep::Arguments),
    /// Score pairs from a file.
    Score(score::Arguments),
    /// Measure a model on a labelled dataset.
    Evaluate(evaluate::Arguments),
    /// Rank candidate references for one sentence.
    Check(check::Arguments),
    /// Measure the engine's speed.
    Bench(bench::Arguments),
}

/// Runs the program on its command line.
#[must_use]
pub fn run() -> ExitCode {
    crate::app::timing::entered();
    show_events();
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => crate::app::run(&arguments.paths),
        Some(Command::Eda(arguments)) => eda::run(&arguments),
        Some(Command::Split(arguments)) => split::run(&arguments),
        Some(Command::Create(arguments)) => create::run(&arguments),
        Some(Command::Train(arguments)) => train::run(&arguments),
        Some(Command::Resume(arguments)) => resume::run(&arguments),
        Some(Command::Grid(arguments)) => grid::run(&arguments),
        Some(Command::Sweep(arguments)) => sweep::run(&arguments),
        Some(Command::Score(arguments)) => score::run(&arguments),
        Some(Command::Evaluate(arguments)) => evaluate::run(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("citelink: {}", output::in_one_line(&failure));
            ExitCode::FAILURE
        }
    }
}

/// Writes what goes wrong without ending anything to standard error; `RUST_LOG` asks for more or less.
fn show_events() {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,citelink=warn"));
    let shown = tracing_subscriber::fmt()
        .with_env_filter(wanted)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // Whoever uses the library and has chosen where events go keeps that.
    drop(shown);
}
