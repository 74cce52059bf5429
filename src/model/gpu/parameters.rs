//! Parameters, gradients and moments on the GPU, and the optimizer's step there.

use super::arguments::{AdamW, Clip, Narrow, Piece, Squares};
use super::backend::{Address, Backend, Buffer, Launch, bytes, bytes_mut};
use super::pass::THREADS;
use crate::model::{Layout, ModelError, Precision};
use std::ops::Range;
use std::sync::Arc;

/// Numbers of one piece of the optimizer's work.
const PIECE: usize = 1 << 14;

/// Blocks that sum squares.
const BLOCKS: usize = 512;

/// Steps whose findings there is room for.
const FINDINGS: usize = 64;

/// Bytes of a step's findings: loss and norm, f64.
const FINDING: usize = 16;

/// One number (f32) for each element of each parameter, in one buffer.
#[derive(Debug)]
pub struct DeviceParameters<B: Backend> {
    backend: Arc<B>,
    layout: Arc<Layout>,
    values: Buffer<B>,
    /// The same in bf16, where products want that.
    narrowed: Option<Buffer<B>>,
}

impl<B: Backend> DeviceParameters<B> {
    /// Zeros. With a precision they are parameters, whose copy in that format is kept beside them.
    pub(in crate::model) fn zeros(
        backend: Arc<B>,
        layout: Arc<Layout>,
        precision: Option<Precision>,
    ) -> Result<Self, ModelError> {
        let mut values = Buffer::default();
        let address = values.make_room(&*backend, layout.length(), 4)?;
        let mut narrowed = (precision == Some(Precision::Bf16)).then(Buffer::default);
        // SAFETY: there is this room.
        unsafe {
            backend.clear(address, layout.length() * 4)?;
            if let Some(narrowed) = &mut narrowed {
                backend.clear(narrowed.make_room(&*backend, layout.length(), 2)?, layout.length() * 2)?;
            }
        }
        Ok(Self { backend, layout, values, narrowed })
    }

    /// Zeros of the same shape.
    pub(in crate::model) fn zeros_like(&self) -> Result<Self, ModelError> {
        Self::zeros(self.backend.clone(), self.layout.clone(), None)
    }

    pub(in crate::model) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// For these; `decays` says by name which of them decay.
    pub(crate) fn optimizer(&self, decays: impl Fn(&str) -> bool) -> Result<DeviceOptimizer<B>, ModelError> {
        DeviceOptimizer::new(self.backend.clone(), &self.layout, decays)
    }

    /// f32.
    pub(super) fn address(&self) -> Address {
        self.values.address()
    }

    /// In the format of products.
    pub(super) fn factors(&self) -> Address {
        self.narrowed.as_ref().map_or_else(|| self.address(), Buffer::address)
    }

    pub(in crate::model) fn clear(&mut self) -> Result<(), ModelError> {
        // SAFETY: the buffer has this length.
        unsafe { self.backend.clear(self.address(), self.layout.length() * 4) }
    }

    /// Copies of numbers from and to the processor; both wait where they must.
    ///
    /// # Panics
    /// If the range is not within the layout or of another length.
    pub(in crate::model) fn read(&self, range: Range<usize>) -> Result<Vec<f32>, ModelError> {
        assert!(range.start <= range.end && range.end <= self.layout.length(), "parameters lie within their layout");
        let mut values = vec![0.0; range.len()];
        // SAFETY: the range is within the buffer.
        unsafe { self.backend.read(self.address().skip(range.start, 4), bytes_mut(&mut values))? };
        Ok(values)
    }

    pub(in crate::model) fn write(&mut self, range: Range<usize>, values: &[f32]) -> Result<(), ModelError> {
        assert!(range.len() == values.len() && range.end <= self.layout.length(), "parameters lie within their layout");
        let to = self.address().skip(range.start, 4);
        // SAFETY: the range is within the buffer, and within its narrow copy.
        unsafe {
            self.backend.write(to, bytes(values))?;
            if let Some(narrowed) = &self.narrowed {
                let to_narrow = narrowed.address().skip(range.start, 2);
                let arguments = Narrow { from: to, to: to_narrow, count: values.len() as u64 };
                let launch = Launch { grid: [values.len().div_ceil(THREADS), 1, 1], threads: THREADS, shared: 0 };
                self.backend.launch("narrowed_bf16_1", launch, &arguments)?;
            }
        }
        Ok(())
    }
}

/// What an AdamW step multiplies with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepFactors {
    /// 1 − learning rate × weight decay, for parameters that decay.
    pub decay: f64,
    /// Learning rate / (1 − β₁ᵗ).
    pub step: f64,
    /// √(1 − β₂ᵗ).
    pub root_correction: f64,
}

/// Norms and steps, and what they need there.
#[derive(Debug)]
pub struct DeviceOptimizer<B: Backend> {
    backend: Arc<B>,
    pieces: Buffer<B>,
    count: usize,
    neighbours: usize,
    sums: Buffer<B>,
    /// Of the steps since the last [`forget`](Self::forget), and of the one being taken, whose loss is added up there.
    findings: Buffer<B>,
    /// Steps since then.
    taken: usize,
    factor: Buffer<B>,
}

impl<B: Backend> DeviceOptimizer<B> {
    /// For parameters of this layout, of which those named by `decays` decay.
    pub(in crate::model) fn new(
        backend: Arc<B>,
        layout: &Layout,
        decays: impl Fn(&str) -> bool,
    ) -> Result<Self, ModelError> {
        let mut found = Vec::new();
        for segment in layout.segments() {
            let decays = u32::from(decays(&segment.name));
            for start in segment.range.clone().step_by(PIECE) {
                let length = (segment.range.end - start).min(PIECE) as u32;
                found.push(Piece { start: start as u64, length, decays });
            }
        }
        let starts_even = found.iter().all(|piece| piece.start.is_multiple_of(4));
        let [mut pieces, mut sums, mut findings, mut factor] = std::array::from_fn(|_| Buffer::default());
        let address = pieces.make_room(&*backend, found.len(), size_of::<Piece>())?;
        sums.make_room(&*backend, BLOCKS, 8)?;
        factor.make_room(&*backend, 1, 4)?;
        let findings_at = findings.make_room(&*backend, FINDINGS, FINDING)?;
        // SAFETY: the buffers have just been given this room.
        unsafe {
            backend.write(address, bytes(&found))?;
            backend.clear(findings_at, FINDINGS * FINDING)?;
        }
        let neighbours = if starts_even { 4 } else { 1 };
        Ok(Self { backend, pieces, count: found.len(), neighbours, sums, findings, taken: 0, factor })
    }

    /// Where the losses of a step's batches are added up, f64.
    pub(super) fn loss(&self) -> Address {
        assert!(self.taken < FINDINGS, "there is room for the step's findings");
        self.findings.address().skip(self.taken, FINDING)
    }

    /// Clips the gradient to `max_norm` and moves the parameters by it, unless loss or norm are not finite. Nothing
    /// waits for the result: see [`findings`](Self::findings). There must be [room](Self::is_full) for it.
    pub(crate) fn step(
        &mut self,
        parameters: &mut DeviceParameters<B>,
        gradient: &DeviceParameters<B>,
        [first, second]: [&mut DeviceParameters<B>; 2],
        max_norm: f64,
        factors: StepFactors,
    ) -> Result<(), ModelError> {
        let length = parameters.layout.length();
        for other in [gradient, first, second] {
            assert!(other.layout == parameters.layout, "gradient and moments are those of these parameters");
        }
        let squares = Squares { values: gradient.address(), sums: self.sums.address(), count: length as u64 };
        let clip = Clip {
            sums: self.sums.address(),
            blocks: BLOCKS as u32,
            max_norm,
            findings: self.loss(),
            factor: self.factor.address(),
        };
        let narrowed = parameters.narrowed.as_ref().map_or(Address::NONE, Buffer::address);
        let adamw = AdamW {
            parameters: parameters.address(),
            gradient: gradient.address(),
            first: first.address(),
            second: second.address(),
            narrowed,
            pieces: self.pieces.address(),
            factor: self.factor.address(),
            decay: factors.decay as f32,
            step: factors.step as f32,
            root_correction: factors.root_correction as f32,
        };
        let format = if narrowed == Address::NONE { "f32" } else { "bf16" };
        let launch = |blocks| Launch { grid: [blocks, 1, 1], threads: THREADS, shared: 0 };
        // SAFETY: all four sets have one layout, of which the pieces were made.
        unsafe {
            self.backend.launch("squares", launch(BLOCKS), &squares)?;
            self.backend.launch("clip", launch(1), &clip)?;
            self.backend.launch(&format!("adamw_{format}_{}", self.neighbours), launch(self.count), &adamw)?;
        }
        self.taken += 1;
        Ok(())
    }

    /// Whether findings must be [forgotten](Self::forget) before another step.
    pub(crate) fn is_full(&self) -> bool {
        self.taken == FINDINGS
    }

    /// Waits for the steps since the last [`forget`](Self::forget): the loss and the gradient's norm of each.
    pub(crate) fn findings(&self) -> Result<Vec<[f64; 2]>, ModelError> {
        let mut found = vec![[0.0; 2]; self.taken];
        if !found.is_empty() {
            // SAFETY: the buffer has room for more than have been taken.
            unsafe { self.backend.read(self.findings.address(), bytes_mut(found.as_flattened_mut()))? };
        }
        Ok(found)
    }

    /// Makes room for those of the next steps.
    pub(crate) fn forget(&mut self) -> Result<(), ModelError> {
        self.taken = 0;
        // SAFETY: the buffer has this length.
        unsafe { self.backend.clear(self.findings.address(), FINDINGS * FINDING) }
    }
}
