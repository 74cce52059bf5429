//! `citelink grid`

use super::output::print_json;
use super::training::{TrainingArguments, TrainingOutput, stop_on_signals};
use crate::runs::{GridAxes, GridNews, GridRow, default_runs_folder, grid_aloud};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    training: TrainingArguments,
    /// The folder that gets a run folder a combination [default: the data folder's runs].
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// Learning rates, separated by commas.
    #[arg(long, value_name = "RATES", value_delimiter = ',', default_values_t = [1e-5, 2e-5, 3e-5])]
    learning_rates: Vec<f64>,
    /// Numbers of epochs, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [3, 4])]
    epochs: Vec<usize>,
    /// The threshold at which the runs are compared on validation.
    #[arg(long, default_value_t = 0.25)]
    threshold: f64,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    arguments.training.use_threads();
    stop_on_signals()?;
    let axes = arguments.axes();
    // The axes take the place of these two.
    let defaults = crate::training::Hyperparameters::default();
    let request = arguments.training.request(defaults.learning_rate, defaults.epochs);
    let runs = arguments.runs.clone().unwrap_or_else(default_runs_folder);
    let output = TrainingOutput::new();
    let rows = grid_aloud(&request, &axes, &runs, &output, &mut |news| match news {
        GridNews::Run { number, of, folder } => {
            output.line(&format!("run {number} of {of}: {}", folder.path().display()));
        }
        GridNews::Event(event) => output.event(event),
    })?;
    if arguments.json { print_json(&rows) } else { print_table(&rows, axes.threshold) }
}

impl Arguments {
    fn axes(&self) -> GridAxes {
        GridAxes { learning_rates: self.learning_rates.clone(), epochs: self.epochs.clone(), threshold: self.threshold }
    }
}

fn print_table(rows: &[GridRow], threshold: f64) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "on validation at threshold {threshold}, best F1 first")?;
    writeln!(out, "learning rate  epochs  accuracy  precision  recall     F1  run")?;
    for row in rows {
        let name = Path::new(&row.run).file_name().unwrap_or_default().to_string_lossy();
        writeln!(
            out,
            "{:>13}  {:>6}  {:>8.3}  {:>9.3}  {:>6.3}  {:>5.3}  {name}",
            format!("{:e}", row.learning_rate),
            row.num_epochs,
            row.val_accuracy_t,
            row.val_precision_t,
            row.val_recall_t,
            row.val_f1_t,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::grid_arguments;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Grid(Arguments),
    }

    #[test]
    fn a_grid_travels_through_the_command_line() {
        let line = ["citelink", "grid", "/data/pairs.jsonl", "--base", "bundled", "--seed", "7", "--precision", "f32"];
        let Command::Grid(plain) = Program::try_parse_from(line).unwrap().command;
        let request = plain.training.request(2e-5, 5);
        let axes = GridAxes { learning_rates: vec![1e-5, 0.1 + 0.2], epochs: vec![2], threshold: 1.0 / 3.0 };
        let line = [std::ffi::OsString::from("citelink")].into_iter().chain(grid_arguments(
            &request,
            &axes,
            Path::new("/runs"),
        ));
        let Command::Grid(parsed) = Program::try_parse_from(line).unwrap().command;
        assert_eq!(parsed.axes(), axes);
        assert_eq!(parsed.training.request(2e-5, 5), request);
        assert_eq!(parsed.runs.as_deref(), Some(Path::new("/runs")));
    }
}
