//! What the engine computes with: one kernel a file, its plain form beside it as its test.
//!
//! Everything here runs on slices. Results do not depend on the number of threads: a number of a product is one sum,
//! made by one thread, and where sums go over rows, the rows are cut into pieces of a fixed size, and the sums are made
//! within pieces and then over them, in order. Loops are written so that the
//! compiler makes vector instructions of them, inside [`vectorized`], which compiles them for several instruction sets
//! and takes the widest that the processor has.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `element` | f32 and bf16 |
//! | `product` | matrix products: packed operands, blocks, tiles |
//! | `pack` | operands laid out as the tiles read them |
//! | `tile_*` | 6 × 64 numbers of a product, on each kind of processor |
//! | `numbers` | sums, the exponential function, softmax and the normal distribution over slices |
//! | `layer_norm` | LayerNorm with what comes before it (dropout, residual), and its gradient |
//! | `attention` | attention from query, key and value to context |
//! | `attention_gradient` | its gradient |
//! | `disjoint` | a matrix that several threads write to in different places |
//! | `testing` | what the tests share: the same numbers in each format, gradients by finite differences |

mod attention;
mod attention_gradient;
mod disjoint;
mod element;
mod layer_norm;
mod numbers;
mod pack;
mod product;
#[cfg(test)]
pub(super) mod testing;
#[cfg(target_arch = "x86_64")]
mod tile_avx512;
#[cfg(target_arch = "x86_64")]
mod tile_avx512_bf16;
mod tile_portable;

pub(super) use attention::Attention;
pub(in crate::model) use attention::Sequence;
pub(super) use attention_gradient::AttentionGradient;
pub(super) use element::Element;
pub(super) use layer_norm::{LayerNorm, NormGradient, Normalised};
pub(super) use numbers::{add, column_sums, dot, gelu, gelu_slope};
pub(super) use pack::{Spread, pack_columns, pack_rows, pack_transposed};
pub(super) use product::{Left, Panels, multiply, row_blocks};

/// Rows of a tile.
const TILE_ROWS: usize = 6;

/// Columns of a tile, and of a packed operand's panels.
const PANEL: usize = 64;

/// The results of a tile.
type Tile = [[f32; PANEL]; TILE_ROWS];

/// Multiplies up to six rows with a panel. Arguments: the left operand at the first row, the distance between rows,
/// the distance between groups, the panel, groups, rows, results.
///
/// # Safety
/// The processor must have the kernel's instructions; a whole group of the left operand must be readable at
/// `row · distance between rows + group · distance between groups` for each row and group; the panel must hold `groups`
/// groups of 64 columns.
type FastTile<E> = unsafe fn(*const E, usize, usize, *const E, usize, usize, &mut Tile);

/// What this processor can do, found out at run time. Tiles rely on it, so that nobody outside of the kernels can make
/// one up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Processor {
    avx512: bool,
    avx512_bf16: bool,
}

impl Processor {
    /// Looks.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f");
            Self { avx512, avx512_bf16: avx512 && is_x86_feature_detected!("avx512bf16") }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Self { avx512: false, avx512_bf16: false }
    }
}

/// Runs work compiled for the widest vector instructions that the processor has.
#[inline]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Rows of one piece of work whose sums are kept apart.
const PIECE_ROWS: usize = 32;
