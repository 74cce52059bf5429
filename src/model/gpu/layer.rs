//! One layer of the encoder. In the last one only the first token of each sequence asks, as in the processor's engine.

use super::arguments::{Attention, GatherRows, Gelu, Norm};
use super::backend::{Address, Backend, Buffer, Launch, Matrix};
use super::pass::{NormMemory, Normalised, Pass, THREADS};
use crate::model::ModelError;
use crate::model::engine::{LayerPlaces, Place};

/// Queries of a block of attention, and rows of keys that pass by at once.
const ATTENTION_ROWS: usize = 64;

/// What a layer computes. What follows the attention has one row for each token that asks.
#[derive(Debug)]
pub(super) struct LayerMemory<B: Backend> {
    asking: Buffer<B>,
    query_key_value: Buffer<B>,
    log_sums: Buffer<B>,
    context: Buffer<B>,
    attended: NormMemory<B>,
    inner: Buffer<B>,
    activated: Buffer<B>,
    result: NormMemory<B>,
}

impl<B: Backend> Default for LayerMemory<B> {
    fn default() -> Self {
        Self {
            asking: Buffer::default(),
            query_key_value: Buffer::default(),
            log_sums: Buffer::default(),
            context: Buffer::default(),
            attended: NormMemory::default(),
            inner: Buffer::default(),
            activated: Buffer::default(),
            result: NormMemory::default(),
        }
    }
}

/// Where all that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerAddresses {
    pub residual: Address,
    pub query_key_value: Address,
    pub log_sums: Address,
    pub context: Address,
    pub attended: Normalised,
    pub inner: Address,
    pub activated: Address,
    pub result: Normalised,
}

/// A layer of a pass.
#[derive(Debug)]
pub(super) struct Layer<'a, B: Backend> {
    pub pass: &'a Pass<'a, B>,
    pub places: &'a LayerPlaces,
    pub number: usize,
}

impl<B: Backend> LayerMemory<B> {
    /// As the forward pass left it; `input` is what it took.
    pub(super) fn kept(&self, layer: &Layer<'_, B>, input: Address) -> LayerAddresses {
        LayerAddresses {
            residual: if layer.is_last() { self.asking.address() } else { input },
            query_key_value: self.query_key_value.address(),
            log_sums: self.log_sums.address(),
            context: self.context.address(),
            attended: self.attended.kept(),
            inner: self.inner.address(),
            activated: self.activated.address(),
            result: self.result.kept(),
        }
    }
}

impl<B: Backend> Layer<'_, B> {
    /// Whether only the first tokens ask.
    pub(super) fn is_last(&self) -> bool {
        self.number + 1 == self.pass.config.num_hidden_layers
    }

    /// Tokens that ask.
    pub(super) fn asking(&self) -> usize {
        if self.is_last() { self.pass.batch.rows } else { self.pass.batch.tokens }
    }

    pub(super) fn slots(&self) -> Address {
        if self.is_last() { self.pass.batch.first_slots } else { self.pass.batch.slots }
    }

    pub(super) fn site(&self, place: u64) -> u64 {
        1 + 3 * self.number as u64 + place
    }

    /// Queries, keys and values in what holds all three: side by side, except that in the last layer queries follow
    /// behind all keys and values.
    pub(super) fn query_key_value(&self, all: Address) -> [Matrix; 3] {
        let (hidden, size) = (self.pass.config.hidden_size, self.pass.size());
        let part = |start: usize, stride: usize| Matrix { address: all.skip(start, size), stride };
        if self.is_last() {
            let stride = 2 * hidden;
            [part(self.pass.batch.tokens * stride, hidden), part(0, stride), part(hidden, stride)]
        } else {
            let stride = 3 * hidden;
            [part(0, stride), part(hidden, stride), part(2 * hidden, stride)]
        }
    }

    pub(super) fn attention(&self, at: &LayerAddresses) -> Attention {
        let (config, batch) = (self.pass.config, self.pass.batch);
        let width = config.hidden_size / config.num_attention_heads;
        let [query, key, value] = self.query_key_value(at.query_key_value);
        Attention {
            query: query.address,
            key: key.address,
            value: value.address,
            query_stride: query.stride as u32,
            key_stride: key.stride as u32,
            sequences: if self.is_last() { batch.first_sequences } else { batch.sequences },
            heads: config.num_attention_heads as u32,
            width: width as u32,
            padded_length: batch.padded_length as u32,
            scale: 1.0 / (width as f32).sqrt(),
            dropout: self.pass.sampler(config.attention_probs_dropout_prob, self.site(0)),
            log_sums: at.log_sums,
            context: at.context,
        }
    }

    /// Blocks for rows of a length, heads and sequences.
    pub(super) fn attention_launch(&self, longest: usize) -> Launch {
        let config = self.pass.config;
        let width = config.hidden_size / config.num_attention_heads;
        let room = [32, 64, 128].into_iter().find(|&room| width <= room).unwrap_or(128);
        // As `tile_stride` in the kernels: 16 bytes are added to each row.
        let row = room * self.pass.size() + 16;
        Launch {
            grid: [longest.div_ceil(ATTENTION_ROWS), config.num_attention_heads, self.pass.batch.rows],
            threads: 128,
            shared: ATTENTION_ROWS * row,
        }
    }

    /// `input`: tokens × hidden; `product`: room for a product of tokens × hidden. The result is `result.output`.
    ///
    /// # Safety
    /// `input` must be that, and the pass's addresses what they say.
    pub(super) unsafe fn forward(
        &self,
        input: Address,
        memory: &mut LayerMemory<B>,
        product: &mut Buffer<B>,
        keep: bool,
    ) -> Result<Address, ModelError> {
        let Self { pass, places, .. } = *self;
        let (backend, size) = (pass.backend, pass.size());
        let (hidden, inner) = (pass.config.hidden_size, pass.config.intermediate_size);
        let (tokens, asking) = (pass.batch.tokens, self.asking());
        memory.query_key_value.make_room(backend, tokens * 3 * hidden, size)?;
        memory.log_sums.make_room(backend, asking * pass.config.num_attention_heads, 4)?;
        memory.context.make_room(backend, asking * hidden, size)?;
        memory.inner.make_room(backend, asking * inner, size)?;
        if keep {
            memory.activated.make_room(backend, asking * inner, size)?;
        }
        if self.is_last() {
            memory.asking.make_room(backend, asking * hidden, size)?;
        }
        let product = product.make_room(backend, tokens * hidden, size)?;
        let attended = memory.attended.make_room(pass, asking, keep)?;
        let result = memory.result.make_room(pass, asking, keep)?;
        let at = memory.kept(self, input);
        let activated = if keep { at.activated } else { at.inner };
        let longest = if self.is_last() { 1 } else { pass.batch.longest };

        // SAFETY: the caller's, and there is room for all that is written.
        unsafe {
            let [query, key, _] = self.query_key_value(at.query_key_value);
            if self.is_last() {
                let arguments =
                    GatherRows { from: input, to: at.residual, numbers: pass.batch.firsts, width: hidden as u32 };
                let launch = Launch { grid: [asking, 1, 1], threads: THREADS, shared: 0 };
                pass.launch("gather_rows", launch, &arguments)?;
                let Place { weight, bias } = &places.query;
                pass.linear([asking, hidden, hidden], at.residual, weight, Some(bias), query)?;
                let Place { weight, bias } = &places.key_value;
                pass.linear([tokens, hidden, 2 * hidden], input, weight, Some(bias), key)?;
            } else {
                let weight = places.query.weight.start..places.key_value.weight.end;
                let bias = places.query.bias.start..places.key_value.bias.end;
                pass.linear([tokens, hidden, 3 * hidden], input, &weight, Some(&bias), query)?;
            }
            backend.launch(
                &pass.attention_kernel("attention"),
                self.attention_launch(longest),
                &self.attention(&at),
            )?;
            self.project(
                [at.context, at.residual, product],
                hidden,
                [&places.attention_output, &places.attention_norm],
                1,
                attended,
            )?;
            let Place { weight, bias } = &places.intermediate;
            let output = Matrix { address: at.inner, stride: inner };
            pass.linear([asking, hidden, inner], attended.output, weight, Some(bias), output)?;
            let arguments = Gelu { input: at.inner, output: activated, count: (asking * inner) as u64 };
            let blocks = (asking * inner).div_ceil(THREADS * pass.neighbours());
            pass.launch("gelu", Launch { grid: [blocks, 1, 1], threads: THREADS, shared: 0 }, &arguments)?;
            self.project(
                [activated, attended.output, product],
                inner,
                [&places.output, &places.output_norm],
                2,
                result,
            )?;
        }
        Ok(result.output)
    }

    /// LayerNorm(dropout(input Wᵀ + b) + residual).
    unsafe fn project(
        &self,
        [input, residual, product]: [Address; 3],
        depth: usize,
        [linear, norm]: [&Place; 2],
        site: u64,
        result: Normalised,
    ) -> Result<(), ModelError> {
        let (pass, rows, hidden) = (self.pass, self.asking(), self.pass.config.hidden_size);
        let arguments = Norm {
            product,
            bias: pass.value(&linear.bias),
            residual,
            slots: self.slots(),
            norm: pass.norm(norm),
            dropout: pass.sampler(pass.config.hidden_dropout_prob, self.site(site)),
            normal: result.normal,
            scales: result.scales,
            output: result.output,
            rows: rows as u32,
            width: hidden as u32,
        };
        let output = Matrix { address: product, stride: hidden };
        // SAFETY: the caller's.
        unsafe {
            pass.linear([rows, depth, hidden], input, &linear.weight, None, output)?;
            pass.launch("norm", pass.row_launch(rows), &arguments)
        }
    }
}
