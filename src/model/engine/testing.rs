//! A small model for the tests of its first and last modules.

use super::kernels::Processor;
use super::kernels::testing::numbers;
use super::offsets::Places;
use super::pass::Pass;
use super::tokens::Tokens;
use crate::model::parameter_set::Layout;
use crate::model::{BertConfig, DropoutKey};
use crate::pairs::Batch;
use std::ops::Range;

/// What a [`Pass`] refers to: one layer, 7 words, 9 positions, and dropout where a pass has a key.
pub(super) struct Fixture {
    pub config: BertConfig,
    pub places: Places,
    pub values: Vec<f32>,
    pub tokens: Tokens,
}

pub(super) const KEY: DropoutKey = DropoutKey { seed: 11, step: 3 };

impl Fixture {
    pub(super) fn new(hidden: usize, lengths: &[usize]) -> Self {
        let config = BertConfig {
            vocab_size: 7,
            hidden_size: hidden,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            intermediate_size: 3,
            max_position_embeddings: 9,
            hidden_dropout_prob: 0.3,
            // So large that results depend on it.
            layer_norm_eps: 1e-2,
            ..BertConfig::default()
        };
        let layout = Layout::new(&config);
        let length = lengths.iter().copied().max().unwrap_or(0);
        let slots = lengths.len() * length;
        let batch = Batch {
            rows: lengths.len(),
            length,
            lengths: lengths.to_vec(),
            ids: (0..slots).map(|slot| (slot * 5 % 7) as u32).collect(),
            type_ids: (0..slots).map(|slot| (slot % 3 / 2) as u32).collect(),
        };
        Self {
            places: Places::new(&layout, 1).unwrap(),
            values: numbers(layout.length(), 1),
            tokens: Tokens::of(&batch),
            config,
        }
    }

    pub(super) fn pass(&self, dropout: Option<DropoutKey>) -> Pass<'_> {
        let Self { config, places, values, tokens } = self;
        Pass { config, places, values, processor: Processor::detect(), tokens, dropout }
    }

    /// A gradient of the parameters in which nothing is yet.
    pub(super) fn no_gradient(&self) -> Vec<f32> {
        vec![0.0; self.values.len()]
    }
}

/// The places of a gradient that are not zero lie in these ranges.
pub(super) fn assert_only_in(gradient: &[f32], ranges: &[&Range<usize>]) {
    let outside = |place: &usize| ranges.iter().all(|range| !range.contains(place));
    assert!((0..gradient.len()).filter(outside).all(|place| gradient[place] == 0.0));
}
