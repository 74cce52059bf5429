//! `run.json`: what a run is, written first.

use super::{RunError, RunFolder};
use crate::dataset::{Cleaning, Split, SplitSettings};
use crate::files::write_atomically;
use crate::model::{DeviceChoice, Precision};
use crate::training::Hyperparameters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What `citelink train` is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainRequest {
    pub dataset: PathBuf,
    /// As the user named it: a folder, a hub id or `bundled`.
    pub base: String,
    pub hyperparameters: Hyperparameters,
    pub split: SplitSettings,
    pub cleaning: Cleaning,
    pub device: DeviceChoice,
    /// None: the device's default.
    pub precision: Option<Precision>,
    /// None: all cores.
    pub threads: Option<usize>,
}

/// The contents of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// When the run was made.
    pub created: jiff::Timestamp,
    #[serde(flatten)]
    pub request: TrainRequest,
    /// Of the dataset's bytes.
    pub dataset_sha256: String,
    /// Where and how the run computes.
    pub device_used: String,
    pub precision_used: Precision,
    pub threads_used: usize,
    /// Program and library versions by name.
    pub versions: BTreeMap<String, String>,
    /// Rows, papers and labels of each part and the class weights, for readers.
    pub parts: serde_json::Value,
}

impl RunSettings {
    /// Reads a run's `run.json`.
    ///
    /// # Errors
    /// [`RunError::NoRun`], [`RunError::File`], [`RunError::Malformed`].
    pub fn read(folder: &RunFolder) -> Result<Self, RunError> {
        let path = folder.settings();
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
                return Err(RunError::NoRun { path: folder.path().to_owned() });
            }
            Err(source) => return Err(RunError::File { path, source }),
        };
        serde_json::from_slice(&json).map_err(|reason| RunError::Malformed { path, reason: reason.to_string() })
    }

    /// Writes the run's `run.json` atomically.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub(super) fn write(&self, folder: &RunFolder) -> Result<(), RunError> {
        let path = folder.settings();
        write_atomically(&path, |file| Ok(serde_json::to_writer_pretty(file, self)?))
            .map_err(|source| RunError::File { path, source })
    }
}

/// The program, the libraries that figures depend on, and the platform.
pub(super) fn versions() -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([
        ("citelink".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("platform".to_owned(), format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)),
    ]);
    // The lock file is what the program was built from, so this list cannot go stale.
    let mut name = "";
    for line in include_str!("../../Cargo.lock").lines() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = value.trim_matches('"');
        } else if let Some(value) = line.strip_prefix("version = ")
            && ["candle-core", "gemm", "safetensors", "tokenizers"].contains(&name)
        {
            versions.insert(name.to_owned(), value.trim_matches('"').to_owned());
        }
    }
    versions
}

/// Rows, papers and labels of each part and the class weights.
pub(super) fn parts(split: &Split) -> serde_json::Value {
    let part = |part: &crate::dataset::Part| {
        serde_json::json!({
            "papers": part.papers.len(),
            "rows": part.rows.len(),
            "labels": {"0": part.labels[0], "1": part.labels[1]},
        })
    };
    serde_json::json!({
        "train": part(&split.train),
        "validation": part(&split.validation),
        "test": part(&split.test),
        "class_weights": {"0": split.class_weights[0], "1": split.class_weights[1]},
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Settings for tests of what reads them.
    pub(in crate::runs) fn sample() -> RunSettings {
        RunSettings {
            created: "2026-11-23T10:15:00Z".parse().unwrap(),
            request: TrainRequest {
                dataset: PathBuf::from("/data/pairs.jsonl"),
                base: "bundled".to_owned(),
                hyperparameters: Hyperparameters::default(),
                split: SplitSettings::default(),
                cleaning: Cleaning::default(),
                device: DeviceChoice::Auto,
                precision: None,
                threads: None,
            },
            dataset_sha256: "0".repeat(64),
            device_used: "cpu".to_owned(),
            precision_used: Precision::F32,
            threads_used: 2,
            versions: versions(),
            parts: serde_json::json!({}),
        }
    }

    #[test]
    fn settings_read_back() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        assert!(matches!(RunSettings::read(&folder), Err(RunError::NoRun { .. })));
        sample().write(&folder).unwrap();
        assert_eq!(RunSettings::read(&folder).unwrap(), sample());
        std::fs::write(folder.settings(), "{\"dataset\": 1}").unwrap();
        assert!(matches!(RunSettings::read(&folder), Err(RunError::Malformed { .. })));
    }

    #[test]
    fn versions_name_the_libraries() {
        let versions = versions();
        assert!(versions["candle-core"].starts_with("0.11"));
        assert!(versions.contains_key("tokenizers"));
    }
}
