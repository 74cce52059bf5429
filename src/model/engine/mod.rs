//! The processor's engine: the same network as [`bert`](super::bert), with a backward pass written by hand, in buffers
//! that are allocated once, on tokens without padding, in f32 or bf16.
//!
//! Parameters, gradients and moments are flat buffers in f32 ([`ParameterSet`](super::ParameterSet)). In bf16 the
//! operands of products and what is kept between them are narrow; LayerNorm, softmax, the head, gradients of
//! parameters and the stream of gradients from layer to layer are f32.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `kernels` | matrix products, attention, LayerNorm and what else is computed, one a file |
//! | `tokens` | a batch without its padding |
//! | `offsets` | where each module's parameters lie in the flat buffer |
//! | `pass` | what all modules need to know of a way through the network |
//! | `embeddings` | the first module, and its gradient |
//! | `linear` | products with weights, forward and back |
//! | `layer` | a layer of the encoder |
//! | `layer_gradient` | its gradient |
//! | `head` | pooler and classifier, and their gradient |

mod embeddings;
mod head;
mod kernels;
mod layer;
mod layer_gradient;
mod linear;
mod offsets;
mod pass;
#[cfg(test)]
mod testing;
mod tokens;

use super::parameter_set::Layout;
use super::{BertConfig, DropoutKey, LossGradient, ModelError, Precision};
use crate::pairs::Batch;
use half::bf16;
use head::HeadMemory;
use kernels::{Element, Normalised, Processor};
use layer::{Layer, LayerMemory, LayerPacks};
use layer_gradient::BackwardMemory;
pub(in crate::model) use offsets::Places;
#[cfg(any(test, feature = "cuda"))]
pub(in crate::model) use offsets::{LayerPlaces, Place};
use pass::Pass;
use std::sync::{Mutex, PoisonError};
pub(in crate::model) use tokens::Tokens;

pub(crate) use kernels::vectorized;

/// Computes logits and gradients from flat parameters, one batch at a time: a second caller waits. So it must not be
/// called from tasks of the pool that it computes on, which could come to wait for themselves.
///
/// Batches are checked by [`CrossEncoder`](super::CrossEncoder): every sequence has a token, and every id and position
/// a row in its table.
#[derive(Debug)]
pub(super) struct Engine {
    config: BertConfig,
    places: Places,
    processor: Processor,
    memory: Memory,
}

/// The buffers, in the format of activations.
#[derive(Debug)]
enum Memory {
    F32(Mutex<Buffers<f32>>),
    Bf16(Mutex<Buffers<bf16>>),
}

#[derive(Debug, Default)]
struct Buffers<E> {
    /// All layers' weights, packed once for scoring; empty when they have changed since.
    packs: Vec<LayerPacks<E>>,
    /// One layer's weights, packed for one pass of training: the next step changes them.
    layer_packs: LayerPacks<E>,
    embedded: Normalised<E>,
    layers: Vec<LayerMemory<E>>,
    head: HeadMemory,
    backward: BackwardMemory<E>,
}

impl Engine {
    pub(super) fn new(config: &BertConfig, layout: &Layout, precision: Precision) -> Result<Self, ModelError> {
        Ok(Self {
            config: config.clone(),
            places: Places::new(layout, config.num_hidden_layers)?,
            processor: Processor::detect(),
            memory: match precision {
                Precision::F32 => Memory::F32(Mutex::default()),
                Precision::Bf16 => Memory::Bf16(Mutex::default()),
            },
        })
    }

    /// Logits without gradients or dropout. Weights are packed at the first call and again after
    /// [`parameters_changed`](Self::parameters_changed).
    pub(super) fn logits(&self, parameters: &[f32], batch: &Batch) -> Vec<[f32; 2]> {
        let tokens = Tokens::of(batch);
        let pass = self.pass(parameters, &tokens, None);
        // Buffers hold nothing from one call to the next but packed weights, which are whole or absent.
        match &self.memory {
            Memory::F32(memory) => memory.lock().unwrap_or_else(PoisonError::into_inner).score(&pass),
            Memory::Bf16(memory) => memory.lock().unwrap_or_else(PoisonError::into_inner).score(&pass),
        }
    }

    /// Logits; `to_logits` turns them into the gradient of a loss with respect to them, and the gradients of that loss
    /// with respect to the parameters are added to `gradient`.
    pub(super) fn backpropagate(
        &self,
        parameters: &[f32],
        batch: &Batch,
        dropout: Option<DropoutKey>,
        to_logits: &mut LossGradient<'_>,
        gradient: &mut [f32],
    ) -> Vec<[f32; 2]> {
        let tokens = Tokens::of(batch);
        let pass = self.pass(parameters, &tokens, dropout);
        match &self.memory {
            Memory::F32(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).learn(&pass, to_logits, gradient)
            }
            Memory::Bf16(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).learn(&pass, to_logits, gradient)
            }
        }
    }

    /// Forgets packed weights.
    pub(super) fn parameters_changed(&mut self) {
        match &mut self.memory {
            Memory::F32(memory) => memory.get_mut().unwrap_or_else(PoisonError::into_inner).packs.clear(),
            Memory::Bf16(memory) => memory.get_mut().unwrap_or_else(PoisonError::into_inner).packs.clear(),
        }
    }

    fn pass<'a>(&'a self, values: &'a [f32], tokens: &'a Tokens, dropout: Option<DropoutKey>) -> Pass<'a> {
        Pass { config: &self.config, places: &self.places, values, processor: self.processor, tokens, dropout }
    }
}

impl<E: Element> Buffers<E> {
    fn score(&mut self, pass: &Pass<'_>) -> Vec<[f32; 2]> {
        if self.packs.is_empty() {
            self.packs = (pass.places.layers.iter())
                .map(|layer| {
                    let mut packs = LayerPacks::default();
                    packs.pack(pass, layer);
                    packs
                })
                .collect();
        }
        pass.embed(&mut self.embedded, false);
        // Each layer writes where the one before the last has written.
        if self.layers.len() < 2 {
            self.layers.resize_with(2, LayerMemory::default);
        }
        let batch = Sequences::of(pass);
        let count = pass.places.layers.len();
        for (number, packs) in self.packs.iter().enumerate() {
            let layer = batch.layer(pass, number);
            let (even, odd) = self.layers.split_at_mut(1);
            let (before, memory) = if number % 2 == 0 { (&odd[0], &mut even[0]) } else { (&even[0], &mut odd[0]) };
            let input = if number == 0 { &self.embedded.output } else { &before.result.output };
            layer.forward(input, packs, memory, false);
        }
        let last = &self.layers[(count - 1) % 2];
        pass.head(&last.result.output, &mut self.head)
    }

    fn learn(&mut self, pass: &Pass<'_>, to_logits: &mut LossGradient<'_>, gradient: &mut [f32]) -> Vec<[f32; 2]> {
        let count = pass.places.layers.len();
        self.layers.resize_with(count.max(2), LayerMemory::default);
        pass.embed(&mut self.embedded, true);
        let batch = Sequences::of(pass);
        for number in 0..count {
            let layer = batch.layer(pass, number);
            self.layer_packs.pack(pass, layer.places);
            let (before, rest) = self.layers.split_at_mut(number);
            let input = before.last().map_or(&self.embedded.output, |before| &before.result.output);
            layer.forward(input, &self.layer_packs, &mut rest[0], true);
        }
        let logits = pass.head(&self.layers[count - 1].result.output, &mut self.head);
        let backward = &mut self.backward;
        pass.head_back(&to_logits(&logits), &mut self.head, &mut backward.stream, gradient);
        for number in (0..count).rev() {
            let (before, rest) = self.layers.split_at_mut(number);
            let input = before.last().map_or(&self.embedded.output, |before| &before.result.output);
            batch.layer(pass, number).backward(input, &mut rest[0], backward, gradient);
        }
        pass.embed_back(&self.embedded, &mut backward.stream, &mut backward.to_product, gradient);
        logits
    }
}

/// The batch as its layers see it.
struct Sequences {
    all: Vec<kernels::Sequence>,
    first: Vec<kernels::Sequence>,
    first_slots: Vec<usize>,
}

impl Sequences {
    fn of(pass: &Pass<'_>) -> Self {
        let tokens = pass.tokens;
        Self { all: tokens.asking(false), first: tokens.asking(true), first_slots: tokens.first_slots() }
    }

    fn layer<'a>(&'a self, pass: &Pass<'a>, number: usize) -> Layer<'a> {
        let is_last = number + 1 == pass.places.layers.len();
        Layer {
            pass: *pass,
            places: &pass.places.layers[number],
            number,
            sequences: if is_last { &self.first } else { &self.all },
            slots: if is_last { &self.first_slots } else { &pass.tokens.slots },
        }
    }
}
