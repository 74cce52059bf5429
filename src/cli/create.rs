//! `citelink create`

use super::output::TerminalProgress;
use crate::model::{CreateSettings, create_model};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Plain text to learn the vocabulary from; .gz is read.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    text: Vec<PathBuf>,
    /// Folder to write the model to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Entries of the vocabulary at most, special tokens included.
    #[arg(long, default_value_t = CreateSettings::default().vocabulary)]
    vocabulary: usize,
    /// Transformer layers.
    #[arg(long, default_value_t = CreateSettings::default().layers)]
    layers: usize,
    /// Width of a token's vector.
    #[arg(long, default_value_t = CreateSettings::default().hidden)]
    hidden: usize,
    /// Attention heads; they share out the width.
    #[arg(long, default_value_t = CreateSettings::default().heads)]
    heads: usize,
    /// Width of the feed-forward layers.
    #[arg(long, default_value_t = CreateSettings::default().intermediate)]
    intermediate: usize,
    /// Seed of the random weights.
    #[arg(long, default_value_t = CreateSettings::default().seed)]
    seed: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    refuse_foreign_folder(&arguments.out)?;
    let settings = CreateSettings {
        vocabulary: arguments.vocabulary,
        layers: arguments.layers,
        hidden: arguments.hidden,
        heads: arguments.heads,
        intermediate: arguments.intermediate,
        seed: arguments.seed,
    };
    let model = create_model(&arguments.text, settings, &TerminalProgress::new("bytes of text read"))?;
    model.save(&arguments.out)?;
    eprintln!(
        "made {} with {} vocabulary entries and {} parameters",
        arguments.out.display(),
        model.config.vocab_size,
        model.weights.tensors.values().map(candle_core::Tensor::elem_count).sum::<usize>(),
    );
    Ok(())
}

/// A folder with anything but a model in it is somebody's, and stays as it is.
fn refuse_foreign_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() || folder.join("config.json").is_file() {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(folder).with_context(|| format!("cannot use {}", folder.display()))?;
    if entries.next().is_some() {
        bail!("{} is not empty and holds no model; name a new folder with --out", folder.display());
    }
    Ok(())
}
