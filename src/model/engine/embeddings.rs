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

#[cfg(test)]
mod tests {
    use super::super::kernels::testing::{assert_near, mask, numbers, slopes, tolerance, weighted, wide};
    use super::super::testing::{Fixture, KEY, assert_only_in};
    use super::*;
    use crate::model::DropoutKey;
    use half::bf16;

    /// The module in f64, over all parameters of a model. `mask`: tokens × hidden.
    fn plain(pass: &Pass<'_>, values: &[f64], mask: &[f64]) -> Vec<f64> {
        let (hidden, places, tokens) = (pass.config.hidden_size, pass.places, pass.tokens);
        let mut output = Vec::new();
        for token in 0..tokens.count() {
            let number =
                |table: &Range<usize>, id: u32, column: usize| values[table.start + id as usize * hidden + column];
            let sums: Vec<f64> = (0..hidden)
                .map(|column| {
                    number(&places.words, tokens.ids[token], column)
                        + number(&places.positions, tokens.positions[token], column)
                        + number(&places.types, tokens.type_ids[token], column)
                })
                .collect();
            let mean = sums.iter().sum::<f64>() / hidden as f64;
            let variance = sums.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / hidden as f64;
            let scale = 1.0 / (variance + pass.config.layer_norm_eps).sqrt();
            for (column, sum) in sums.iter().enumerate() {
                let norm = &places.embedding_norm;
                let [weight, bias] = [&norm.weight, &norm.bias].map(|range| values[range.start + column]);
                output.push(((sum - mean) * scale * weight + bias) * mask[token * hidden + column]);
            }
        }
        output
    }

    fn check<E: Element>(hidden: usize, lengths: &[usize], dropout: Option<DropoutKey>) {
        let fixture = Fixture::new(hidden, lengths);
        let pass = fixture.pass(dropout);
        let tokens = pass.tokens;
        let whole = mask(pass.sampler(0.3, SITE), lengths.len() * tokens.padded_length * hidden);
        let mask: Vec<f64> =
            tokens.slots.iter().flat_map(|slot| &whole[slot * hidden..(slot + 1) * hidden]).copied().collect();
        let values = wide(&fixture.values);

        let mut embedded = Normalised::<E>::default();
        pass.embed(&mut embedded, true);
        assert_near("output", &embedded.output, &plain(&pass, &values, &mask), tolerance::<E>());

        let mut stream = numbers::<f32>(tokens.count() * hidden, 3);
        let weights = wide(&stream);
        let mut gradient = fixture.no_gradient();
        pass.embed_back(&embedded, &mut stream, &mut Vec::new(), &mut gradient);
        let places = pass.places;
        let norm = &places.embedding_norm;
        let ranges = [&places.words, &places.positions, &places.types, &norm.weight, &norm.bias];
        for range in ranges {
            let mut values = values.clone();
            let own = values[range.clone()].to_vec();
            let expected = slopes(&own, |own| {
                values[range.clone()].copy_from_slice(own);
                weighted(&weights, &plain(&pass, &values, &mask))
            });
            assert_near("to a parameter", &gradient[range.clone()], &expected, tolerance::<E>());
        }
        assert_only_in(&gradient, &ranges);
    }

    #[test]
    fn gradients_by_finite_differences() {
        for (hidden, lengths) in [(1, &[1][..]), (5, &[3, 1, 9]), (17, &[2]), (33, &[9, 9, 9, 9])] {
            for dropout in [None, Some(KEY)] {
                check::<f32>(hidden, lengths, dropout);
                check::<bf16>(hidden, lengths, dropout);
            }
        }
    }
}
