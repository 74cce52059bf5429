//! `citelink sweep`

use super::output::{print_json, print_text};
use crate::evaluation::{Sweep, linspace, read_predictions};
use std::fmt::Write;
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A CSV file with columns named label and probability.
    #[arg(value_name = "PREDICTIONS.csv")]
    predictions: PathBuf,
    /// The lowest threshold.
    #[arg(long, default_value_t = 0.1, value_parser = finite)]
    from: f64,
    /// The highest threshold.
    #[arg(long, default_value_t = 0.9, value_parser = finite)]
    to: f64,
    /// How many thresholds.
    #[arg(long, default_value_t = 33, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    points: u32,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "expected a number".to_owned())
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (labels, probabilities) = read_predictions(&arguments.predictions)?;
    let thresholds = linspace(arguments.from, arguments.to, arguments.points as usize);
    let sweep = Sweep::over(&labels, &probabilities, &thresholds);
    if arguments.json {
        return print_json(&sweep);
    }
    let mut table = "threshold  accuracy  precision  recall  F1\n".to_owned();
    for point in &sweep.points {
        let metrics = point.metrics;
        writeln!(
            table,
            "{:<9.4}  {:<8.3}  {:<9.3}  {:<6.3}  {:.3}{}",
            point.threshold,
            metrics.accuracy,
            metrics.precision,
            metrics.recall,
            metrics.f1,
            if *point == sweep.best { "  best" } else { "" }
        )?;
    }
    print_text(&table)
}
