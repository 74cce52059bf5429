//! Fast forms of the modules' operations for f32 on the processor, each with its own backward pass.
//!
//! candle's operations on the processor run on one thread, walk broadcast operands element by element, and keep every
//! intermediate tensor for the backward pass. These do the same in fewer passes over memory, on all threads, and
//! recompute in the backward pass what is cheaper to compute than to keep. Work is cut into pieces of fixed size and
//! sums are made within pieces and then over them, in order, so that results do not depend on the number of threads.
//!
//! The plain forms in [`ops`](super::ops) stay beside these: they serve every other device, and the tests hold the fast
//! forms against them.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `matrix` | views of matrices and their product |
//! | `numbers` | sums, the exponential function and the normal distribution over slices |
//! | `linear` | y = x Wᵀ + b |
//! | `layer_norm` | LayerNorm |
//! | `gelu` | GELU |
//! | `residual` | dropout and the residual connection |
//! | `attention` | attention from query, key and value to context, softmax and dropout included |

mod attention;
mod gelu;
mod layer_norm;
mod linear;
mod matrix;
mod numbers;
mod residual;

pub(super) use attention::Attention;
pub(super) use gelu::Gelu;
pub(super) use layer_norm::LayerNorm;
pub(super) use linear::Linear;
pub(super) use residual::Residual;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor};

/// Rows of one piece of work.
const ROWS: usize = 32;

/// Elements of one piece of work that has no rows.
const ELEMENTS: usize = 1 << 14;

/// The numbers of a contiguous f32 operand.
fn operand<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a contiguous f32 tensor was expected");
    };
    Ok(&values[start..end])
}

/// The numbers of a contiguous f32 tensor on the processor.
fn values<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    let Storage::Cpu(storage) = storage else { candle_core::bail!("a tensor on the processor was expected") };
    operand(storage, layout)
}

/// A tensor around computed numbers.
fn tensor(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}
