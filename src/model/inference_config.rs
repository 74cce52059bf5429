//! The notebook's `inference_config.json`.

use super::ModelError;
use crate::files::write_atomically;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The file's name in a model folder.
pub(super) const INFERENCE_CONFIG: &str = "inference_config.json";

/// What scoring needs beside the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InferenceConfig {
    /// A row is a citation when its probability is at least this.
    pub threshold: f64,
    /// The base model's name.
    #[serde(default)]
    pub model_name: String,
    /// Tokens a pair at most.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// `{0: NOT_CITATION, 1: CITATION}`; empty where the file does not say.
    #[serde(default)]
    pub id2label: BTreeMap<String, String>,
    /// `{NOT_CITATION: 0, CITATION: 1}`; empty where the file does not say.
    #[serde(default)]
    pub label2id: BTreeMap<String, u32>,
    #[serde(default)]
    pub learning_rate: f64,
    #[serde(default)]
    pub num_epochs: usize,
    #[serde(default)]
    pub batch_size: usize,
}

fn default_max_length() -> usize {
    crate::pairs::MAX_LENGTH
}

/// The classes by number.
pub(super) fn id_to_label() -> BTreeMap<String, String> {
    [("0", "NOT_CITATION"), ("1", "CITATION")].map(|(id, label)| (id.to_owned(), label.to_owned())).into()
}

/// The classes by name.
pub(super) fn label_to_id() -> BTreeMap<String, u32> {
    [("NOT_CITATION", 0), ("CITATION", 1)].map(|(label, id)| (label.to_owned(), id)).into()
}

impl Default for InferenceConfig {
    /// An untrained model's: threshold 0.5, 512 tokens, the two labels.
    fn default() -> Self {
        Self {
            threshold: 0.5,
            model_name: String::new(),
            max_length: default_max_length(),
            id2label: id_to_label(),
            label2id: label_to_id(),
            learning_rate: 0.0,
            num_epochs: 0,
            batch_size: 0,
        }
    }
}

impl InferenceConfig {
    /// Reads a model folder's file; `Ok(None)` where there is none.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::Malformed`].
    pub fn read(folder: &Path) -> Result<Option<Self>, ModelError> {
        let path = folder.join(INFERENCE_CONFIG);
        match std::fs::read(&path) {
            Ok(json) => Self::from_json(&json, &path).map(Some),
            Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ModelError::File { path, source }),
        }
    }

    /// Reads and checks the file's text (`origin` is named in errors).
    ///
    /// # Errors
    /// [`ModelError::Malformed`].
    pub(super) fn from_json(json: &[u8], origin: &Path) -> Result<Self, ModelError> {
        let malformed = |reason: String| ModelError::Malformed { path: origin.to_owned(), reason };
        let config: Self = serde_json::from_slice(json).map_err(|failure| malformed(failure.to_string()))?;
        if !(0.0..=1.0).contains(&config.threshold) {
            return Err(malformed(format!("its threshold {} is not between 0 and 1", config.threshold)));
        }
        if config.max_length < 8 {
            return Err(malformed(format!("its max_length {} is below 8 tokens", config.max_length)));
        }
        if !matches!(config.id2label.len(), 0 | 2) {
            return Err(malformed(format!("its id2label names {} classes instead of 2", config.id2label.len())));
        }
        Ok(config)
    }

    /// Puts a threshold into a model folder's file and keeps everything else in it, fields that this program does not
    /// know included; a folder without the file gets the default one.
    ///
    /// # Errors
    /// [`ModelError::File`] and [`ModelError::Malformed`], the latter also where the folder is no model.
    pub fn save_threshold(folder: &Path, threshold: f64) -> Result<(), ModelError> {
        let path = folder.join(INFERENCE_CONFIG);
        if !folder.join("config.json").is_file() {
            let reason = "the folder is no saved model: it has no config.json".to_owned();
            return Err(ModelError::Malformed { path: folder.to_owned(), reason });
        }
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(failure) if failure.kind() == ErrorKind::NotFound => {
                return Self { threshold, ..Self::default() }.write(folder);
            }
            Err(source) => return Err(ModelError::File { path, source }),
        };
        let malformed = |reason: String| ModelError::Malformed { path: path.clone(), reason };
        let mut fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&json).map_err(|failure| malformed(failure.to_string()))?;
        fields.insert("threshold".to_owned(), threshold.into());
        write_atomically(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, &fields)?;
            file.write_all(b"\n")
        })
        .map_err(|source| ModelError::File { path: path.clone(), source })
    }

    /// Writes a model folder's file atomically.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(INFERENCE_CONFIG);
        write_atomically(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
        .map_err(|source| ModelError::File { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_a_threshold_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        assert!(InferenceConfig::save_threshold(folder.path(), 0.3).is_err());
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        InferenceConfig::save_threshold(folder.path(), 0.3).unwrap();
        let read = || InferenceConfig::read(folder.path()).unwrap().unwrap();
        assert_eq!(read(), InferenceConfig { threshold: 0.3, ..InferenceConfig::default() });
        let path = folder.path().join(INFERENCE_CONFIG);
        std::fs::write(&path, r#"{"note": [1, 2], "threshold": 0.3, "batch_size": 8}"#).unwrap();
        InferenceConfig::save_threshold(folder.path(), 0.123_456_789_012_345_67).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["note"], serde_json::json!([1, 2]));
        assert_eq!((read().threshold, read().batch_size), (0.123_456_789_012_345_67, 8));
    }
}
