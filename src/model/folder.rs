//! A model with its tokenizer, as a Hugging Face folder.

use super::inference_config::INFERENCE_CONFIG;
use super::{BertConfig, InferenceConfig, ModelError, Weights, bundled, classes};
use crate::files::write_atomically;
use crate::pairs::PairTokenizer;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Files that may hold the weights, the best first.
const WEIGHT_FILES: [&str; 3] = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"];

/// Everything a model folder holds.
#[derive(Debug, Clone)]
pub struct SavedModel {
    /// The folder's path, the hub id, or `bundled`.
    pub name: String,
    pub config: BertConfig,
    /// As they stand in the file; [`Weights::complete`] fills in what a base model lacks.
    pub weights: Weights,
    pub tokenizer: PairTokenizer,
    /// None for a base model.
    pub inference: Option<InferenceConfig>,
}

impl SavedModel {
    /// Opens a folder that Hugging Face, the notebook or this program wrote. A classifier whose files name the citation as
    /// class 0 is turned round, so that class 1 is the citation in every model.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let json = std::fs::read(&path).map_err(|source| missing_config(folder, &path, source))?;
        let config = BertConfig::from_json(&json, &path)?;
        let tokenizer = PairTokenizer::open(folder)?;
        check_vocabulary(&tokenizer, &config, folder)?;
        let weights = Weights::open(&weights_file(folder)?)?;
        let inference = InferenceConfig::read(folder)?;
        let mut model = Self { name: folder.display().to_string(), config, weights, tokenizer, inference };
        classes::put_in_order(&mut model, folder)?;
        Ok(model)
    }

    /// The model embedded in the program.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn bundled() -> Result<Self, ModelError> {
        bundled::open()
    }

    /// Writes the folder so that `AutoModelForSequenceClassification` and `AutoTokenizer` open it; each file is
    /// replaced atomically.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        std::fs::create_dir_all(folder).map_err(|source| ModelError::File { path: folder.to_owned(), source })?;
        self.tokenizer.save(folder)?;
        match &self.inference {
            Some(inference) => inference.write(folder)?,
            None => remove_if_there(&folder.join(INFERENCE_CONFIG))?,
        }
        self.weights.save(&folder.join("model.safetensors"))?;
        // Last, because a folder without it is no model: one that was half written is not taken for a whole one.
        let path = folder.join("config.json");
        let config = self.config.to_json();
        write_atomically(&path, |file| writeln!(file, "{config:#}")).map_err(|source| ModelError::File { path, source })
    }

    /// The threshold saved with the model, or 0.5.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.inference.as_ref().map_or(0.5, |inference| inference.threshold)
    }

    /// The input length saved with the model, or the most its positions allow.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.inference
            .as_ref()
            .map_or(self.config.max_position_embeddings, |inference| inference.max_length)
            .min(self.config.max_position_embeddings)
    }
}

/// Every token that the tokenizer can give must have an embedding.
pub(super) fn check_vocabulary(
    tokenizer: &PairTokenizer,
    config: &BertConfig,
    origin: &Path,
) -> Result<(), ModelError> {
    let size = tokenizer.vocabulary_size();
    if size <= config.vocab_size {
        return Ok(());
    }
    Err(ModelError::Malformed {
        path: origin.to_owned(),
        reason: format!(
            "its tokenizer has {size} tokens but config.json says vocab_size {}; tokenizer and model do not belong \
             together",
            config.vocab_size
        ),
    })
}

/// The file with the weights.
fn weights_file(folder: &Path) -> Result<PathBuf, ModelError> {
    WEIGHT_FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| ModelError::File {
        path: folder.to_owned(),
        source: std::io::Error::new(
            ErrorKind::NotFound,
            "it holds no weights: neither model.safetensors nor pytorch_model.bin",
        ),
    })
}

/// Why there is no model in the folder, with the way to one that is near.
fn missing_config(folder: &Path, path: &Path, source: std::io::Error) -> ModelError {
    if source.kind() != ErrorKind::NotFound {
        return ModelError::File { path: path.to_owned(), source };
    }
    let best = folder.join("best");
    let reason = if best.join("config.json").is_file() {
        format!("it is no model folder; the model of this run is {}", best.display())
    } else if folder.is_dir() {
        "it is no model folder: it has no config.json".to_owned()
    } else {
        "there is no such folder; name a model folder, a model of the hub such as allenai/scibert_scivocab_uncased, or \
         bundled"
            .to_owned()
    };
    ModelError::File { path: folder.to_owned(), source: std::io::Error::new(ErrorKind::NotFound, reason) }
}

fn remove_if_there(path: &Path) -> Result<(), ModelError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(ModelError::File { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}
