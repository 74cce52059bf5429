//! Words, positions and types, summed and normalised.

use super::Lookup;
use super::ops::{LayerNorm, Pass};
use crate::model::{BertConfig, ModelError};
use crate::pairs::Batch;
use candle_core::{Device, Tensor};

/// Turns token ids into vectors.
#[derive(Debug, Clone)]
pub(super) struct Embeddings {
    /// vocabulary × hidden
    words: Tensor,
    /// positions × hidden
    positions: Tensor,
    /// types × hidden
    types: Tensor,
    norm: LayerNorm,
    dropout: f64,
}

impl Embeddings {
    pub(super) fn new(config: &BertConfig, lookup: &mut Lookup<'_>) -> Result<Self, ModelError> {
        let hidden = config.hidden_size;
        let mut table = |name: &str, rows: usize| lookup(&format!("bert.embeddings.{name}.weight"), &[rows, hidden]);
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: table("position_embeddings", config.max_position_embeddings)?,
            types: table("token_type_embeddings", config.type_vocab_size)?,
            norm: LayerNorm::new(lookup, "bert.embeddings.LayerNorm", hidden, config.layer_norm_eps)?,
            dropout: config.hidden_dropout_prob,
        })
    }

    /// rows·length × hidden in the format of activations.
    pub(super) fn forward(&self, batch: &Batch, pass: &Pass, device: &Device) -> Result<Tensor, ModelError> {
        let shape = (batch.rows, batch.length, self.words.dim(1)?);
        let ids = Tensor::from_slice(&batch.ids, batch.ids.len(), device)?;
        let type_ids = Tensor::from_slice(&batch.type_ids, batch.type_ids.len(), device)?;
        let words = self.words.index_select(&ids, 0)?;
        let types = self.types.index_select(&type_ids, 0)?;
        let positions = self.positions.narrow(0, 0, batch.length)?;
        let sum = (words + types)?.reshape(shape)?.broadcast_add(&positions)?;
        let sum = sum.reshape((batch.rows * batch.length, ()))?;
        pass.dropout(self.norm.forward(&sum, pass)?, self.dropout)
    }
}
