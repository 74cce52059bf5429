//! Making a fresh base model from text.

use super::{BertConfig, ModelError, SavedModel, Weights};
use crate::pairs::{PairTokenizer, TokenizerError, VocabularySettings, learn_vocabulary};
use crate::progress::Progress;
use std::path::{Path, PathBuf};

/// The shape of the model to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateSettings {
    /// Entries of the vocabulary at most.
    pub vocabulary: usize,
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub intermediate: usize,
    pub seed: u64,
}

impl Default for CreateSettings {
    fn default() -> Self {
        Self { vocabulary: 8192, layers: 4, hidden: 256, heads: 4, intermediate: 1024, seed: 42 }
    }
}

/// A vocabulary learned from the text files and random weights in which equal words find each other, with pooler and
/// classifier (progress in bytes read).
///
/// # Errors
/// See [`ModelError`].
pub fn create_model(
    files: &[PathBuf],
    settings: CreateSettings,
    progress: &dyn Progress,
) -> Result<SavedModel, ModelError> {
    // The shape is checked before minutes are spent on the text.
    let shape = Path::new("the new model");
    let mut config = config(settings);
    BertConfig::from_json(config.to_json().to_string().as_bytes(), shape)?;

    let vocabulary =
        learn_vocabulary(files, VocabularySettings { size: settings.vocabulary }, progress).map_err(|failure| {
            match failure {
                TokenizerError::Cancelled => ModelError::Cancelled,
                other => ModelError::Tokenizer(other),
            }
        })?;
    let tokenizer = PairTokenizer::from_vocabulary(&vocabulary, true, shape)?;
    config.vocab_size = vocabulary.len();
    let weights = Weights::matching(&config, settings.seed);
    Ok(SavedModel { name: "new".to_owned(), config, weights, tokenizer, inference: None })
}

fn config(settings: CreateSettings) -> BertConfig {
    BertConfig {
        vocab_size: settings.vocabulary,
        hidden_size: settings.hidden,
        num_hidden_layers: settings.layers,
        num_attention_heads: settings.heads,
        intermediate_size: settings.intermediate,
        ..BertConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;

    #[test]
    fn a_new_model_is_saved_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.txt");
        std::fs::write(&text, "Graph neural networks learn from graphs. Neural networks learn well.\n".repeat(3))
            .unwrap();
        let settings = CreateSettings { vocabulary: 64, layers: 1, hidden: 8, heads: 2, intermediate: 16, seed: 7 };
        let model = create_model(&[text], settings, &Unwatched).unwrap();
        let out = folder.path().join("model");
        model.save(&out).unwrap();
        let mut opened = SavedModel::open(&out).unwrap();
        assert_eq!(opened.config.vocab_size, model.config.vocab_size);
        assert_eq!(opened.tokenizer.vocabulary_size(), model.config.vocab_size);
        let before = opened.weights.tensors.len();
        opened.weights.complete(&opened.config, 1, &out).unwrap();
        assert_eq!(opened.weights.tensors.len(), before);
        for (name, tensor) in &model.weights.tensors {
            let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(tensor), values(&opened.weights.tensors[name]), "{name}");
        }
    }

    #[test]
    fn a_shape_that_cannot_be_is_refused_before_the_text_is_read() {
        let settings = CreateSettings { hidden: 10, heads: 4, ..CreateSettings::default() };
        let failure = create_model(&[PathBuf::from("/nowhere")], settings, &Unwatched).unwrap_err();
        assert!(failure.to_string().contains("hidden_size 10"), "{failure}");
    }
}
