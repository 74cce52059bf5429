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

/// What [`crate::model::SavedModel::save`] writes for a base model.
const OWN_FILES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
];

/// A folder with anything in it but a base model that an earlier `create` made stays as it is: it may hold a model that
/// took days to train.
fn refuse_foreign_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut is_ours = true;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot use {}", folder.display()))? {
        let name = entry.with_context(|| format!("cannot use {}", folder.display()))?.file_name();
        is_ours &= OWN_FILES.iter().any(|own| name == *own);
    }
    // Hugging Face notes its version in every configuration that it writes.
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap_or_default();
    if !is_ours || config.contains("transformers_version") {
        bail!("{} is not empty and holds no model made by create; name a new folder with --out", folder.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_base_model_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        refuse_foreign_folder(&path.join("new")).unwrap();
        refuse_foreign_folder(path).unwrap();
        std::fs::write(path.join("config.json"), "{}").unwrap();
        std::fs::write(path.join("model.safetensors"), "").unwrap();
        refuse_foreign_folder(path).unwrap();
        std::fs::write(path.join("config.json"), r#"{"transformers_version": "5"}"#).unwrap();
        assert!(refuse_foreign_folder(path).is_err(), "Hugging Face's");
        std::fs::write(path.join("config.json"), "{}").unwrap();
        std::fs::write(path.join("inference_config.json"), "{}").unwrap();
        assert!(refuse_foreign_folder(path).is_err(), "a trained model");
    }
}
