//! The pooler over `[CLS]` and the classifier.

use super::Lookup;
use super::ops::{Linear, Pass, Rows};
use crate::model::{BertConfig, ModelError};
use candle_core::{DType, Tensor};

/// tanh of a linear layer over the first token, dropout, and a linear layer to two logits.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pooler: Linear,
    classifier: Linear,
    dropout: f64,
}

impl Head {
    pub(super) fn new(config: &BertConfig, lookup: &mut Lookup<'_>) -> Result<Self, ModelError> {
        let hidden = config.hidden_size;
        Ok(Self {
            pooler: Linear::new(lookup, "bert.pooler.dense", hidden, hidden)?,
            classifier: Linear::new(lookup, "classifier", hidden, 2)?,
            dropout: config.hidden_dropout_prob,
        })
    }

    /// `hidden`: rows·length × hidden; the result is rows × 2, f32.
    pub(super) fn forward(&self, hidden: &Tensor, rows: &Rows, pass: &Pass) -> Result<Tensor, ModelError> {
        let first = hidden.reshape((rows.count, rows.length, ()))?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        let pooled = pass.dropout(self.pooler.forward(&first)?.tanh()?, self.dropout)?;
        self.classifier.forward(&pooled.to_dtype(DType::F32)?)
    }
}
