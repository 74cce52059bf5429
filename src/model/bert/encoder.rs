//! One layer of the encoder, and the stack of them.

use super::Lookup;
use super::attention::Attention;
use super::ops::{LayerNorm, Linear, Pass, Rows, gelu};
use crate::model::{BertConfig, ModelError};
use candle_core::Tensor;

/// Attention and a feed-forward network, each with dropout, residual and LayerNorm behind it.
#[derive(Debug, Clone)]
struct Layer {
    attention: Attention,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
    dropout: f64,
}

impl Layer {
    fn new(config: &BertConfig, lookup: &mut Lookup<'_>, name: &str) -> Result<Self, ModelError> {
        let (hidden, inner, epsilon) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        Ok(Self {
            attention: Attention::new(config, lookup, &format!("{name}.attention"))?,
            attention_norm: LayerNorm::new(lookup, &format!("{name}.attention.output.LayerNorm"), hidden, epsilon)?,
            intermediate: Linear::new(lookup, &format!("{name}.intermediate.dense"), hidden, inner)?,
            output: Linear::new(lookup, &format!("{name}.output.dense"), inner, hidden)?,
            output_norm: LayerNorm::new(lookup, &format!("{name}.output.LayerNorm"), hidden, epsilon)?,
            dropout: config.hidden_dropout_prob,
        })
    }

    /// `input`: rows·length × hidden, and so is the result.
    fn forward(&self, input: &Tensor, rows: &Rows, pass: &Pass) -> Result<Tensor, ModelError> {
        let attended = self.attention.forward(input, rows, pass)?;
        let attended = pass.residual(attended, input, self.dropout)?;
        let attended = self.attention_norm.forward(&attended, pass)?;
        let inner = gelu(&self.intermediate.forward(&attended)?)?;
        let output = pass.residual(self.output.forward(&inner)?, &attended, self.dropout)?;
        self.output_norm.forward(&output, pass)
    }
}

/// All layers.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    layers: Vec<Layer>,
}

impl Encoder {
    pub(super) fn new(config: &BertConfig, lookup: &mut Lookup<'_>) -> Result<Self, ModelError> {
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::new(config, lookup, &format!("bert.encoder.layer.{index}")))
            .collect::<Result<_, _>>()?;
        Ok(Self { layers })
    }

    /// `hidden`: rows·length × hidden, one row a token, and so is the result.
    pub(super) fn forward(&self, mut hidden: Tensor, rows: &Rows, pass: &Pass) -> Result<Tensor, ModelError> {
        for layer in &self.layers {
            hidden = layer.forward(&hidden, rows, pass)?;
        }
        Ok(hidden)
    }
}
