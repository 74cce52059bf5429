//! Words, positions and types, summed, normalised and dropped out; and the gradient of that.

use super::kernels::{Element, NormGradient, Normalised, add};
use super::offsets::{Places, parts};
use super::pass::Pass;
use rayon::prelude::*;
use std::ops::Range;

/// Tokens of one piece of work.
const PIECE: usize = 32;

/// The site of its dropout.
const SITE: u64 = 0;

impl Pass<'_> {
    /// Fills `embedded` (tokens × hidden); its output, dropped out, is what the first layer takes.
    pub(super) fn embed<E: Element>(&self, embedded: &mut Normalised<E>, keep: bool) {
        let (hidden, tokens) = (self.config.hidden_size, self.tokens);
        let Places { words, positions, types, .. } = self.places;
        let row = |table: Range<usize>, id: u32| &self.values[table][id as usize * hidden..][..hidden];
        let norm = self.norm(&self.places.embedding_norm);
        let dropout = self.sampler(self.config.hidden_dropout_prob, SITE);
        let shape = [tokens.count(), hidden, PIECE];
        embedded.fill(
            shape,
            keep,
            Vec::new,
            #[inline(always)]
            |sum: &mut Vec<f32>, mut rows| {
                for index in 0..rows.count() {
                    let token = rows.first + index;
                    sum.clear();
                    sum.extend_from_slice(row(words.clone(), tokens.ids[token]));
                    add(sum, row(types.clone(), tokens.type_ids[token]));
                    add(sum, row(positions.clone(), tokens.positions[token]));
                    let output = rows.write(index, norm, sum);
                    if let Some(dropout) = dropout {
                        for (wide, output) in sum.iter_mut().zip(output.iter()) {
                            *wide = output.widen();
                        }
                        dropout.apply(tokens.slots[token] * hidden, sum);
                        for (output, &wide) in output.iter_mut().zip(sum.iter()) {
                            *output = E::narrow(wide);
                        }
                    }
                }
            },
        );
    }

    /// Adds to the gradients of tables and LayerNorm. `stream`: with respect to what [`embed`](Self::embed) gave,
    /// tokens × hidden; it is used up.
    pub(super) fn embed_back<E: Element>(
        &self,
        embedded: &Normalised<E>,
        stream: &mut [f32],
        scratch: &mut Vec<E>,
        gradient: &mut [f32],
    ) {
        let (hidden, tokens) = (self.config.hidden_size, self.tokens);
        if let Some(dropout) = self.sampler(self.config.hidden_dropout_prob, SITE) {
            stream.par_chunks_mut(hidden).zip(&tokens.slots).for_each(|(row, slot)| {
                super::kernels::vectorized(
                    #[inline(always)]
                    || dropout.apply(slot * hidden, row),
                );
            });
        }
        scratch.resize(stream.len(), E::default());
        let places = self.places;
        let norm = &places.embedding_norm;
        let [to_weight, to_bias] = parts(gradient, [&norm.weight, &norm.bias]);
        // There is no product before this sum: what would be its gradients goes nowhere.
        let mut nowhere = vec![0.0; hidden];
        let weight = &self.values[norm.weight.clone()];
        NormGradient { weight, normalised: embedded, dropout: None, slots: &tokens.slots }.compute(
            stream,
            scratch,
            [to_weight, to_bias, &mut nowhere],
        );
        // One after the other, because tokens share rows and their sums must have one order.
        let [words, positions, types] = parts(gradient, [&places.words, &places.positions, &places.types]);
        for (token, row) in stream.chunks_exact(hidden).enumerate() {
            let add_to = |table: &mut [f32], id: u32| add(&mut table[id as usize * hidden..][..hidden], row);
            add_to(words, tokens.ids[token]);
            add_to(positions, tokens.positions[token]);
            add_to(types, tokens.type_ids[token]);
        }
    }
}
