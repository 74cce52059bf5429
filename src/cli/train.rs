//! `citelink train`

use super::training::{TrainingArguments, TrainingOutput, print_end, stop_on_signals};
use crate::runs::{RunFolder, default_runs_folder, new_run_name, train_aloud};
use crate::training::Hyperparameters;
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    training: TrainingArguments,
    /// The run folder to make [default: one in the data folder, named after the time and the base model].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Highest learning rate, from which it falls to zero.
    #[arg(long, default_value_t = Hyperparameters::default().learning_rate)]
    learning_rate: f64,
    /// Times that the training part is gone through.
    #[arg(long, default_value_t = Hyperparameters::default().epochs)]
    epochs: usize,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    arguments.training.use_threads();
    stop_on_signals()?;
    let request = arguments.training.request(arguments.learning_rate, arguments.epochs);
    let new_folder = || default_runs_folder().join(new_run_name(&arguments.training.base));
    let folder = RunFolder::at(arguments.run.clone().unwrap_or_else(new_folder));
    let output = TrainingOutput::new();
    let outcome = train_aloud(&request, &folder, &output, &mut |event| output.event(event))?;
    print_end(&folder, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Cleaning, SplitSettings};
    use crate::model::{DeviceChoice, Precision};
    use crate::runs::{TrainRequest, train_arguments};
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Train(Arguments),
    }

    fn parse(request: &TrainRequest, folder: &RunFolder) -> Arguments {
        let line = [std::ffi::OsString::from("citelink")].into_iter().chain(train_arguments(request, folder));
        let Command::Train(arguments) = Program::try_parse_from(line).unwrap().command;
        arguments
    }

    #[test]
    fn a_request_travels_through_the_command_line() {
        let plain = TrainRequest {
            dataset: PathBuf::from("/data/with space.jsonl"),
            base: "allenai/scibert_scivocab_uncased".to_owned(),
            hyperparameters: Hyperparameters::default(),
            split: SplitSettings::default(),
            cleaning: Cleaning::default(),
            device: DeviceChoice::Auto,
            precision: None,
            threads: None,
        };
        let other = TrainRequest {
            dataset: PathBuf::from("/data/=odd.jsonl"),
            base: "-odd=base".to_owned(),
            hyperparameters: Hyperparameters {
                learning_rate: 1.0 / 3.0,
                epochs: 3,
                batch_size: 16,
                accumulation: 2,
                max_length: 128,
                weight_decay: 0.1 + 0.2,
                max_gradient_norm: 0.5,
                seed: u64::MAX,
                log_every: 10,
            },
            split: SplitSettings { seed: 7, train: 0.6, validation: 0.2 },
            cleaning: Cleaning { keep_title_only: true },
            device: DeviceChoice::Cuda,
            precision: Some(Precision::Bf16),
            threads: Some(3),
        };
        for request in [plain, other] {
            let folder = RunFolder::at("/runs/a run");
            let arguments = parse(&request, &folder);
            assert_eq!(arguments.training.request(arguments.learning_rate, arguments.epochs), request);
            assert_eq!(arguments.run.as_deref(), Some(folder.path()));
        }
    }
}
