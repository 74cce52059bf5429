//! One way of one batch through the network, or back: what all modules need, and the launching of their kernels.

use super::arguments::{AddSums, Arguments, ColumnSums, Dropout, LayerNorm, NormGradient};
use super::backend::{Address, Backend, Buffer, Factor, Into, Launch, Matrix, Product};
use super::batch::DeviceBatch;
use crate::model::dropout::Sampler;
use crate::model::engine::{Place, Places};
use crate::model::{BertConfig, DropoutKey, ModelError, Precision};
use std::ops::Range;

/// Rows of a block of the kernels that sum over rows, as the kernels say.
const NORM_ROWS: usize = 16;
pub(super) const SUM_ROWS: usize = 32;

/// Threads of most blocks.
pub(super) const THREADS: usize = 256;

/// Warps of a block of kernels that keep a row each in shared memory.
const ROW_WARPS: usize = 4;

#[derive(Debug)]
pub(super) struct Pass<'a, B: Backend> {
    pub backend: &'a B,
    pub config: &'a BertConfig,
    pub places: &'a Places,
    pub precision: Precision,
    pub batch: &'a DeviceBatch,
    pub dropout: Option<DropoutKey>,
    /// The parameters, f32, and in the format of products.
    pub values: Address,
    pub factors: Address,
}

/// A piece of a backward pass that all kernels with sums over rows share.
pub(super) type Sums<B> = Buffer<B>;

/// What a LayerNorm gave and what its gradient needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Normalised {
    /// [`Address::NONE`] where no gradient is wanted.
    pub normal: Address,
    pub scales: Address,
    pub output: Address,
}

/// The memory of a [`Normalised`].
#[derive(Debug)]
pub(super) struct NormMemory<B: Backend> {
    normal: Buffer<B>,
    scales: Buffer<B>,
    output: Buffer<B>,
}

impl<B: Backend> Default for NormMemory<B> {
    fn default() -> Self {
        Self { normal: Buffer::default(), scales: Buffer::default(), output: Buffer::default() }
    }
}

impl<B: Backend> NormMemory<B> {
    pub(super) fn make_room(&mut self, pass: &Pass<'_, B>, rows: usize, keep: bool) -> Result<Normalised, ModelError> {
        let (backend, hidden) = (pass.backend, pass.config.hidden_size);
        let normal = if keep { self.normal.make_room(backend, rows * hidden, pass.size())? } else { Address::NONE };
        Ok(Normalised {
            normal,
            scales: self.scales.make_room(backend, rows, 4)?,
            output: self.output.make_room(backend, rows * hidden, pass.size())?,
        })
    }

    /// As the forward pass left it.
    pub(super) fn kept(&self) -> Normalised {
        Normalised { normal: self.normal.address(), scales: self.scales.address(), output: self.output.address() }
    }
}

/// How many numbers a thread takes at once: 4 where rows and parameters begin at multiples of 4.
fn neighbours(widths: &[usize]) -> usize {
    if widths.iter().all(|width| width.is_multiple_of(4)) { 4 } else { 1 }
}

impl<B: Backend> Pass<'_, B> {
    /// Bytes of an activation.
    pub(super) fn size(&self) -> usize {
        match self.precision {
            Precision::F32 => 4,
            Precision::Bf16 => 2,
        }
    }

    /// A parameter, f32.
    pub(super) fn value(&self, range: &Range<usize>) -> Address {
        self.values.skip(range.start, 4)
    }

    /// A parameter in the format of products.
    pub(super) fn factor(&self, range: &Range<usize>) -> Address {
        self.factors.skip(range.start, self.size())
    }

    pub(super) fn norm(&self, place: &Place) -> LayerNorm {
        LayerNorm {
            weight: self.value(&place.weight),
            bias: self.value(&place.bias),
            epsilon: self.config.layer_norm_eps as f32,
        }
    }

    /// The dropout of a site, where this pass has any.
    pub(super) fn sampler(&self, probability: f64, site: u64) -> Dropout {
        let key = self.dropout.filter(|_| probability > 0.0);
        Dropout::of(key.map(|key| Sampler::new(probability, key, site)))
    }

    /// 4 where that is possible for the whole model, else 1.
    pub(super) fn neighbours(&self) -> usize {
        neighbours(&[self.config.hidden_size, self.config.intermediate_size])
    }

    /// Launches the kernel of this name for the format of activations.
    ///
    /// # Safety
    /// As [`Backend::launch`].
    pub(super) unsafe fn launch<A: Arguments>(
        &self,
        name: &str,
        launch: Launch,
        arguments: &A,
    ) -> Result<(), ModelError> {
        let kernel = format!("{name}_{}_{}", self.precision.name(), self.neighbours());
        // SAFETY: the caller's.
        unsafe { self.backend.launch(&kernel, launch, arguments) }
    }

    /// The attention kernel for this width of heads.
    pub(super) fn attention_kernel(&self, name: &str) -> String {
        let width = self.config.hidden_size / self.config.num_attention_heads;
        let room = [32, 64, 128].into_iter().find(|&room| width <= room).unwrap_or(128);
        format!("{name}_{}_{}_{room}", self.precision.name(), neighbours(&[width, self.config.intermediate_size]))
    }

    /// The kernel of attention's row sums for this width of heads.
    pub(super) fn products_kernel(&self) -> String {
        let width = self.config.hidden_size / self.config.num_attention_heads;
        format!("attention_products_{}_{}", self.precision.name(), neighbours(&[width, self.config.intermediate_size]))
    }

    /// A warp a row, each row in shared memory.
    pub(super) fn row_launch(&self, rows: usize) -> Launch {
        let shared = ROW_WARPS * self.config.hidden_size * 4;
        Launch { grid: [rows.div_ceil(ROW_WARPS), 1, 1], threads: ROW_WARPS * 32, shared }
    }

    /// `output` = `input` Wᵀ, with its bias where that is asked for: rows × outputs, in the format of activations.
    ///
    /// # Safety
    /// As [`Backend::multiply`].
    pub(super) unsafe fn linear(
        &self,
        [rows, inputs, outputs]: [usize; 3],
        input: Address,
        weight: &Range<usize>,
        bias: Option<&Range<usize>>,
        output: Matrix,
    ) -> Result<(), ModelError> {
        let product = Product {
            rows,
            columns: outputs,
            depth: inputs,
            precision: self.precision,
            left: Factor { matrix: Matrix { address: input, stride: inputs }, transposed: false },
            right: Factor { matrix: Matrix { address: self.factor(weight), stride: inputs }, transposed: true },
            bias: bias.map(|bias| self.factor(bias)),
            output,
            into: Into::Factors,
        };
        // SAFETY: the caller's.
        unsafe { self.backend.multiply(&product) }
    }

    /// The gradient with respect to a linear layer's input: `gradient` (rows × outputs) times W.
    ///
    /// # Safety
    /// As [`Backend::multiply`].
    pub(super) unsafe fn to_input(
        &self,
        [rows, inputs, outputs]: [usize; 3],
        gradient: Matrix,
        weight: &Range<usize>,
        output: Address,
        into: Into,
    ) -> Result<(), ModelError> {
        let product = Product {
            rows,
            columns: inputs,
            depth: outputs,
            precision: self.precision,
            left: Factor { matrix: gradient, transposed: false },
            right: Factor { matrix: Matrix { address: self.factor(weight), stride: inputs }, transposed: false },
            bias: None,
            output: Matrix { address: output, stride: inputs },
            into,
        };
        // SAFETY: the caller's.
        unsafe { self.backend.multiply(&product) }
    }

    /// Adds `gradient`ᵀ · `input`, the gradient of weights, to `sums` (outputs × inputs).
    ///
    /// # Safety
    /// As [`Backend::multiply`].
    pub(super) unsafe fn to_weight(
        &self,
        [rows, inputs, outputs]: [usize; 3],
        gradient: Matrix,
        input: Address,
        sums: Address,
    ) -> Result<(), ModelError> {
        let product = Product {
            rows: outputs,
            columns: inputs,
            depth: rows,
            precision: self.precision,
            left: Factor { matrix: gradient, transposed: true },
            right: Factor { matrix: Matrix { address: input, stride: inputs }, transposed: false },
            bias: None,
            output: Matrix { address: sums, stride: inputs },
            into: Into::Sums,
        };
        // SAFETY: the caller's.
        unsafe { self.backend.multiply(&product) }
    }

    /// Adds the sums of `pieces` pieces (each of as many parts of `width` as there are addresses) to gradients.
    ///
    /// # Safety
    /// As [`Backend::launch`].
    pub(super) unsafe fn add_sums(
        &self,
        sums: Address,
        pieces: usize,
        width: usize,
        parameters: &[Address],
    ) -> Result<(), ModelError> {
        let mut to = [Address::NONE; 3];
        to[..parameters.len()].copy_from_slice(parameters);
        let arguments =
            AddSums { sums, to, pieces: pieces as u32, parameters: parameters.len() as u32, width: width as u32 };
        let launch = Launch { grid: [(parameters.len() * width).div_ceil(32), 1, 1], threads: THREADS, shared: 0 };
        // SAFETY: the caller's.
        unsafe { self.backend.launch("add_sums", launch, &arguments) }
    }

    /// A piece of rows and some columns a block.
    pub(super) fn column_launch(&self, rows: usize, width: usize) -> Launch {
        let columns = width.div_ceil(self.neighbours());
        let threads = columns.next_multiple_of(32).min(THREADS);
        Launch { grid: [rows.div_ceil(SUM_ROWS), columns.div_ceil(threads), 1], threads, shared: 0 }
    }

    /// Adds the sums of columns (rows × width) to the gradient of a bias.
    ///
    /// # Safety
    /// As [`Backend::launch`].
    pub(super) unsafe fn column_sums(
        &self,
        values: Address,
        [rows, width]: [usize; 2],
        scratch: &mut Sums<B>,
        to: Address,
    ) -> Result<(), ModelError> {
        let launch = self.column_launch(rows, width);
        let sums = scratch.make_room(self.backend, launch.grid[0] * width, 4)?;
        let arguments = ColumnSums { values, sums, rows: rows as u32, width: width as u32 };
        // SAFETY: the caller's.
        unsafe {
            self.launch("column_sums", launch, &arguments)?;
            self.add_sums(sums, launch.grid[0], width, &[to])
        }
    }

    /// The gradient of LayerNorm with what came before and behind it; see the kernel.
    ///
    /// # Safety
    /// As [`Backend::launch`].
    pub(super) unsafe fn norm_gradient(
        &self,
        mut arguments: NormGradient,
        scratch: &mut Sums<B>,
        parameters: &[Address; 3],
    ) -> Result<(), ModelError> {
        let (rows, width) = (arguments.rows as usize, arguments.width as usize);
        let pieces = rows.div_ceil(NORM_ROWS);
        arguments.sums = scratch.make_room(self.backend, pieces * 3 * width, 4)?;
        let launch = Launch { grid: [pieces, 1, 1], threads: THREADS, shared: 0 };
        // SAFETY: the caller's.
        unsafe {
            self.launch("norm_gradient", launch, &arguments)?;
            self.add_sums(arguments.sums, pieces, width, parameters)
        }
    }
}
