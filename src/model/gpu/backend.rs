//! What the engine asks of a GPU.

use super::arguments::Arguments;
use crate::model::{ModelError, Precision};
use std::fmt::Debug;

/// A place in a backend's memory, in bytes; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Address(pub u64);

impl Address {
    pub const NONE: Self = Self(0);

    /// So many numbers of so many bytes further on.
    pub fn skip(self, count: usize, bytes: usize) -> Self {
        Self(self.0 + (count * bytes) as u64)
    }
}

/// How a kernel's work is spread.
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// Blocks in each direction.
    pub grid: [usize; 3],
    /// Threads of a block.
    pub threads: usize,
    /// Bytes of shared memory besides what the kernel declares, at most 48 KiB.
    pub shared: usize,
}

/// A matrix that lies in memory row by row.
#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    pub address: Address,
    /// Numbers from row to row.
    pub stride: usize,
}

/// A factor of a product.
#[derive(Debug, Clone, Copy)]
pub struct Factor {
    pub matrix: Matrix,
    /// Whether its columns are what lies in memory as rows.
    pub transposed: bool,
}

/// `output` (rows × columns) = `left` (rows × depth) · `right` (depth × columns), with sums in f32.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// The format of the factors.
    pub precision: Precision,
    pub left: Factor,
    pub right: Factor,
    /// Added to each row: one number a column, in the format of the factors.
    pub bias: Option<Address>,
    pub output: Matrix,
    pub into: Into,
}

/// The format of a product and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// Written in the format of the factors.
    Factors,
    /// Added to f32.
    Sums,
}

/// A product as BLAS libraries take it, who see what lies in memory as columns: the transposed of all three matrices,
/// and with them the factors' order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByColumns {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// Rows and columns of the factors as they lie in memory, and whether they are to be transposed.
    pub left: (usize, usize, bool),
    pub right: (usize, usize, bool),
}

impl Product {
    /// Its `left` is the product's right factor, and so on.
    pub fn by_columns(&self) -> ByColumns {
        let (rows, columns, depth) = (self.columns, self.rows, self.depth);
        let stored = |transposed: bool, rows: usize, columns: usize| {
            if transposed { (columns, rows, true) } else { (rows, columns, false) }
        };
        ByColumns {
            rows,
            columns,
            depth,
            left: stored(self.right.transposed, rows, depth),
            right: stored(self.left.transposed, depth, columns),
        }
    }
}

/// A GPU, or what stands in for one in tests. Everything happens in the order in which it is asked for; only
/// [`read`](Self::read) waits.
///
/// # Safety
/// Whoever calls the unsafe functions answers for addresses: they must point to as much of this backend's memory as is
/// read and written there.
pub trait Backend: Debug {
    /// Memory that is given back when this is dropped, once nothing asked for before uses it.
    type Memory: Debug;

    fn allocate(&self, bytes: usize) -> Result<Self::Memory, ModelError>;

    fn address(memory: &Self::Memory) -> Address;

    /// Fills with zeros.
    unsafe fn clear(&self, to: Address, bytes: usize) -> Result<(), ModelError>;

    /// Copies to the backend; `from` may change as soon as this returns.
    unsafe fn write(&self, to: Address, from: &[u8]) -> Result<(), ModelError>;

    /// Waits for everything asked for, and copies from the backend.
    unsafe fn read(&self, from: Address, to: &mut [u8]) -> Result<(), ModelError>;

    unsafe fn launch<A: Arguments>(&self, kernel: &str, launch: Launch, arguments: &A) -> Result<(), ModelError>;

    unsafe fn multiply(&self, product: &Product) -> Result<(), ModelError>;
}

/// Memory that grows to what is asked of it.
#[derive(Debug)]
pub struct Buffer<B: Backend> {
    memory: Option<B::Memory>,
    bytes: usize,
}

impl<B: Backend> Default for Buffer<B> {
    fn default() -> Self {
        Self { memory: None, bytes: 0 }
    }
}

impl<B: Backend> Buffer<B> {
    /// At least so many numbers of so many bytes; what was there may be lost.
    pub fn make_room(&mut self, backend: &B, count: usize, bytes: usize) -> Result<Address, ModelError> {
        let needed = (count * bytes).max(1);
        if self.bytes < needed {
            // The old one goes first, so that both need not fit.
            self.memory = None;
            self.bytes = 0;
            self.memory = Some(backend.allocate(needed)?);
            self.bytes = needed;
        }
        Ok(self.address())
    }

    /// Where it is, or [`Address::NONE`].
    pub fn address(&self) -> Address {
        self.memory.as_ref().map_or(Address::NONE, B::address)
    }
}

/// The bytes of plain numbers.
pub trait Plain: Copy {}
impl Plain for f32 {}
impl Plain for f64 {}
impl Plain for u32 {}
impl Plain for half::bf16 {}
impl Plain for super::arguments::Piece {}

pub fn bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: plain numbers have no padding, and any memory can be seen as bytes.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

pub fn bytes_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bytes are a plain number.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}
