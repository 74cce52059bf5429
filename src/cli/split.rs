//! `citelink split`

use super::output::{TerminalProgress, print_json, print_table, thousands};
use crate::dataset::{Cleaning, Dataset, Split, SplitSettings, clean};
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The dataset: JSON lines, plain or gzip-packed.
    data: PathBuf,
    /// Seed of the shuffle, as NumPy's `RandomState` takes it.
    #[arg(long, default_value_t = 42)]
    seed: u32,
    /// Fraction of the papers for training.
    #[arg(long, default_value_t = 0.70)]
    train: f64,
    /// Fraction of the papers for validation; the rest is for the test.
    #[arg(long, default_value_t = 0.15)]
    validation: f64,
    /// Keep rows whose reference has a title but no text.
    #[arg(long)]
    keep_title_only: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let dataset = Dataset::read(&arguments.data, &TerminalProgress::new("bytes read"))?;
    let kept = clean(&dataset.records, Cleaning { keep_title_only: arguments.keep_title_only });
    let settings = SplitSettings { seed: arguments.seed, train: arguments.train, validation: arguments.validation };
    let split = Split::by_paper(&dataset.records, &kept, settings)?;
    if arguments.json {
        return print_json(&split);
    }
    let mut table = vec![["part", "papers", "rows", "label 0", "label 1"].map(str::to_owned)];
    for (name, part) in split.parts() {
        let numbers = [part.papers.len(), part.rows.len(), part.labels[0], part.labels[1]].map(thousands);
        let [papers, rows, zeros, ones] = numbers;
        table.push([name.to_owned(), papers, rows, zeros, ones]);
    }
    println!(
        "{}: split by paper with seed {}, {} rows after cleaning\n",
        arguments.data.display(),
        arguments.seed,
        thousands(kept.len())
    );
    print_table(&table);
    let [zero, one] = split.class_weights;
    println!("\nClass weights of the train part: {zero:.4} for label 0, {one:.4} for label 1");
    if let Err(reason) = split.check_trainable() {
        println!("This split cannot be trained on: {reason}");
    }
    Ok(())
}
