//! Scoring pairs with a model.

use super::{RankedCandidates, Reference};
use crate::dataset::{is_empty_text, reference_block};
use crate::evaluation::probability_of;
use crate::model::{Compute, CrossEncoder, ModelError, SavedModel};
use crate::pairs::{Batch, EncodedPair, PairEncoder, by_length};
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
    #[error("{model} is a base model without a classifier: fine-tune it first with citelink train")]
    Untrained { model: String },
    #[error("the sentence is empty: type or paste the sentence to check")]
    EmptySentence,
    #[error("candidate {number} is empty: give it a title or a text")]
    EmptyCandidate { number: usize },
    #[error("the model gives no number for pair {number}: its weights are damaged, or --precision f32 would help")]
    NotANumber { number: usize },
    #[error("the dataset has no labels to measure against: give it a label of 0 or 1 on each line")]
    Unlabelled,
    #[error("no row is left after cleaning: rows need a sentence and a ref_paper_text")]
    NoRows,
    #[error("cancelled")]
    Cancelled,
}

/// Pairs encoded at a time, so that memory stays bounded however many there are.
const PAIRS_AT_A_TIME: usize = 4096;

/// How large batches are.
#[derive(Debug, Clone, Copy)]
struct BatchLimits {
    rows: usize,
    /// Tokens with padding.
    tokens: usize,
}

/// A model ready to score.
#[derive(Debug)]
pub struct Scorer {
    model: CrossEncoder,
    encoder: PairEncoder,
    limits: BatchLimits,
    threshold: f64,
}

impl Scorer {
    /// Puts the model on the device (f32 weights stay as they are in `model`).
    ///
    /// # Errors
    /// [`CheckError::Model`], also for a classifier of something else; [`CheckError::Untrained`] for a base model without
    /// a classifier.
    pub fn new(model: &SavedModel, compute: &Compute) -> Result<Self, CheckError> {
        if !model.weights.tensors.contains_key("classifier.weight") {
            return Err(CheckError::Untrained { model: model.name.clone() });
        }
        model.check_classes()?;
        // A processor is busy with a few hundred tokens already, and small batches stay in its cache.
        let limits = if compute.device.is_cpu() {
            BatchLimits { rows: 16, tokens: 2048 }
        } else {
            BatchLimits { rows: 128, tokens: 32_768 }
        };
        Ok(Self {
            model: CrossEncoder::new(&model.config, &model.weights, compute)?,
            encoder: PairEncoder::new(&model.tokenizer, model.max_length()),
            limits,
            threshold: model.threshold(),
        })
    }

    /// Scores (sentence, reference block) pairs, in order; batches are made by length. A text that occurs in several
    /// pairs, or occurred not long ago, is tokenized once. Progress in pairs.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn score<S: AsRef<str> + Sync, R: AsRef<str> + Sync>(
        &self,
        pairs: &[(S, R)],
        progress: &dyn Progress,
    ) -> Result<Vec<Scored>, CheckError> {
        let total = pairs.len() as u64;
        let mut scored = Vec::with_capacity(pairs.len());
        progress.report(0, total);
        for chunk in pairs.chunks(PAIRS_AT_A_TIME) {
            if progress.cancelled() {
                return Err(CheckError::Cancelled);
            }
            let encoded = self.encoder.encode(chunk).map_err(ModelError::from)?;
            let before = scored.len();
            let logits = self.logits(&encoded, before, total, progress)?;
            for (position, (pair, logits)) in encoded.iter().zip(logits).enumerate() {
                let probability = probability_of(logits);
                if probability.is_nan() {
                    return Err(CheckError::NotANumber { number: before + position + 1 });
                }
                scored.push(Scored {
                    logits,
                    probability,
                    sentence_cut: pair.sentence_cut,
                    reference_tokens_cut: pair.reference_tokens_cut,
                });
            }
        }
        Ok(scored)
    }

    /// Logits of encoded pairs, in their order.
    fn logits(
        &self,
        encoded: &[EncodedPair],
        done_before: usize,
        total: u64,
        progress: &dyn Progress,
    ) -> Result<Vec<[f32; 2]>, CheckError> {
        let order = by_length(encoded);
        let mut logits = vec![[0.0; 2]; encoded.len()];
        let mut done = 0;
        while done < order.len() {
            if progress.cancelled() {
                return Err(CheckError::Cancelled);
            }
            let rows = &order[done..done + self.rows_of_batch(encoded, &order[done..])];
            let pairs: Vec<&EncodedPair> = rows.iter().map(|&row| &encoded[row]).collect();
            let batch = Batch::of(&pairs, self.encoder.pad_id());
            for (&row, row_logits) in rows.iter().zip(self.model.logits(&batch)?) {
                logits[row] = row_logits;
            }
            done += rows.len();
            progress.report((done_before + done) as u64, total);
        }
        Ok(logits)
    }

    /// How many of the pairs still to do, longest first, make the next batch: as many as the limits allow and as are
    /// at least three quarters as long as the longest, so that little is padding.
    fn rows_of_batch(&self, encoded: &[EncodedPair], rest: &[usize]) -> usize {
        let length = |row: usize| encoded[row].ids.len();
        let longest = rest.first().map_or(1, |&row| length(row)).max(1);
        let most = (self.limits.tokens / longest).clamp(1, self.limits.rows);
        rest.iter().take(most).take_while(|&&row| 4 * length(row) >= 3 * longest).count().max(1)
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
        if is_empty_text(sentence) {
            return Err(CheckError::EmptySentence);
        }
        let mut pairs = Vec::with_capacity(candidates.len());
        for (index, candidate) in candidates.iter().enumerate() {
            let block = reference_block(candidate.parts());
            if block.is_empty() {
                return Err(CheckError::EmptyCandidate { number: index + 1 });
            }
            pairs.push((sentence, block));
        }
        let scored = self.score(&pairs, progress)?;
        Ok(RankedCandidates::rank(candidates, &scored, self.threshold))
    }

    /// The model's decision threshold.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Tokens a pair at most.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.encoder.max_length()
    }
}
