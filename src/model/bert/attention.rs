//! Multi-head self-attention (Vaswani et al., 2017) with BERT's output projection.

use super::Lookup;
use super::ops::{Linear, Pass, Rows, attention};
use crate::model::{BertConfig, ModelError};
use candle_core::Tensor;

/// Attention of every token to every token of its row.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
    dropout: f64,
}

impl Attention {
    /// `name` is the layer's `attention`.
    pub(super) fn new(config: &BertConfig, lookup: &mut Lookup<'_>, name: &str) -> Result<Self, ModelError> {
        let hidden = config.hidden_size;
        let mut linear = |part: &str| Linear::new(lookup, &format!("{name}.{part}"), hidden, hidden);
        Ok(Self {
            query: linear("self.query")?,
            key: linear("self.key")?,
            value: linear("self.value")?,
            output: linear("output.dense")?,
            heads: config.num_attention_heads,
            dropout: config.attention_probs_dropout_prob,
        })
    }

    /// `input`: rows·length × hidden, and so is the result.
    pub(super) fn forward(&self, input: &Tensor, rows: &Rows, pass: &Pass) -> Result<Tensor, ModelError> {
        let query = self.query.forward(input)?;
        let key = self.key.forward(input)?;
        let value = self.value.forward(input)?;
        let context = attention([&query, &key, &value], self.heads, rows, self.dropout, pass)?;
        self.output.forward(&context)
    }
}
