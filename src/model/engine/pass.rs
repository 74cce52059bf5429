//! One way of one batch through the network, or back.

use super::kernels::{LayerNorm, Processor};
use super::offsets::{Place, Places};
use super::tokens::Tokens;
use crate::model::dropout::Sampler;
use crate::model::{BertConfig, DropoutKey};

/// What all modules need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub config: &'a BertConfig,
    pub places: &'a Places,
    /// The parameters, as `places` says.
    pub values: &'a [f32],
    pub processor: Processor,
    pub tokens: &'a Tokens,
    pub dropout: Option<DropoutKey>,
}

impl<'a> Pass<'a> {
    /// A LayerNorm by its place.
    pub(super) fn norm(&self, place: &Place) -> LayerNorm<'a> {
        LayerNorm {
            weight: &self.values[place.weight.clone()],
            bias: &self.values[place.bias.clone()],
            epsilon: self.config.layer_norm_eps,
        }
    }

    /// The dropout of a site, where this pass has any.
    pub(super) fn sampler(&self, probability: f64, site: u64) -> Option<Sampler> {
        self.dropout.filter(|_| probability > 0.0).map(|key| Sampler::new(probability, key, site))
    }
}
