//! The gradient of one layer.

use super::arguments::{AttentionGradient, GeluGradient, NormGradient, ScatterRows};
use super::backend::{Address, Backend, Buffer, Into, Launch, Matrix};
use super::layer::{Layer, LayerAddresses};
use super::pass::{Normalised, THREADS};
use crate::model::ModelError;
use crate::model::engine::Place;

/// What the backward pass computes in, shared by all layers.
#[derive(Debug)]
pub(super) struct BackwardMemory<B: Backend> {
    /// With respect to what flows from layer to layer, f32: rows × hidden.
    pub stream: Buffer<B>,
    /// The next stream, where it has more rows than this one.
    pub wider: Buffer<B>,
    to_product: Buffer<B>,
    to_inner: Buffer<B>,
    to_context: Buffer<B>,
    to_query_key_value: Buffer<B>,
    products: Buffer<B>,
    pub sums: Buffer<B>,
    pub lists: Buffer<B>,
}

impl<B: Backend> Default for BackwardMemory<B> {
    fn default() -> Self {
        Self {
            stream: Buffer::default(),
            wider: Buffer::default(),
            to_product: Buffer::default(),
            to_inner: Buffer::default(),
            to_context: Buffer::default(),
            to_query_key_value: Buffer::default(),
            products: Buffer::default(),
            sums: Buffer::default(),
            lists: Buffer::default(),
        }
    }
}

impl<B: Backend> Layer<'_, B> {
    /// Takes the gradient with respect to the layer's result from `memory.stream` (one row for each token that asks)
    /// and puts that with respect to its input (tokens × hidden) there; adds to the gradients of its parameters.
    /// `input` is what [`forward`](Self::forward) took, `at` where it left the rest.
    ///
    /// # Safety
    /// They must be that; `gradient` must have room for all parameters, and `memory.stream` hold the gradient.
    pub(super) unsafe fn backward(
        &self,
        input: Address,
        at: &LayerAddresses,
        memory: &mut BackwardMemory<B>,
        gradient: Address,
    ) -> Result<(), ModelError> {
        let Self { pass, places, .. } = *self;
        let (backend, size) = (pass.backend, pass.size());
        let (hidden, inner) = (pass.config.hidden_size, pass.config.intermediate_size);
        let asking = self.asking();
        let to = |start: usize| gradient.skip(start, 4);
        let to_product = memory.to_product.make_room(backend, asking * hidden, size)?;
        let to_inner = memory.to_inner.make_room(backend, asking * inner, size)?;
        let to_context = memory.to_context.make_room(backend, asking * hidden, size)?;
        let product = Matrix { address: to_product, stride: hidden };
        let widened = Matrix { address: to_inner, stride: inner };
        let stream = memory.stream.address();

        // SAFETY: the caller's, and there is room for all that is written.
        unsafe {
            self.norm_back(at.result, stream, to_product, memory, [&places.output_norm, &places.output], 2, gradient)?;

            // The feed-forward network.
            pass.to_weight([asking, inner, hidden], product, at.activated, to(places.output.weight.start))?;
            pass.to_input([asking, inner, hidden], product, &places.output.weight, to_inner, Into::Factors)?;
            let launch = pass.column_launch(asking, inner);
            let sums = memory.sums.make_room(backend, launch.grid[0] * inner, 4)?;
            let arguments =
                GeluGradient { input: at.inner, gradient: to_inner, sums, rows: asking as u32, width: inner as u32 };
            pass.launch("gelu_gradient", launch, &arguments)?;
            pass.add_sums(sums, launch.grid[0], inner, &[to(places.intermediate.bias.start)])?;
            let weight = &places.intermediate.weight;
            pass.to_weight([asking, hidden, inner], widened, at.attended.output, to(weight.start))?;
            pass.to_input([asking, hidden, inner], widened, weight, stream, Into::Sums)?;

            let norm = [&places.attention_norm, &places.attention_output];
            self.norm_back(at.attended, stream, to_product, memory, norm, 1, gradient)?;

            // Attention.
            let weight = &places.attention_output.weight;
            pass.to_weight([asking, hidden, hidden], product, at.context, to(weight.start))?;
            pass.to_input([asking, hidden, hidden], product, weight, to_context, Into::Factors)?;
            self.attention_back(input, at, to_context, memory, gradient)
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are one call's operands")]
    unsafe fn norm_back(
        &self,
        normalised: Normalised,
        stream: Address,
        to_product: Address,
        memory: &mut BackwardMemory<B>,
        [norm, linear]: [&Place; 2],
        site: u64,
        gradient: Address,
    ) -> Result<(), ModelError> {
        let pass = self.pass;
        let arguments = NormGradient {
            gradient: stream,
            normal: normalised.normal,
            scales: normalised.scales,
            weight: pass.value(&norm.weight),
            slots: self.slots(),
            behind: super::arguments::Dropout::of(None),
            dropout: pass.sampler(pass.config.hidden_dropout_prob, self.site(site)),
            to_product,
            sums: Address::NONE,
            rows: self.asking() as u32,
            width: pass.config.hidden_size as u32,
        };
        let parameters = [norm.weight.start, norm.bias.start, linear.bias.start].map(|start| gradient.skip(start, 4));
        // SAFETY: the caller's.
        unsafe { pass.norm_gradient(arguments, &mut memory.sums, &parameters) }
    }

    unsafe fn attention_back(
        &self,
        input: Address,
        at: &LayerAddresses,
        to_context: Address,
        memory: &mut BackwardMemory<B>,
        gradient: Address,
    ) -> Result<(), ModelError> {
        let Self { pass, places, .. } = *self;
        let (config, batch, backend) = (pass.config, pass.batch, pass.backend);
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let (tokens, asking) = (batch.tokens, self.asking());
        let to = |start: usize| gradient.skip(start, 4);
        let all = memory.to_query_key_value.make_room(backend, tokens * 3 * hidden, pass.size())?;
        let products = memory.products.make_room(backend, asking * heads, 4)?;
        let [to_query, to_key, to_value] = self.query_key_value(all);
        let arguments = AttentionGradient {
            forward: self.attention(at),
            from_above: to_context,
            products,
            to_query: to_query.address,
            to_key: to_key.address,
            to_value: to_value.address,
            queries: asking as u32,
        };
        let longest = if self.is_last() { 1 } else { batch.longest };
        let stream = memory.stream.address();
        // SAFETY: the caller's, and there is room for all that is written.
        unsafe {
            let launch = Launch { grid: [(asking * heads).div_ceil(THREADS / 32), 1, 1], threads: THREADS, shared: 0 };
            backend.launch(&pass.products_kernel(), launch, &arguments)?;
            let kernel = pass.attention_kernel("attention_to_query");
            backend.launch(&kernel, self.attention_launch(longest), &arguments)?;
            let kernel = pass.attention_kernel("attention_to_key");
            backend.launch(&kernel, self.attention_launch(batch.longest), &arguments)?;

            if !self.is_last() {
                let weight = places.query.weight.start..places.key_value.weight.end;
                pass.column_sums(all, [tokens, 3 * hidden], &mut memory.sums, to(places.query.bias.start))?;
                pass.to_weight([tokens, hidden, 3 * hidden], to_query, input, to(weight.start))?;
                return pass.to_input([tokens, hidden, 3 * hidden], to_query, &weight, stream, Into::Sums);
            }
            let Place { weight, bias } = &places.query;
            pass.column_sums(to_query.address, [asking, hidden], &mut memory.sums, to(bias.start))?;
            pass.to_weight([asking, hidden, hidden], to_query, at.residual, to(weight.start))?;
            pass.to_input([asking, hidden, hidden], to_query, weight, stream, Into::Sums)?;
            let wider = memory.wider.make_room(backend, tokens * hidden, 4)?;
            backend.clear(wider, tokens * hidden * 4)?;
            let arguments = ScatterRows { from: stream, to: wider, numbers: batch.firsts, width: hidden as u32 };
            backend.launch("scatter_rows", Launch { grid: [asking, 1, 1], threads: THREADS, shared: 0 }, &arguments)?;
            std::mem::swap(&mut memory.stream, &mut memory.wider);
            let Place { weight, bias } = &places.key_value;
            pass.column_sums(to_key.address, [tokens, 2 * hidden], &mut memory.sums, to(bias.start))?;
            pass.to_weight([tokens, hidden, 2 * hidden], to_key, input, to(weight.start))?;
            pass.to_input([tokens, hidden, 2 * hidden], to_key, weight, memory.stream.address(), Into::Sums)
        }
    }
}
