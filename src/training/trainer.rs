//! The training loop.

use super::{Hyperparameters, Observer, ObserverError};
use crate::model::{CrossEncoder, ModelError};
use crate::pairs::EncodedPair;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Encoded rows with their labels (0 or 1).
#[derive(Debug, Clone, Default)]
pub struct Examples {
    pub pairs: Vec<EncodedPair>,
    pub labels: Vec<u8>,
}

/// Everything needed to go on bit for bit: tensors (parameters, both moments, by prefixed name, f32 on the processor)
/// and the position.
#[derive(Debug, Clone)]
pub struct TrainerState {
    pub tensors: BTreeMap<String, Tensor>,
    /// JSON of the position, losses since the last log and the best validation loss.
    pub position: serde_json::Value,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Finished,
    Stopped,
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the loss became {loss} at step {step}: lower the learning rate")]
    Diverged { step: u64, loss: f64 },
    #[error("the checkpoint does not fit this run: {0}")]
    State(String),
    #[error(transparent)]
    Observer(ObserverError),
}

/// A model being fine-tuned.
#[derive(Debug)]
pub struct Trainer {
    model: CrossEncoder,
}

impl Trainer {
    /// Sets up training on `train` with the class weights of its split; `pad_id` fills batches.
    ///
    /// # Errors
    /// [`TrainingError::Model`].
    pub fn new(
        model: CrossEncoder,
        hyperparameters: Hyperparameters,
        class_weights: [f64; 2],
        pad_id: u32,
    ) -> Result<Self, TrainingError> {
        let _ = (hyperparameters, class_weights, pad_id);
        Ok(Self { model })
    }

    /// Takes up where [`state`](Self::state) left off.
    ///
    /// # Errors
    /// [`TrainingError::State`].
    pub fn restore(&mut self, state: &TrainerState) -> Result<(), TrainingError> {
        let _ = state;
        todo!()
    }

    /// The full state.
    ///
    /// # Errors
    /// [`TrainingError::Model`].
    pub fn state(&self) -> Result<TrainerState, TrainingError> {
        todo!()
    }

    /// Trains until the last epoch is evaluated or the observer stops it.
    ///
    /// # Errors
    /// See [`TrainingError`].
    pub fn fit(
        &mut self,
        train: &Examples,
        validation: &Examples,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, TrainingError> {
        let _ = (train, validation, observer);
        todo!()
    }

    /// Optimizer steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        todo!()
    }

    /// Optimizer steps of the whole training.
    #[must_use]
    pub fn total_steps(&self, train_examples: usize) -> u64 {
        let _ = train_examples;
        todo!()
    }

    /// The model as it stands.
    #[must_use]
    pub fn model(&self) -> &CrossEncoder {
        &self.model
    }
}
