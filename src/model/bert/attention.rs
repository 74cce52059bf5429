//! Multi-head self-attention (Vaswani et al., 2017) with BERT's output projection.

use super::Lookup;
use super::ops::{Linear, Pass, softmax};
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

    /// `input`: rows·length × hidden; `shape`: (rows, length); `mask`: what is added to the scores.
    pub(super) fn forward(
        &self,
        input: &Tensor,
        shape: (usize, usize),
        mask: Option<&Tensor>,
        pass: &Pass,
    ) -> Result<Tensor, ModelError> {
        let (rows, length) = shape;
        let hidden = input.dim(1)?;
        let width = hidden / self.heads;
        // rows × heads × length × width
        let split = |tensor: Tensor| -> Result<Tensor, ModelError> {
            Ok(tensor.reshape((rows, length, self.heads, width))?.transpose(1, 2)?.contiguous()?)
        };
        let query = split((self.query.forward(input)? * (width as f64).powf(-0.5))?)?;
        let key = split(self.key.forward(input)?)?;
        let value = split(self.value.forward(input)?)?;
        let scores = query.matmul(&key.t()?)?;
        let probabilities = pass.dropout(softmax(&scores, mask, pass)?, self.dropout)?;
        drop(scores);
        let context = probabilities.matmul(&value)?;
        let context = context.transpose(1, 2)?.contiguous()?.reshape((rows * length, hidden))?;
        self.output.forward(&context)
    }
}
