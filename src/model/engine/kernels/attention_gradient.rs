//! The gradient of attention, one head of one sequence at a time.
//!
//! With P the probabilities, M the dropout mask and C = (P∘M) V: dV = (P∘M)ᵀ dC, dP = (dC Vᵀ)∘M,
//! dS = P∘(dP − rowsum(dP∘P)), dQ = dS K / √width, dK = dSᵀ Q / √width. P is computed again from Q, K and the
//! logarithms of sums.

use super::attention::{Attention, Head, QUERIES};
use super::disjoint::Disjoint;
use super::numbers::{dot, exp};
use super::{Element, Left, Panels, Processor, Spread, multiply, pack_columns, pack_rows, pack_transposed, vectorized};
use rayon::prelude::*;

/// What went into attention and what came out of it, as far as its gradient needs that.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct AttentionGradient<'a, E> {
    pub attention: Attention<'a>,
    /// Queries × hidden.
    pub query: &'a [E],
    /// Tokens × (2 · hidden), keys before values.
    pub key_value: &'a [E],
    /// As the forward pass wrote them.
    pub log_sums: &'a [f32],
    /// With respect to the context: queries × hidden.
    pub from_above: &'a [E],
}

/// What a thread computes in.
#[derive(Debug, Default)]
struct Scratch<E> {
    keys_by_column: Vec<E>,
    keys_by_row: Vec<E>,
    values_by_column: Vec<E>,
    /// P, then P∘M.
    probabilities: Vec<f32>,
    /// dP, then dS.
    to_scores: Vec<f32>,
    mask: Vec<f32>,
    /// dS in the format of activations, rows filled up to whole groups.
    narrow: Vec<E>,
    left: Vec<E>,
    right: Vec<E>,
    to_key: Vec<f32>,
    to_value: Vec<f32>,
}

impl<E: Element> AttentionGradient<'_, E> {
    /// Writes the gradients with respect to `query` and `key_value`, of the same shapes.
    pub(in super::super) fn compute(&self, to_query: &mut [E], to_key_value: &mut [E]) {
        let (to_query, to_key_value) = (Disjoint::new(to_query), Disjoint::new(to_key_value));
        self.attention.all_heads().into_par_iter().for_each_init(Scratch::default, |scratch, head| {
            vectorized(
                #[inline(always)]
                || self.head(head, to_query, to_key_value, scratch),
            );
        });
    }

    #[inline(always)]
    fn head(&self, head: Head, to_query: Disjoint<'_, E>, to_key_value: Disjoint<'_, E>, scratch: &mut Scratch<E>) {
        let attention = &self.attention;
        let processor = attention.processor;
        let (hidden, width, tokens) = (attention.hidden(), attention.width, head.sequence.tokens);
        let [query_start, key_start, value_start] = attention.starts(head);
        let (key, value) = (&self.key_value[key_start..], &self.key_value[value_start..]);
        let keys = pack_columns(key, 2 * hidden, tokens, width, &mut scratch.keys_by_column, Spread::Here);
        let keys_by_row = pack_rows(key, 2 * hidden, tokens, width, &mut scratch.keys_by_row, Spread::Here);
        let values = pack_columns(value, 2 * hidden, tokens, width, &mut scratch.values_by_column, Spread::Here);
        let (probabilities, to_scores, narrow) =
            (&mut scratch.probabilities, &mut scratch.to_scores, &mut scratch.narrow);
        for sums in [&mut scratch.to_key, &mut scratch.to_value] {
            sums.clear();
            sums.resize(tokens * width, 0.0);
        }
        let stride = tokens.next_multiple_of(E::GROUP);
        for first in (0..head.sequence.queries).step_by(QUERIES) {
            let count = (head.sequence.queries - first).min(QUERIES);
            let start = query_start + first * hidden;
            for scores in [&mut *probabilities, &mut *to_scores] {
                scores.resize(count * tokens, 0.0);
            }
            narrow.clear();
            narrow.resize(count * stride, E::default());
            let rows = |values| Left::Rows { values, stride: hidden };
            multiply(
                processor,
                rows(&self.query[start..]),
                0..count,
                keys,
                0..keys.count(),
                #[inline(always)]
                |row, column, found| {
                    probabilities[row * tokens + column..][..found.len()].copy_from_slice(found);
                },
            );
            let from_above = &self.from_above[start..];
            multiply(
                processor,
                rows(from_above),
                0..count,
                values,
                0..values.count(),
                #[inline(always)]
                |row, column, found| {
                    to_scores[row * tokens + column..][..found.len()].copy_from_slice(found);
                },
            );

            let log_sums = &self.log_sums[attention.log_sums_start(head) + first..][..count];
            let scores = probabilities.chunks_exact_mut(tokens).zip(to_scores.chunks_exact_mut(tokens));
            for (row, ((probabilities, to_scores), (narrow, log_sum))) in
                scores.zip(narrow.chunks_exact_mut(stride).zip(log_sums)).enumerate()
            {
                for probability in probabilities.iter_mut() {
                    *probability = exp(*probability * attention.scale() - log_sum);
                }
                let has_dropout = attention.dropout.is_some();
                if has_dropout {
                    scratch.mask.clear();
                    scratch.mask.resize(tokens, 1.0);
                    attention.drop_out(head, first + row, &mut scratch.mask);
                    for (to_score, mask) in to_scores.iter_mut().zip(&scratch.mask) {
                        *to_score *= mask;
                    }
                }
                let mean = dot(to_scores, probabilities);
                for ((narrow, &to_score), &probability) in narrow.iter_mut().zip(&*to_scores).zip(&*probabilities) {
                    *narrow = E::narrow(probability * (to_score - mean) * attention.scale());
                }
                if has_dropout {
                    for (probability, mask) in probabilities.iter_mut().zip(&scratch.mask) {
                        *probability *= mask;
                    }
                }
            }

            let left = Left::FilledRows { values: narrow, stride };
            multiply(
                processor,
                left,
                0..count,
                keys_by_row,
                0..keys_by_row.count(),
                #[inline(always)]
                |row, column, found| {
                    // SAFETY: the part is within this head's columns of its sequence, and each head is computed by one
                    // thread.
                    let to_query = unsafe { to_query.part(start + row * hidden + column, found.len()) };
                    for (to_query, &found) in to_query.iter_mut().zip(found) {
                        *to_query = E::narrow(found);
                    }
                },
            );
            pack_transposed(narrow, stride, count, tokens, &mut scratch.left, Spread::Here);
            let right = pack_rows(&self.query[start..], hidden, count, width, &mut scratch.right, Spread::Here);
            add_product(processor, &scratch.left, tokens, right, &mut scratch.to_key);
            pack_transposed(probabilities, tokens, count, tokens, &mut scratch.left, Spread::Here);
            let right = pack_rows(from_above, hidden, count, width, &mut scratch.right, Spread::Here);
            add_product(processor, &scratch.left, tokens, right, &mut scratch.to_value);
        }
        for token in 0..tokens {
            for (start, sums) in [(key_start, &scratch.to_key), (value_start, &scratch.to_value)] {
                // SAFETY: as above.
                let written = unsafe { to_key_value.part(start + token * 2 * hidden, width) };
                for (written, &sum) in written.iter_mut().zip(&sums[token * width..]) {
                    *written = E::narrow(sum);
                }
            }
        }
    }
}

/// Adds the product of a packed left operand of so many rows with `right` to `sums`.
#[inline(always)]
fn add_product<E: Element>(processor: Processor, left: &[E], rows: usize, right: Panels<'_, E>, sums: &mut [f32]) {
    let columns = sums.len() / rows;
    multiply(
        processor,
        Left::Packed { values: left },
        0..rows,
        right,
        0..right.count(),
        #[inline(always)]
        |row, column, found| {
            for (sum, found) in sums[row * columns + column..].iter_mut().zip(found) {
                *sum += found;
            }
        },
    );
}
