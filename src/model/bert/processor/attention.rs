//! Attention from query, key and value to context, one head of one row at a time.
//!
//! The scores of a head fit into the processor's cache and are computed again in the backward pass, so that no
//! length × length matrix is ever kept (the idea of Dao et al.'s FlashAttention, 2022, in its plainest form). Padding
//! costs nothing: each row is computed at its own length, and what stands at padding is zero.

use super::matrix::{Existing, Matrix, multiply};
use super::numbers::{dot, softmax};
use super::{operand, tensor, values};
use crate::model::dropout::Sampler;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use gemm::Parallelism;
use rayon::prelude::*;
use std::sync::Arc;

/// softmax(Q Kᵀ / √width) V with dropout on the probabilities; all are rows·length × heads·width.
#[derive(Debug)]
pub(in super::super) struct Attention {
    pub heads: usize,
    /// Tokens a row, padding included.
    pub length: usize,
    /// Tokens of each row, padding excluded.
    pub lengths: Arc<[usize]>,
    pub dropout: Option<Sampler>,
}

/// One head of one row.
#[derive(Clone, Copy)]
struct Head<'a> {
    /// Counts the heads of all rows.
    number: usize,
    tokens: usize,
    width: usize,
    query: Matrix<'a>,
    key: Matrix<'a>,
    value: Matrix<'a>,
}

impl Attention {
    /// The head's part of a rows·length × hidden matrix.
    fn part<'a>(&self, values: &'a [f32], hidden: usize, number: usize) -> Matrix<'a> {
        let (row, head) = (number / self.heads, number % self.heads);
        let width = hidden / self.heads;
        let start = row * self.length * hidden + head * width;
        Matrix::new(&values[start..], self.lengths[row], width, hidden)
    }

    fn head<'a>(&self, inputs: [&'a [f32]; 3], hidden: usize, number: usize) -> Head<'a> {
        let [query, key, value] = inputs.map(|values| self.part(values, hidden, number));
        let tokens = self.lengths[number / self.heads];
        Head { number, tokens, width: hidden / self.heads, query, key, value }
    }

    /// The probabilities before dropout, tokens × tokens.
    fn probabilities(head: Head<'_>, probabilities: &mut Vec<f32>) {
        probabilities.resize(head.tokens * head.tokens, 0.0);
        let scale = 1.0 / (head.width as f32).sqrt();
        multiply(probabilities, Existing::Replace, head.query, head.key.transposed(), scale, Parallelism::None);
        probabilities.chunks_exact_mut(head.tokens).for_each(softmax);
    }

    /// Dropout of numbers that belong to the probabilities.
    fn drop_out(&self, head: Head<'_>, values: &mut [f32]) {
        let Some(dropout) = &self.dropout else { return };
        for (row, values) in values.chunks_exact_mut(head.tokens).enumerate() {
            dropout.apply((head.number * self.length + row) * self.length, values);
        }
    }

    /// Turns what was computed head by head (heads of all rows × length × width) into rows·length × hidden.
    fn merge(&self, by_head: &[f32], hidden: usize) -> Vec<f32> {
        let width = hidden / self.heads;
        let mut merged = vec![0.0; by_head.len()];
        merged.par_chunks_mut(hidden).enumerate().for_each(|(token, merged)| {
            let (row, position) = (token / self.length, token % self.length);
            for (head, merged) in merged.chunks_exact_mut(width).enumerate() {
                let start = ((row * self.heads + head) * self.length + position) * width;
                merged.copy_from_slice(&by_head[start..start + width]);
            }
        });
        merged
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        query: &CpuStorage,
        query_layout: &Layout,
        key: &CpuStorage,
        key_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let hidden = query_layout.shape().dims2()?.1;
        let inputs = [operand(query, query_layout)?, operand(key, key_layout)?, operand(value, value_layout)?];
        let mut context = vec![0.0; inputs[0].len()];
        let by_head = context.par_chunks_mut(self.length * (hidden / self.heads)).enumerate();
        by_head.for_each_init(Vec::new, |probabilities, (number, context)| {
            let head = self.head(inputs, hidden, number);
            Self::probabilities(head, probabilities);
            self.drop_out(head, probabilities);
            let probabilities = Matrix::dense(probabilities, head.tokens, head.tokens);
            let context = &mut context[..head.tokens * head.width];
            multiply(context, Existing::Replace, probabilities, head.value, 1.0, Parallelism::None);
        });
        Ok((CpuStorage::F32(self.merge(&context, hidden)), query_layout.shape().clone()))
    }

    /// With P the probabilities, M the mask and C = (P∘M) V: dV = (P∘M)ᵀ dC, dP = (dC Vᵀ)∘M,
    /// dS = P∘(dP − rowsum(dP∘P)), dQ = dS K / √width, dK = dSᵀ Q / √width.
    fn bwd(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        _context: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let hidden = query.dim(1)?;
        let gradient = gradient.contiguous()?;
        let guards = [query, key, value, &gradient].map(Tensor::storage_and_layout);
        let [query_values, key_values, value_values, from_above] = [
            values(&guards[0].0, guards[0].1)?,
            values(&guards[1].0, guards[1].1)?,
            values(&guards[2].0, guards[2].1)?,
            values(&guards[3].0, guards[3].1)?,
        ];
        let inputs = [query_values, key_values, value_values];
        let piece = self.length * (hidden / self.heads);
        let [mut to_query, mut to_key, mut to_value] = inputs.map(|values| vec![0.0; values.len()]);
        to_query
            .par_chunks_mut(piece)
            .zip(to_key.par_chunks_mut(piece))
            .zip(to_value.par_chunks_mut(piece))
            .enumerate()
            .for_each_init(
                || (Vec::new(), Vec::new(), Vec::new()),
                |(probabilities, dropped, to_scores), (number, ((to_query, to_key), to_value))| {
                    let head = self.head(inputs, hidden, number);
                    let from_above = self.part(from_above, hidden, number);
                    let (tokens, used) = (head.tokens, head.tokens * head.width);
                    let square = |values| Matrix::dense(values, tokens, tokens);
                    Self::probabilities(head, probabilities);

                    dropped.clear();
                    dropped.extend_from_slice(probabilities);
                    self.drop_out(head, dropped);
                    let to_value = &mut to_value[..used];
                    let mixing = square(dropped).transposed();
                    multiply(to_value, Existing::Replace, mixing, from_above, 1.0, Parallelism::None);

                    to_scores.resize(tokens * tokens, 0.0);
                    let value = head.value.transposed();
                    multiply(to_scores, Existing::Replace, from_above, value, 1.0, Parallelism::None);
                    self.drop_out(head, to_scores);
                    let rows = to_scores.chunks_exact_mut(tokens).zip(probabilities.chunks_exact(tokens));
                    for (to_scores, probabilities) in rows {
                        let mean = dot(to_scores, probabilities);
                        for (to_score, probability) in to_scores.iter_mut().zip(probabilities) {
                            *to_score = probability * (*to_score - mean);
                        }
                    }
                    let scale = 1.0 / (head.width as f32).sqrt();
                    let to_scores = square(to_scores);
                    multiply(&mut to_query[..used], Existing::Replace, to_scores, head.key, scale, Parallelism::None);
                    let to_scores = to_scores.transposed();
                    multiply(&mut to_key[..used], Existing::Replace, to_scores, head.query, scale, Parallelism::None);
                },
            );
        let result = |values: &[f32]| tensor(self.merge(values, hidden), query).map(Some);
        Ok((result(&to_query)?, result(&to_key)?, result(&to_value)?))
    }
}
