//! The pooler over `[CLS]` and the classifier, in f32, and their gradient.

use super::arguments::{Classify, HeadGradient, Pool, ToLinear, ToPooled};
use super::backend::{Address, Backend, Buffer, Launch};
use super::pass::{Pass, THREADS};
use crate::model::ModelError;

/// What the head computes, a row for each sequence.
#[derive(Debug)]
pub(super) struct HeadMemory<B: Backend> {
    pooled: Buffer<B>,
    kept: Buffer<B>,
    to_linear: Buffer<B>,
    /// Rows × 2, f32.
    pub logits: Buffer<B>,
    /// With respect to the logits.
    pub slopes: Buffer<B>,
}

impl<B: Backend> Default for HeadMemory<B> {
    fn default() -> Self {
        Self {
            pooled: Buffer::default(),
            kept: Buffer::default(),
            to_linear: Buffer::default(),
            logits: Buffer::default(),
            slopes: Buffer::default(),
        }
    }
}

impl<B: Backend> Pass<'_, B> {
    fn head_site(&self) -> u64 {
        1 + 3 * self.config.num_hidden_layers as u64
    }

    /// Writes `memory.logits`. `input`: sequences × hidden.
    ///
    /// # Safety
    /// `input` must be that, and the pass's addresses what they say.
    pub(super) unsafe fn head(&self, input: Address, memory: &mut HeadMemory<B>) -> Result<(), ModelError> {
        let (rows, hidden, places) = (self.batch.rows, self.config.hidden_size, self.places);
        let pooled = memory.pooled.make_room(self.backend, rows * hidden, 4)?;
        let kept = memory.kept.make_room(self.backend, rows * hidden, 4)?;
        let logits = memory.logits.make_room(self.backend, rows * 2, 4)?;
        memory.slopes.make_room(self.backend, rows * 2, 4)?;
        let pool = Pool {
            input,
            weight: self.value(&places.pooler.weight),
            bias: self.value(&places.pooler.bias),
            dropout: self.sampler(self.config.hidden_dropout_prob, self.head_site()),
            pooled,
            kept,
            rows: rows as u32,
            width: hidden as u32,
        };
        let classify = Classify {
            kept,
            weight: self.value(&places.classifier.weight),
            bias: self.value(&places.classifier.bias),
            logits,
            width: hidden as u32,
        };
        // SAFETY: the caller's, and there is room for all that is written.
        unsafe {
            let grid = [hidden.div_ceil(THREADS / 32), rows, 1];
            self.launch("pool", Launch { grid, threads: THREADS, shared: 0 }, &pool)?;
            self.backend.launch("classify", Launch { grid: [rows, 1, 1], threads: 64, shared: 0 }, &classify)
        }
    }

    /// Takes the gradient with respect to the logits from `memory.slopes`, writes that with respect to what
    /// [`head`](Self::head) took to `stream`, and adds to those of its parameters.
    ///
    /// # Safety
    /// As [`head`](Self::head); `stream` must have room for sequences × hidden, `gradient` for all parameters.
    pub(super) unsafe fn head_back(
        &self,
        input: Address,
        memory: &mut HeadMemory<B>,
        stream: Address,
        gradient: Address,
    ) -> Result<(), ModelError> {
        let (rows, hidden, places) = (self.batch.rows, self.config.hidden_size, self.places);
        let to = |start: usize| gradient.skip(start, 4);
        let to_linear = memory.to_linear.make_room(self.backend, rows * hidden, 4)?;
        let slopes = memory.slopes.address();
        let linear = ToLinear {
            slopes,
            weight: self.value(&places.classifier.weight),
            pooled: memory.pooled.address(),
            dropout: self.sampler(self.config.hidden_dropout_prob, self.head_site()),
            to_linear,
            width: hidden as u32,
        };
        let parameters = HeadGradient {
            input,
            to_linear,
            kept: memory.kept.address(),
            slopes,
            pooler_weight: to(places.pooler.weight.start),
            pooler_bias: to(places.pooler.bias.start),
            classifier_weight: to(places.classifier.weight.start),
            classifier_bias: to(places.classifier.bias.start),
            rows: rows as u32,
            width: hidden as u32,
        };
        let pooled =
            ToPooled { to_linear, weight: self.value(&places.pooler.weight), to_input: stream, width: hidden as u32 };
        let launch = |grid| Launch { grid, threads: THREADS, shared: 0 };
        // SAFETY: the caller's, and there is room for all that is written.
        unsafe {
            self.backend.launch("to_linear", launch([rows, 1, 1]), &linear)?;
            self.launch("head_gradient", launch([hidden + 2, 1, 1]), &parameters)?;
            self.backend.launch("to_pooled", launch([hidden.div_ceil(32), rows, 1]), &pooled)
        }
    }
}
