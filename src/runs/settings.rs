//! `run.json`: what a run is, written first.

use crate::dataset::{Cleaning, SplitSettings};
use crate::model::{DeviceChoice, Precision};
use crate::training::Hyperparameters;
use serde::{Deserialize, Serialize};
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
    #[serde(flatten)]
    pub request: TrainRequest,
    /// Of the dataset's bytes.
    pub dataset_sha256: String,
    /// Where and how the run computes.
    pub device_used: String,
    pub precision_used: Precision,
    pub threads_used: usize,
    /// Program and library versions by name.
    pub versions: std::collections::BTreeMap<String, String>,
    /// Rows, papers and labels of each part and the class weights, for readers.
    pub parts: serde_json::Value,
}
