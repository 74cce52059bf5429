//! `citelink evaluate`

use super::compute::ComputeArguments;
use super::output::{TerminalProgress, print_json, print_text};
use crate::checking::{Scorer, evaluate};
use crate::dataset::{Cleaning, Dataset};
use crate::model::ModelSource;
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The labelled dataset.
    data: PathBuf,
    /// A model folder, a hub id, or bundled.
    #[arg(long)]
    model: String,
    /// The decision threshold, from 0 to 1: the model's own unless given.
    #[arg(long, value_parser = probability)]
    threshold: Option<f64>,
    /// Keep rows that have a title but no text.
    #[arg(long)]
    keep_title_only: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: ComputeArguments,
}

fn probability(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|threshold| (0.0..=1.0).contains(threshold))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let compute = arguments.compute.choose()?;
    let dataset = Dataset::read(&arguments.data, &TerminalProgress::new("bytes read"))?;
    let model = ModelSource::parse(&arguments.model).load(&TerminalProgress::new("bytes downloaded"))?;
    let scorer = Scorer::new(&model, &compute)?;
    let cleaning = Cleaning { keep_title_only: arguments.keep_title_only };
    let progress = TerminalProgress::new("rows scored");
    let report = evaluate(&dataset, cleaning, &scorer, arguments.threshold, &progress)?;
    if arguments.json { print_json(&report) } else { print_text(&report.to_string()) }
}
