//! The pooler over `[CLS]` and the classifier, in f32: tanh of a linear layer, dropout, and a linear layer to two
//! logits; and the gradient of that.

use super::kernels::{Element, add, dot, vectorized};
use super::offsets::parts;
use super::pass::Pass;
use crate::model::dropout::Sampler;
use rayon::prelude::*;

/// What the head computes, a row for each sequence.
#[derive(Debug, Default)]
pub(super) struct HeadMemory {
    /// What it takes: sequences × hidden.
    input: Vec<f32>,
    /// After tanh.
    pooled: Vec<f32>,
    /// After dropout.
    kept: Vec<f32>,
    /// With respect to what goes into tanh.
    to_linear: Vec<f32>,
}

impl Pass<'_> {
    fn head_dropout(&self) -> Option<Sampler> {
        self.sampler(self.config.hidden_dropout_prob, 1 + 3 * self.config.num_hidden_layers as u64)
    }

    /// Logits. `input`: sequences × hidden.
    pub(super) fn head<E: Element>(&self, input: &[E], memory: &mut HeadMemory) -> Vec<[f32; 2]> {
        let hidden = self.config.hidden_size;
        let places = self.places;
        let [weight, bias] = [&places.pooler.weight, &places.pooler.bias].map(|range| &self.values[range.clone()]);
        let HeadMemory { input: wide, pooled, kept, .. } = memory;
        wide.clear();
        wide.extend(input.iter().map(|value| value.widen()));
        pooled.resize(wide.len(), 0.0);
        pooled.par_chunks_mut(hidden).zip(wide.par_chunks(hidden)).for_each(|(pooled, input)| {
            vectorized(
                #[inline(always)]
                || {
                    for ((pooled, weight), bias) in pooled.iter_mut().zip(weight.chunks_exact(hidden)).zip(bias) {
                        *pooled = (dot(weight, input) + bias).tanh();
                    }
                },
            );
        });
        kept.clone_from(pooled);
        if let Some(dropout) = self.head_dropout() {
            dropout.apply(0, kept);
        }
        let [weight, bias] =
            [&places.classifier.weight, &places.classifier.bias].map(|range| &self.values[range.clone()]);
        kept.chunks_exact(hidden)
            .map(|kept| [0, 1].map(|class| dot(&weight[class * hidden..][..hidden], kept) + bias[class]))
            .collect()
    }

    /// Takes the gradient with respect to the logits, writes that with respect to what [`head`](Self::head) took to
    /// `stream`, and adds to those of its parameters.
    pub(super) fn head_back(
        &self,
        to_logits: &[[f32; 2]],
        memory: &mut HeadMemory,
        stream: &mut Vec<f32>,
        gradient: &mut [f32],
    ) {
        let hidden = self.config.hidden_size;
        let places = self.places;
        let HeadMemory { input, pooled, kept, to_linear } = memory;
        let weight = &self.values[places.classifier.weight.clone()];
        let [to_weight, to_bias] = parts(gradient, [&places.classifier.weight, &places.classifier.bias]);
        to_linear.clear();
        to_linear.resize(kept.len(), 0.0);
        for ((to_linear, kept), to_logits) in
            to_linear.chunks_exact_mut(hidden).zip(kept.chunks_exact(hidden)).zip(to_logits)
        {
            for (class, &to_logit) in to_logits.iter().enumerate() {
                let class_row = class * hidden..(class + 1) * hidden;
                add_scaled(to_linear, to_logit, &weight[class_row.clone()]);
                add_scaled(&mut to_weight[class_row], to_logit, kept);
                to_bias[class] += to_logit;
            }
        }
        if let Some(dropout) = self.head_dropout() {
            dropout.apply(0, to_linear);
        }
        for (to_linear, pooled) in to_linear.iter_mut().zip(pooled) {
            *to_linear *= 1.0 - *pooled * *pooled;
        }

        let weight = &self.values[places.pooler.weight.clone()];
        let [to_weight, to_bias] = parts(gradient, [&places.pooler.weight, &places.pooler.bias]);
        to_weight.par_chunks_mut(hidden).enumerate().for_each(|(output, to_weight)| {
            for (to_linear, input) in to_linear.chunks_exact(hidden).zip(input.chunks_exact(hidden)) {
                add_scaled(to_weight, to_linear[output], input);
            }
        });
        stream.clear();
        stream.resize(to_linear.len(), 0.0);
        stream.par_chunks_mut(hidden).zip(to_linear.par_chunks(hidden)).for_each(|(stream, to_linear)| {
            for (&to_output, weight) in to_linear.iter().zip(weight.chunks_exact(hidden)) {
                add_scaled(stream, to_output, weight);
            }
        });
        to_linear.chunks_exact(hidden).for_each(|row| add(to_bias, row));
    }
}

/// Adds `scale · values`.
fn add_scaled(sums: &mut [f32], scale: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::testing::{assert_near, mask, numbers, slopes, tolerance, weighted, wide};
    use super::super::testing::{Fixture, KEY, assert_only_in};
    use super::*;
    use crate::model::DropoutKey;
    use crate::model::engine::offsets::Place;
    use half::bf16;

    /// The head in f64, over all parameters of a model.
    fn plain(pass: &Pass<'_>, values: &[f64], input: &[f64], mask: &[f64]) -> Vec<f64> {
        let hidden = pass.config.hidden_size;
        let linear = |place: &Place, row: &[f64]| -> Vec<f64> {
            let (weight, bias) = (&values[place.weight.clone()], &values[place.bias.clone()]);
            weight.chunks(hidden).zip(bias).map(|(weight, bias)| weighted(weight, row) + bias).collect()
        };
        let rows = input.chunks(hidden).zip(mask.chunks(hidden));
        rows.flat_map(|(row, mask)| {
            let pooled = linear(&pass.places.pooler, row);
            let kept: Vec<f64> = pooled.iter().zip(mask).map(|(pooled, mask)| pooled.tanh() * mask).collect();
            linear(&pass.places.classifier, &kept)
        })
        .collect()
    }

    fn check<E: Element>(hidden: usize, sequences: usize, dropout: Option<DropoutKey>) {
        let fixture = Fixture::new(hidden, &vec![1; sequences]);
        let pass = fixture.pass(dropout);
        let input = numbers::<E>(sequences * hidden, 2);
        let mask = mask(pass.head_dropout(), input.len());
        let (values, wide_input) = (wide(&fixture.values), wide(&input));

        let mut memory = HeadMemory { pooled: vec![f32::NAN; 2], ..HeadMemory::default() };
        let logits = pass.head(&input, &mut memory);
        let expected = plain(&pass, &values, &wide_input, &mask);
        assert_near("logits", logits.as_flattened(), &expected, tolerance::<f32>());

        let from_above = numbers::<f32>(2 * sequences, 3);
        let weights = wide(&from_above);
        let (mut stream, mut gradient) = (vec![f32::NAN; 3], fixture.no_gradient());
        pass.head_back(from_above.as_chunks().0, &mut memory, &mut stream, &mut gradient);
        let expected = slopes(&wide_input, |input| weighted(&weights, &plain(&pass, &values, input, &mask)));
        assert_near("to input", &stream, &expected, tolerance::<f32>());
        let places = [&pass.places.pooler, &pass.places.classifier].map(|place| [&place.weight, &place.bias]);
        for range in places.as_flattened() {
            let mut values = values.clone();
            let own = values[(*range).clone()].to_vec();
            let expected = slopes(&own, |own| {
                values[(*range).clone()].copy_from_slice(own);
                weighted(&weights, &plain(&pass, &values, &wide_input, &mask))
            });
            assert_near("to a parameter", &gradient[(*range).clone()], &expected, tolerance::<f32>());
        }
        assert_only_in(&gradient, places.as_flattened());
    }

    #[test]
    fn gradients_by_finite_differences() {
        for (hidden, sequences) in [(1, 1), (5, 3), (17, 1), (33, 7)] {
            for dropout in [None, Some(KEY)] {
                check::<f32>(hidden, sequences, dropout);
                // Only its input is narrow.
                check::<bf16>(hidden, sequences, dropout);
            }
        }
    }
}
