//! One layer of the encoder: attention and a feed-forward network, each with dropout, residual and LayerNorm behind it.
//!
//! Only the first token of each sequence leaves the encoder. So in the last layer only those ask, and everything behind
//! its attention is computed for them alone: the same result for a part of the work.

use super::kernels::{
    Attention, Element, LayerNorm, Left, Normalised, Panels, Sequence, Spread, gelu, multiply, pack_columns, row_blocks,
};
use super::linear::{linear, product_into};
use super::offsets::{LayerPlaces, Place};
use super::pass::Pass;
use crate::model::dropout::Sampler;
use rayon::prelude::*;

/// A layer's weights packed for the forward pass.
#[derive(Debug, Default)]
pub(super) struct LayerPacks<E> {
    query: Vec<E>,
    key_value: Vec<E>,
    attention_output: Vec<E>,
    intermediate: Vec<E>,
    output: Vec<E>,
}

impl<E: Element> LayerPacks<E> {
    /// Packs a layer's weights into these buffers.
    pub(super) fn pack(&mut self, pass: &Pass<'_>, layer: &LayerPlaces) {
        let hidden = pass.config.hidden_size;
        for (place, packed, inputs) in [
            (&layer.query, &mut self.query, hidden),
            (&layer.key_value, &mut self.key_value, hidden),
            (&layer.attention_output, &mut self.attention_output, hidden),
            (&layer.intermediate, &mut self.intermediate, hidden),
            (&layer.output, &mut self.output, pass.config.intermediate_size),
        ] {
            pack_columns(&pass.values[place.weight.clone()], inputs, place.bias.len(), inputs, packed, Spread::Threads);
        }
    }
}

/// What a layer computes. What follows the attention has one row for each token that asks.
#[derive(Debug, Default)]
pub(super) struct LayerMemory<E> {
    /// The inputs of the tokens that ask, where those are not all.
    pub asking: Vec<E>,
    pub query: Vec<E>,
    /// Tokens × (2 · hidden), keys before values.
    pub key_value: Vec<E>,
    pub log_sums: Vec<f32>,
    pub context: Vec<E>,
    pub attended: Normalised<E>,
    /// Before GELU; empty where no gradient is wanted. The backward pass turns it into its gradient.
    pub inner: Vec<E>,
    pub activated: Vec<E>,
    pub result: Normalised<E>,
}

/// A layer of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer<'a> {
    pub pass: Pass<'a>,
    pub places: &'a LayerPlaces,
    pub number: usize,
    /// The sequences as they ask in this layer.
    pub sequences: &'a [Sequence],
    /// Where the tokens that ask stand in the padded batch.
    pub slots: &'a [usize],
}

impl Layer<'_> {
    /// Whether only the first tokens ask.
    pub(super) fn is_last(&self) -> bool {
        self.number + 1 == self.pass.config.num_hidden_layers
    }

    fn site(&self, place: u64) -> u64 {
        1 + 3 * self.number as u64 + place
    }

    pub(super) fn attention(&self) -> Attention<'_> {
        let config = self.pass.config;
        Attention {
            processor: self.pass.processor,
            heads: config.num_attention_heads,
            width: config.hidden_size / config.num_attention_heads,
            sequences: self.sequences,
            padded_length: self.pass.tokens.padded_length,
            dropout: self.pass.sampler(config.attention_probs_dropout_prob, self.site(0)),
        }
    }

    /// Dropout behind the attention's output.
    pub(super) fn attention_dropout(&self) -> Option<Sampler> {
        self.pass.sampler(self.pass.config.hidden_dropout_prob, self.site(1))
    }

    /// Dropout behind the feed-forward network.
    pub(super) fn output_dropout(&self) -> Option<Sampler> {
        self.pass.sampler(self.pass.config.hidden_dropout_prob, self.site(2))
    }

    /// `input`: tokens × hidden. Its result is `memory.result.output`.
    pub(super) fn forward<E: Element>(
        &self,
        input: &[E],
        packs: &LayerPacks<E>,
        memory: &mut LayerMemory<E>,
        keep: bool,
    ) {
        let config = self.pass.config;
        let (hidden, inner, processor) = (config.hidden_size, config.intermediate_size, self.pass.processor);
        let (tokens, asking) = (input.len() / hidden, self.slots.len());
        let bias = |place: &Place| &self.pass.values[place.bias.clone()];
        let panels = |packed, place: &Place, depth| Panels::new(packed, depth, place.bias.len());

        let residual = if self.is_last() {
            memory.asking.clear();
            for &first in self.pass.tokens.firsts() {
                memory.asking.extend_from_slice(&input[first * hidden..(first + 1) * hidden]);
            }
            &memory.asking
        } else {
            input
        };
        memory.query.resize(asking * hidden, E::default());
        let weight = panels(&packs.query, &self.places.query, hidden);
        linear(processor, residual, hidden, weight, bias(&self.places.query), &mut memory.query);
        memory.key_value.resize(tokens * 2 * hidden, E::default());
        let weight = panels(&packs.key_value, &self.places.key_value, hidden);
        linear(processor, input, hidden, weight, bias(&self.places.key_value), &mut memory.key_value);

        memory.context.resize(asking * hidden, E::default());
        memory.log_sums.resize(asking * config.num_attention_heads, 0.0);
        self.attention().forward(&memory.query, &memory.key_value, &mut memory.context, &mut memory.log_sums);
        let projection = Projection {
            weight: panels(&packs.attention_output, &self.places.attention_output, hidden),
            depth: hidden,
            bias: bias(&self.places.attention_output),
            dropout: self.attention_dropout(),
            norm: self.pass.norm(&self.places.attention_norm),
        };
        self.project(projection, &memory.context, residual, &mut memory.attended, keep);

        memory.activated.resize(asking * inner, E::default());
        let weight = panels(&packs.intermediate, &self.places.intermediate, hidden);
        let inner_bias = bias(&self.places.intermediate);
        if keep {
            memory.inner.resize(asking * inner, E::default());
            linear(processor, &memory.attended.output, hidden, weight, inner_bias, &mut memory.inner);
            activate(&memory.inner, &mut memory.activated);
        } else {
            let input = &memory.attended.output;
            product_into(
                processor,
                input,
                hidden,
                weight,
                &mut memory.activated,
                inner,
                #[inline(always)]
                |output, column, found| {
                    for ((output, found), bias) in output.iter_mut().zip(found).zip(&inner_bias[column..]) {
                        *output = E::narrow(gelu(found + bias));
                    }
                },
            );
        }
        let projection = Projection {
            weight: panels(&packs.output, &self.places.output, inner),
            depth: inner,
            bias: bias(&self.places.output),
            dropout: self.output_dropout(),
            norm: self.pass.norm(&self.places.output_norm),
        };
        self.project(projection, &memory.activated, &memory.attended.output, &mut memory.result, keep);
    }

    /// LayerNorm(dropout(input Wᵀ + b) + residual), block by block, so that a row's sum is still in the cache when it
    /// is normalised.
    fn project<E: Element>(
        &self,
        projection: Projection<'_, E>,
        input: &[E],
        residual: &[E],
        result: &mut Normalised<E>,
        keep: bool,
    ) {
        let Projection { weight, depth, bias, dropout, norm } = projection;
        let (width, rows) = (bias.len(), self.slots.len());
        let block = row_blocks::<E>(rows, depth);
        result.fill(
            [rows, width, block],
            keep,
            Vec::new,
            #[inline(always)]
            |sums: &mut Vec<f32>, mut rows| {
                let first = rows.first;
                sums.resize(rows.count() * width, 0.0);
                let left = Left::Rows { values: input, stride: depth };
                let range = first..first + rows.count();
                multiply(
                    self.pass.processor,
                    left,
                    range,
                    weight,
                    0..weight.count(),
                    #[inline(always)]
                    |row, column, found| {
                        let start = (row - first) * width + column;
                        for ((sum, found), bias) in
                            sums[start..start + found.len()].iter_mut().zip(found).zip(&bias[column..])
                        {
                            *sum = found + bias;
                        }
                    },
                );
                for (index, sum) in sums.chunks_exact_mut(width).enumerate() {
                    let row = first + index;
                    if let Some(dropout) = dropout {
                        dropout.apply(self.slots[row] * width, sum);
                    }
                    for (sum, residual) in sum.iter_mut().zip(&residual[row * width..]) {
                        *sum += residual.widen();
                    }
                    rows.write(index, norm, sum);
                }
            },
        );
    }
}

/// A linear layer with what follows it.
#[derive(Clone, Copy)]
struct Projection<'a, E> {
    weight: Panels<'a, E>,
    depth: usize,
    bias: &'a [f32],
    dropout: Option<Sampler>,
    norm: LayerNorm<'a>,
}

/// GELU of each number, on all threads.
pub(super) fn activate<E: Element>(input: &[E], output: &mut [E]) {
    const PIECE: usize = 1 << 13;
    output.par_chunks_mut(PIECE).zip(input.par_chunks(PIECE)).for_each(|(output, input)| {
        super::kernels::vectorized(
            #[inline(always)]
            || {
                for (output, input) in output.iter_mut().zip(input) {
                    *output = E::narrow(gelu(input.widen()));
                }
            },
        );
    });
}
