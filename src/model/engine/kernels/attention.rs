//! Attention from query, key and value to context, one head of one sequence at a time.
//!
//! A block of queries is compared with all keys at once; their scores fit into the processor's cache, and are computed
//! again for the gradient, so that no tokens × tokens matrix is ever kept (the idea of Dao et al.'s FlashAttention,
//! 2022, in its plainest form). Padding costs nothing: each sequence is computed at its own length.

use super::disjoint::Disjoint;
use super::numbers::softmax;
use super::{Element, Left, Processor, Spread, multiply, pack_columns, pack_rows, vectorized};
use crate::model::dropout::Sampler;
use rayon::prelude::*;

/// Queries whose scores are in the cache together.
pub(super) const QUERIES: usize = 60;

/// One sequence of a batch. In the last layer only the first token of each asks, because only its output is used.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Sequence {
    /// Its number in the batch.
    pub number: usize,
    /// Where its queries begin, and how many there are: its first tokens.
    pub first_query: usize,
    pub queries: usize,
    /// Where its tokens begin, and how many there are.
    pub first_token: usize,
    pub tokens: usize,
}

/// softmax(Q Kᵀ / √width) V with dropout on the probabilities.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Attention<'a> {
    pub processor: Processor,
    pub heads: usize,
    /// Numbers a head.
    pub width: usize,
    pub sequences: &'a [Sequence],
    /// Tokens a sequence with padding: dropout numbers its elements as if there were any.
    pub padded_length: usize,
    pub dropout: Option<Sampler>,
}

/// One head of one sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub sequence: Sequence,
    pub head: usize,
}

/// What a thread computes in.
#[derive(Debug, Default)]
struct Scratch<E> {
    keys: Vec<E>,
    values: Vec<E>,
    scores: Vec<f32>,
    probabilities: Vec<E>,
}

impl Attention<'_> {
    pub(super) fn hidden(&self) -> usize {
        self.heads * self.width
    }

    /// What scores are multiplied with.
    pub(super) fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// All heads of all sequences.
    pub(super) fn all_heads(&self) -> Vec<Head> {
        let heads = |&sequence| (0..self.heads).map(move |head| Head { sequence, head });
        self.sequences.iter().flat_map(heads).collect()
    }

    /// Where the head's queries begin in queries × hidden, and its keys and values in tokens × (2 · hidden).
    pub(super) fn starts(&self, Head { sequence, head }: Head) -> [usize; 3] {
        let (hidden, column) = (self.hidden(), head * self.width);
        let key = sequence.first_token * 2 * hidden + column;
        [sequence.first_query * hidden + column, key, key + hidden]
    }

    /// Where the head's logarithms of sums begin.
    pub(super) fn log_sums_start(&self, Head { sequence, head }: Head) -> usize {
        sequence.first_query * self.heads + head * sequence.queries
    }

    /// Dropout of what belongs to a query's probabilities.
    #[inline(always)]
    pub(super) fn drop_out(&self, Head { sequence, head }: Head, query: usize, values: &mut [f32]) {
        if let Some(dropout) = self.dropout {
            let number = sequence.number * self.heads + head;
            dropout.apply((number * self.padded_length + query) * self.padded_length, values);
        }
    }

    /// `query`: queries × hidden; `key_value`: tokens × (2 · hidden), keys before values; `context`: queries × hidden;
    /// `log_sums`: a number for each head of each query, which the gradient needs.
    pub(in super::super) fn forward<E: Element>(
        &self,
        query: &[E],
        key_value: &[E],
        context: &mut [E],
        log_sums: &mut [f32],
    ) {
        let (context, log_sums) = (Disjoint::new(context), Disjoint::new(log_sums));
        self.all_heads().into_par_iter().for_each_init(Scratch::default, |scratch, head| {
            vectorized(
                #[inline(always)]
                || self.head(head, query, key_value, context, log_sums, scratch),
            );
        });
    }

    #[inline(always)]
    fn head<E: Element>(
        &self,
        head: Head,
        query: &[E],
        key_value: &[E],
        context: Disjoint<'_, E>,
        log_sums: Disjoint<'_, f32>,
        scratch: &mut Scratch<E>,
    ) {
        let Scratch { keys, values, scores, probabilities } = scratch;
        let (hidden, width, tokens) = (self.hidden(), self.width, head.sequence.tokens);
        let [query_start, key_start, value_start] = self.starts(head);
        let keys = pack_columns(&key_value[key_start..], 2 * hidden, tokens, width, keys, Spread::Here);
        let values = pack_rows(&key_value[value_start..], 2 * hidden, tokens, width, values, Spread::Here);
        // Rows of whole groups, so that products need not copy them.
        let stride = tokens.next_multiple_of(E::GROUP);
        for first in (0..head.sequence.queries).step_by(QUERIES) {
            let count = (head.sequence.queries - first).min(QUERIES);
            scores.resize(count * tokens, 0.0);
            probabilities.clear();
            probabilities.resize(count * stride, E::default());
            let left = Left::Rows { values: &query[query_start + first * hidden..], stride: hidden };
            multiply(
                self.processor,
                left,
                0..count,
                keys,
                0..keys.count(),
                #[inline(always)]
                |row, column, found| {
                    scores[row * tokens + column..][..found.len()].copy_from_slice(found);
                },
            );
            // SAFETY: the part belongs to this head of this sequence, and each is computed by one thread.
            let log_sums = unsafe { log_sums.part(self.log_sums_start(head) + first, count) };
            let rows = scores.chunks_exact_mut(tokens).zip(probabilities.chunks_exact_mut(stride)).zip(log_sums);
            for (row, ((scores, probabilities), log_sum)) in rows.enumerate() {
                *log_sum = softmax(scores, self.scale());
                self.drop_out(head, first + row, scores);
                for (probability, &score) in probabilities.iter_mut().zip(scores.iter()) {
                    *probability = E::narrow(score);
                }
            }
            let left = Left::FilledRows { values: probabilities, stride };
            multiply(
                self.processor,
                left,
                0..count,
                values,
                0..values.count(),
                #[inline(always)]
                |row, column, found| {
                    let start = query_start + (first + row) * hidden + column;
                    // SAFETY: as above; the part is within the head's columns.
                    let context = unsafe { context.part(start, found.len()) };
                    for (context, &found) in context.iter_mut().zip(found) {
                        *context = E::narrow(found);
                    }
                },
            );
        }
    }
}

#[cfg(test)]
mod tests;
