//! Scoring pairs with a model.

use super::{RankedCandidates, Reference};
use crate::model::{Compute, ModelError, SavedModel};
use crate::progress::Progress;

/// One scored pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub logits: [f32; 2],
    /// Of class 1.
    pub probability: f64,
    /// The sentence was cut.
    pub sentence_cut: bool,
    /// How many tokens of the reference did not fit.
    pub reference_tokens_cut: usize,
}

/// Why pairs could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("the sentence is empty: type or paste the sentence to check")]
    EmptySentence,
    #[error("candidate {number} is empty: give it a title or a text")]
    EmptyCandidate { number: usize },
    #[error("cancelled")]
    Cancelled,
}

/// A model ready to score.
#[derive(Debug)]
pub struct Scorer {
    threshold: f64,
    max_length: usize,
}

impl Scorer {
    /// Puts the model on the device (f32 weights stay as they are in `model`).
    ///
    /// # Errors
    /// [`CheckError::Model`].
    pub fn new(model: &SavedModel, compute: &Compute) -> Result<Self, CheckError> {
        let _ = (model, compute);
        todo!()
    }

    /// Scores (sentence, reference block) pairs, in order; batches are made by length. Progress in pairs.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn score<S: AsRef<str> + Sync, R: AsRef<str> + Sync>(
        &self,
        pairs: &[(S, R)],
        progress: &dyn Progress,
    ) -> Result<Vec<Scored>, CheckError> {
        let _ = (pairs, progress);
        todo!()
    }

    /// Scores one sentence against its candidates and ranks them.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn check(
        &self,
        sentence: &str,
        candidates: &[Reference],
        progress: &dyn Progress,
    ) -> Result<RankedCandidates, CheckError> {
        let _ = (sentence, candidates, progress);
        todo!()
    }

    /// The model's decision threshold.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Tokens a pair at most.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.max_length
    }
}
