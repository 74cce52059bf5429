//! The gradient of one layer, by hand.

use super::kernels::{AttentionGradient, Element, NormGradient, column_sums, gelu_slope};
use super::layer::{Layer, LayerMemory};
use super::linear::{PackedOperands, product_into};
use super::offsets::{Place, parts};

/// What the backward pass computes in, shared by all layers.
#[derive(Debug, Default)]
pub(super) struct BackwardMemory<E> {
    /// With respect to what flows from layer to layer, f32: rows × hidden.
    pub stream: Vec<f32>,
    /// The next stream, where it has more rows than this one.
    wider: Vec<f32>,
    /// With respect to a product: rows × hidden.
    pub to_product: Vec<E>,
    to_context: Vec<E>,
    to_query: Vec<E>,
    to_key_value: Vec<E>,
    operands: PackedOperands<E>,
}

impl Layer<'_> {
    /// Takes the gradient with respect to the layer's result from `backward.stream` (one row for each token that asks)
    /// and puts that with respect to its input (tokens × hidden) there; adds to the gradients of its parameters.
    /// `input` is what [`forward`](Self::forward) took, `memory` what it kept; `memory.inner` is used up.
    pub(super) fn backward<E: Element>(
        &self,
        input: &[E],
        memory: &mut LayerMemory<E>,
        backward: &mut BackwardMemory<E>,
        gradient: &mut [f32],
    ) {
        let BackwardMemory { stream, wider, to_product, to_context, to_query, to_key_value, operands } = backward;
        let (config, places, processor) = (self.pass.config, self.places, self.pass.processor);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let (tokens, asking) = (input.len() / hidden, self.slots.len());
        let weight = |place: &Place| &self.pass.values[place.weight.clone()];
        let residual = if self.is_last() { &memory.asking } else { input };

        to_product.resize(asking * hidden, E::default());
        let norm = NormGradient {
            weight: weight(&places.output_norm),
            normalised: &memory.result,
            dropout: self.output_dropout(),
            slots: self.slots,
        };
        let norm_places = [&places.output_norm.weight, &places.output_norm.bias, &places.output.bias];
        norm.compute(stream, to_product, parts(gradient, norm_places));

        // The feed-forward network. The gradient before GELU takes the place of the numbers before GELU.
        let sums = &mut gradient[places.output.weight.clone()];
        operands.add_weight_gradient(processor, to_product, &memory.activated, inner, sums);
        let packed = operands.weight(weight(&places.output), inner);
        product_into(
            processor,
            to_product,
            hidden,
            packed,
            &mut memory.inner,
            inner,
            #[inline(always)]
            |inner, _, found| {
                for (inner, found) in inner.iter_mut().zip(found) {
                    *inner = E::narrow(found * gelu_slope(inner.widen()));
                }
            },
        );
        column_sums(&memory.inner, &mut gradient[places.intermediate.bias.clone()]);
        let sums = &mut gradient[places.intermediate.weight.clone()];
        operands.add_weight_gradient(processor, &memory.inner, &memory.attended.output, hidden, sums);
        let packed = operands.weight(weight(&places.intermediate), hidden);
        product_into(processor, &memory.inner, inner, packed, stream, hidden, add_product);

        let norm = NormGradient {
            weight: weight(&places.attention_norm),
            normalised: &memory.attended,
            dropout: self.attention_dropout(),
            slots: self.slots,
        };
        let norm_places = [&places.attention_norm.weight, &places.attention_norm.bias, &places.attention_output.bias];
        norm.compute(stream, to_product, parts(gradient, norm_places));

        // Attention.
        let sums = &mut gradient[places.attention_output.weight.clone()];
        operands.add_weight_gradient(processor, to_product, &memory.context, hidden, sums);
        to_context.resize(asking * hidden, E::default());
        let packed = operands.weight(weight(&places.attention_output), hidden);
        product_into(
            processor,
            to_product,
            hidden,
            packed,
            to_context,
            hidden,
            #[inline(always)]
            |output, _, found| {
                for (output, &found) in output.iter_mut().zip(found) {
                    *output = E::narrow(found);
                }
            },
        );
        to_query.resize(asking * hidden, E::default());
        to_key_value.resize(tokens * 2 * hidden, E::default());
        AttentionGradient {
            attention: self.attention(),
            query: &memory.query,
            key_value: &memory.key_value,
            log_sums: &memory.log_sums,
            from_above: to_context,
        }
        .compute(to_query, to_key_value);

        for (place, to_output, input) in
            [(&places.query, &*to_query, residual), (&places.key_value, &*to_key_value, input)]
        {
            column_sums(to_output, &mut gradient[place.bias.clone()]);
            operands.add_weight_gradient(processor, to_output, input, hidden, &mut gradient[place.weight.clone()]);
        }
        let packed = operands.weight(weight(&places.query), hidden);
        product_into(processor, to_query, hidden, packed, stream, hidden, add_product);
        if self.is_last() {
            wider.clear();
            wider.resize(tokens * hidden, 0.0);
            for (row, &first) in stream.chunks_exact(hidden).zip(self.pass.tokens.firsts()) {
                wider[first * hidden..(first + 1) * hidden].copy_from_slice(row);
            }
            std::mem::swap(stream, wider);
        }
        let packed = operands.weight(weight(&places.key_value), hidden);
        product_into(processor, to_key_value, 2 * hidden, packed, stream, hidden, add_product);
    }
}

#[inline(always)]
fn add_product(sums: &mut [f32], _column: usize, found: &[f32]) {
    for (sum, found) in sums.iter_mut().zip(found) {
        *sum += found;
    }
}
