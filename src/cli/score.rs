//! `citelink score`

use super::compute::ComputeArguments;
use super::output::{TerminalProgress, print_text};
use crate::checking::{Scorer, score_file};
use crate::model::ModelSource;
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
#[allow(clippy::doc_markdown, reason = "the comments on fields are the help on the terminal")]
pub struct Arguments {
    /// Pairs to score: JSON lines with sentence, ref_paper_title, ref_paper_authors and ref_paper_text.
    #[arg(value_name = "PAIRS.jsonl")]
    pairs: PathBuf,
    /// A model folder, a hub id, or bundled.
    #[arg(long)]
    model: String,
    /// Where to write the lines with their probability and predicted label.
    #[arg(long, value_name = "FILE.jsonl")]
    out: PathBuf,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let compute = arguments.compute.choose()?;
    let model = ModelSource::parse(&arguments.model).load(&TerminalProgress::new("bytes downloaded"))?;
    let scorer = Scorer::new(&model, &compute)?;
    let scored = score_file(&arguments.pairs, &scorer, &arguments.out, &TerminalProgress::new("bytes read"))?;
    print_text(&format!(
        "{} rows scored, {} called a citation at threshold {}; {} did not fit the model's {} tokens; written to {}",
        scored.rows,
        scored.citations,
        scorer.threshold(),
        scored.truncated,
        scorer.max_length(),
        arguments.out.display()
    ))
}
