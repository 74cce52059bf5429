//! `citelink check`

use super::compute::ComputeArguments;
use super::output::{TerminalProgress, print_json, print_text};
use crate::checking::{Scorer, read_references};
use crate::model::ModelSource;
use crate::progress::Unwatched;
use std::path::PathBuf;

/// The command's options.
#[derive(Debug, clap::Args)]
#[allow(clippy::doc_markdown, reason = "the comments on fields are the help on the terminal")]
pub struct Arguments {
    /// A model folder, a hub id, or bundled.
    #[arg(long)]
    model: String,
    /// The sentence that may cite.
    #[arg(long)]
    sentence: String,
    /// Candidate references: JSON lines with ref_paper_title, ref_paper_authors and ref_paper_text.
    #[arg(long, value_name = "FILE.jsonl")]
    references: PathBuf,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let compute = arguments.compute.choose()?;
    let references = read_references(&arguments.references)?;
    let model = ModelSource::parse(&arguments.model).load(&TerminalProgress::new("bytes downloaded"))?;
    let scorer = Scorer::new(&model, &compute)?;
    let ranked = scorer.check(&arguments.sentence, &references, &Unwatched)?;
    if arguments.json { print_json(&ranked) } else { print_text(&ranked.to_text()) }
}
