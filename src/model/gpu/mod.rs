//! The engine for NVIDIA GPUs: the same network as the processor's [`engine`](super::engine), step for step, in kernels of
//! its own and products by cuBLASLt.
//!
//! Parameters, gradients and moments are flat buffers in f32. In bf16 (the default) the operands of products and what is
//! kept between them are narrow, and a bf16 copy of the parameters is written by the optimizer; LayerNorm, softmax, the
//! head, gradients of parameters and the stream of gradients from layer to layer are f32. Products of f32 round their
//! factors to TF32. All sums have one order, so the same seed gives the same weights in every run.
//!
//! The engine is generic over what runs its kernels. Tests run the same kernels and the same engine on the processor,
//! where CUDA's threads are fibers and tensor cores are loops, and hold them against the processor's engine.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `kernels` | the kernels, in CUDA C++, compiled into one module |
//! | `arguments` | what kernels take |
//! | `backend` | what the engine asks of a GPU: memory, launches, products |
//! | `cuda` | an NVIDIA GPU |
//! | `emulator` | a processor in its place, for tests |
//! | `batch` | a batch without its padding, and its tables' rows |
//! | `pass` | what all modules need, products with weights, sums over rows |
//! | `check` | the GPU held against the processor |
//! | `embeddings`, `layer`, `layer_gradient`, `head` | the network and its gradient |
//! | `parameters` | parameters, gradients and moments, and AdamW |

mod arguments;
mod backend;
mod batch;
mod check;
#[cfg(feature = "cuda")]
mod cuda;
mod embeddings;
#[cfg(test)]
mod emulator;
mod head;
mod layer;
mod layer_gradient;
mod parameters;
mod pass;
#[cfg(test)]
mod tests;

use super::engine::{Places, Tokens};
use super::{BertConfig, DropoutKey, Layout, LossGradient, ModelError, Precision};
use crate::pairs::Batch;
use arguments::CrossEntropy;
use backend::{Address, Backend, Buffer, Launch, bytes, bytes_mut};
use batch::DeviceBatch;
use head::HeadMemory;
use layer::{Layer, LayerMemory};
use layer_gradient::BackwardMemory;
pub(crate) use parameters::StepFactors;
use parameters::{DeviceOptimizer, DeviceParameters};
use pass::{NormMemory, Pass};
use std::sync::{Arc, Mutex, PoisonError};

/// What models on a GPU run on; tests without one train on the emulator.
#[cfg(feature = "cuda")]
type Gpu = cuda::Cuda;
#[cfg(not(feature = "cuda"))]
type Gpu = emulator::Emulator;

/// Parameters, an optimizer and the engine on a GPU.
pub type GpuParameters = DeviceParameters<Gpu>;
pub(crate) type GpuOptimizer = DeviceOptimizer<Gpu>;
pub(super) type Engine = GpuEngine<Gpu>;

/// The engine for this model, and its parameters, all zero; None, with a warning in the log, where the GPU is not one
/// that it can work on: what is composed of candle's operations works on more.
///
/// # Errors
/// [`ModelError::Device`] where the GPU's memory does not suffice.
#[cfg(feature = "cuda")]
pub(super) fn start(
    device: &candle_core::CudaDevice,
    config: &BertConfig,
    layout: &Arc<Layout>,
    precision: Precision,
) -> Result<Option<(Engine, GpuParameters)>, ModelError> {
    if !Engine::can(config) {
        tracing::warn!("the GPU has no kernels for heads or layers this wide, and computes more slowly without them");
        return Ok(None);
    }
    let backend = match cuda::Cuda::new(device).map(Arc::new) {
        Ok(backend) => backend,
        Err(failure) => {
            tracing::warn!("the GPU computes more slowly, without Citelink's kernels: {failure}");
            return Ok(None);
        }
    };
    if let Err(failure) = check::check(&backend, precision) {
        tracing::warn!("the GPU computes more slowly, without Citelink's kernels: {failure}");
        return Ok(None);
    }
    start_on(backend, config, layout, precision).map(Some)
}

/// The same on the emulator; None where there is no C++ compiler.
#[cfg(all(test, not(feature = "cuda")))]
pub(super) fn start_emulated(
    config: &BertConfig,
    layout: &Arc<Layout>,
    precision: Precision,
) -> Result<Option<(Engine, GpuParameters)>, ModelError> {
    emulator::Emulator::get().map(|emulator| start_on(Arc::new(emulator), config, layout, precision)).transpose()
}

fn start_on(
    backend: Arc<Gpu>,
    config: &BertConfig,
    layout: &Arc<Layout>,
    precision: Precision,
) -> Result<(Engine, GpuParameters), ModelError> {
    let engine = GpuEngine::new(backend.clone(), config, layout, precision)?;
    Ok((engine, DeviceParameters::zeros(backend, layout.clone(), Some(precision))?))
}

/// Widest head that attention has kernels for.
const MAX_HEAD_WIDTH: usize = 128;

/// Widest row that the kernels with a row for each warp have shared memory for.
const MAX_HIDDEN: usize = 3072;

/// Computes logits and gradients from parameters on the GPU, one batch at a time: a second caller waits.
#[derive(Debug)]
pub(super) struct GpuEngine<B: Backend> {
    backend: Arc<B>,
    config: BertConfig,
    places: Places,
    precision: Precision,
    memory: Mutex<Memory<B>>,
}

/// What a pass computes in.
#[derive(Debug)]
struct Memory<B: Backend> {
    staging: Vec<u32>,
    batch: Buffer<B>,
    labels: Buffer<B>,
    embedded: NormMemory<B>,
    product: Buffer<B>,
    layers: Vec<LayerMemory<B>>,
    head: HeadMemory<B>,
    backward: BackwardMemory<B>,
}

impl<B: Backend> Default for Memory<B> {
    fn default() -> Self {
        Self {
            staging: Vec::new(),
            batch: Buffer::default(),
            labels: Buffer::default(),
            embedded: NormMemory::default(),
            product: Buffer::default(),
            layers: Vec::new(),
            head: HeadMemory::default(),
            backward: BackwardMemory::default(),
        }
    }
}

/// What a batch's loss is: weighted cross-entropy, without a word from the processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// One a row, 0 or 1.
    pub labels: &'a [u8],
    /// Class weights, divided by the sum of the weights of all rows that the loss is taken over.
    pub shares: [f64; 2],
}

/// Where the gradient of a loss with respect to the logits comes from.
enum Loss<'a, 'b> {
    Closure(&'a mut LossGradient<'b>),
    Target(Target<'a>, Address),
}

impl<B: Backend> GpuEngine<B> {
    /// Whether it has kernels for this shape.
    pub(super) fn can(config: &BertConfig) -> bool {
        config.hidden_size / config.num_attention_heads <= MAX_HEAD_WIDTH && config.hidden_size <= MAX_HIDDEN
    }

    pub(super) fn new(
        backend: Arc<B>,
        config: &BertConfig,
        layout: &Layout,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            backend,
            config: config.clone(),
            places: Places::new(layout, config.num_hidden_layers)?,
            precision,
            memory: Mutex::default(),
        })
    }

    /// Logits without gradients or dropout.
    pub(super) fn logits(&self, parameters: &DeviceParameters<B>, batch: &Batch) -> Result<Vec<[f32; 2]>, ModelError> {
        let memory = &mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = Tokens::of(batch);
        let batch = DeviceBatch::upload(&*self.backend, &tokens, false, &mut memory.staging, &mut memory.batch)?;
        let pass = self.pass(parameters, &batch, None);
        memory.forward(&pass, false)?;
        memory.read_logits(&pass)
    }

    /// Logits; `to_logits` turns them into the gradient of a loss with respect to them, and the gradients of that loss
    /// with respect to the parameters are added to `gradient`.
    pub(super) fn backpropagate(
        &self,
        parameters: &DeviceParameters<B>,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        to_logits: &mut LossGradient<'_>,
        gradient: &mut DeviceParameters<B>,
    ) -> Result<Vec<[f32; 2]>, ModelError> {
        self.backward(parameters, batch, dropout, Loss::Closure(to_logits), gradient)
    }

    /// The same with a loss that the GPU computes and adds to that of the optimizer's step. Nothing waits.
    pub(super) fn learn(
        &self,
        parameters: &DeviceParameters<B>,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        target: Target<'_>,
        optimizer: &DeviceOptimizer<B>,
        gradient: &mut DeviceParameters<B>,
    ) -> Result<(), ModelError> {
        assert_eq!(target.labels.len(), batch.rows, "each row has a label");
        self.backward(parameters, batch, dropout, Loss::Target(target, optimizer.loss()), gradient).map(drop)
    }

    fn pass<'a>(
        &'a self,
        parameters: &DeviceParameters<B>,
        batch: &'a DeviceBatch,
        dropout: Option<DropoutKey>,
    ) -> Pass<'a, B> {
        Pass {
            backend: &self.backend,
            config: &self.config,
            places: &self.places,
            precision: self.precision,
            batch,
            dropout,
            values: parameters.address(),
            factors: parameters.factors(),
        }
    }

    fn backward(
        &self,
        parameters: &DeviceParameters<B>,
        batch: &Batch,
        dropout: Option<DropoutKey>,
        loss: Loss<'_, '_>,
        gradient: &mut DeviceParameters<B>,
    ) -> Result<Vec<[f32; 2]>, ModelError> {
        assert!(gradient.layout() == parameters.layout(), "the gradient is of these parameters");
        let memory = &mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = Tokens::of(batch);
        let batch = DeviceBatch::upload(&*self.backend, &tokens, true, &mut memory.staging, &mut memory.batch)?;
        let pass = self.pass(parameters, &batch, dropout);
        memory.forward(&pass, true)?;
        let logits = memory.slopes(&pass, loss)?;
        memory.backward(&pass, gradient.address())?;
        Ok(logits)
    }
}

impl<B: Backend> Memory<B> {
    /// Up to the logits, which stay on the GPU.
    fn forward(&mut self, pass: &Pass<'_, B>, keep: bool) -> Result<(), ModelError> {
        let count = pass.places.layers.len();
        self.layers.resize_with(if keep { count } else { count.min(2) }.max(self.layers.len()), LayerMemory::default);
        let embedded = self.embedded.make_room(pass, pass.batch.tokens, keep)?;
        // SAFETY: parameters and batch are this model's (`CrossEncoder` has checked ids and lengths), and every buffer
        // is given its room before something is written there.
        unsafe {
            pass.embed(embedded)?;
            let mut input = embedded.output;
            for (number, places) in pass.places.layers.iter().enumerate() {
                // Without gradients, each layer writes where the one before the last has written.
                let memory = &mut self.layers[if keep { number } else { number % 2 }];
                input = Layer { pass, places, number }.forward(input, memory, &mut self.product, keep)?;
            }
            pass.head(input, &mut self.head)
        }
    }

    fn read_logits(&self, pass: &Pass<'_, B>) -> Result<Vec<[f32; 2]>, ModelError> {
        let mut logits = vec![[0.0; 2]; pass.batch.rows];
        // SAFETY: the forward pass has written two logits a row.
        unsafe { pass.backend.read(self.head.logits.address(), bytes_mut(logits.as_flattened_mut()))? };
        Ok(logits)
    }

    /// Finds the gradient with respect to the logits. The logits are read only for a closure.
    fn slopes(&mut self, pass: &Pass<'_, B>, loss: Loss<'_, '_>) -> Result<Vec<[f32; 2]>, ModelError> {
        let (backend, rows, slopes) = (pass.backend, pass.batch.rows, self.head.slopes.address());
        match loss {
            Loss::Closure(to_logits) => {
                let logits = self.read_logits(pass)?;
                let found = to_logits(&logits);
                assert_eq!(found.len(), rows, "each row has its gradient");
                // SAFETY: the forward pass has made room for two slopes a row.
                unsafe { backend.write(slopes, bytes(found.as_flattened()))? };
                Ok(logits)
            }
            Loss::Target(target, sum) => {
                self.staging.clear();
                self.staging.extend(target.labels.iter().map(|&label| u32::from(label != 0)));
                let labels = self.labels.make_room(backend, rows, 4)?;
                let arguments = CrossEntropy {
                    logits: self.head.logits.address(),
                    labels,
                    shares: target.shares,
                    slopes,
                    loss: sum,
                    rows: rows as u32,
                };
                // SAFETY: as above, and there is a label for each row.
                unsafe {
                    backend.write(labels, bytes(&self.staging))?;
                    backend.launch("cross_entropy", Launch { grid: [1, 1, 1], threads: 32, shared: 0 }, &arguments)?;
                }
                Ok(Vec::new())
            }
        }
    }

    fn backward(&mut self, pass: &Pass<'_, B>, gradient: Address) -> Result<(), ModelError> {
        let hidden = pass.config.hidden_size;
        let embedded = self.embedded.kept();
        let layers: Vec<_> = pass.places.layers.iter().enumerate().collect();
        let mut input = embedded.output;
        let mut kept = Vec::new();
        for &(number, places) in &layers {
            let layer = Layer { pass, places, number };
            let at = self.layers[number].kept(&layer, input);
            kept.push((input, at));
            input = at.result.output;
        }
        // Both may come to hold the stream of all tokens.
        for stream in [&mut self.backward.stream, &mut self.backward.wider] {
            stream.make_room(pass.backend, pass.batch.tokens * hidden, 4)?;
        }
        // SAFETY: the forward pass has just left all that behind.
        unsafe {
            pass.head_back(input, &mut self.head, self.backward.stream.address(), gradient)?;
            for (&(number, places), (input, at)) in layers.iter().zip(&kept).rev() {
                Layer { pass, places, number }.backward(*input, at, &mut self.backward, gradient)?;
            }
            let BackwardMemory { stream, sums, lists, .. } = &mut self.backward;
            pass.embed_back(embedded, stream.address(), sums, lists, gradient)
        }
    }
}
