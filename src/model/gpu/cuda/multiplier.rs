//! Matrix products by cuBLASLt.

use super::{Memory, failed};
use crate::model::gpu::backend::{self, Address, ByColumns, Product};
use crate::model::{ModelError, Precision};
use candle_core::cuda::cudarc::cublaslt::result::{self, CublasError};
use candle_core::cuda::cudarc::cublaslt::sys;
use candle_core::cuda::cudarc::driver::{CudaStream, sys::CUstream};
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;

/// Bytes that an algorithm may use besides its matrices: what NVIDIA recommends for Hopper.
const WORKSPACE: usize = 32 << 20;

/// Plans that are kept; each takes a kilobyte or so.
const MOST_PLANS: usize = 8192;

/// Multiplies, and remembers how products of each shape are computed best.
#[derive(Debug)]
pub(super) struct Multiplier {
    handle: sys::cublasLtHandle_t,
    workspace: Memory,
    plans: HashMap<Shape, Plan>,
}

// SAFETY: cuBLASLt's handles and descriptors belong to no thread, and nothing else has the pointers to these.
unsafe impl Send for Multiplier {}

impl Multiplier {
    /// For products in this stream, whose context is bound to the calling thread.
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self, ModelError> {
        let workspace = Memory::new(stream, WORKSPACE)?;
        let handle = result::create_handle().map_err(failed)?;
        Ok(Self { handle, workspace, plans: HashMap::new() })
    }

    /// # Safety
    /// The matrices must be where the product says, and the stream must be the one that this was made for, because all
    /// products use one workspace. Its context must be bound to the calling thread.
    pub(super) unsafe fn multiply(&mut self, product: &Product, stream: CUstream) -> Result<(), ModelError> {
        if product.rows == 0 || product.columns == 0 {
            return Ok(());
        }
        let shape = Shape::of(product);
        let failed = |failure: CublasError| {
            ModelError::Device(format!("the NVIDIA GPU failed: {failure} at a product of this shape: {shape:?}"))
        };
        if self.plans.len() >= MOST_PLANS && !self.plans.contains_key(&shape) {
            self.plans.clear();
        }
        let plan = match self.plans.entry(shape) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Plan::new(self.handle, product, &shape).map_err(failed)?)
            }
        };
        if let Some(bias) = product.bias {
            plan.operation.set_bias(bias).map_err(failed)?;
        }
        let (ours, added): (f32, f32) = match product.into {
            backend::Into::Factors => (1.0, 0.0),
            backend::Into::Sums => (1.0, 1.0),
        };
        let [left, right, output] = &plan.layouts;
        let place = pointer(product.output.address);
        // SAFETY: the plan was made for this shape and lives on, the caller answers for the addresses, the workspace is
        // as large as the plan was told, and products of one stream use it one after the other.
        unsafe {
            result::matmul(
                self.handle,
                plan.operation.0,
                (&raw const ours).cast(),
                (&raw const added).cast(),
                pointer(product.right.matrix.address),
                left.0,
                pointer(product.left.matrix.address),
                right.0,
                place,
                output.0,
                place,
                output.0,
                &raw const plan.algorithm,
                pointer(Address(self.workspace.address)),
                WORKSPACE,
                stream.cast(),
            )
        }
        .map_err(failed)
    }
}

impl Drop for Multiplier {
    fn drop(&mut self) {
        let context = self.workspace.stream.context();
        context.record_err(context.bind_to_thread());
        // SAFETY: the handle is not used again.
        if let Err(failure) = unsafe { result::destroy_handle(self.handle) } {
            tracing::warn!("cuBLASLt does not end: {failure}");
        }
    }
}

/// All that the choice of an algorithm depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    rows: usize,
    columns: usize,
    depth: usize,
    /// Of the left and right factor and the output.
    strides: [usize; 3],
    transposed: [bool; 2],
    bf16: bool,
    into_sums: bool,
    /// What the addresses of the left and right factor and the output are multiples of.
    alignments: [u32; 3],
    bias_alignment: Option<u32>,
}

impl Shape {
    fn of(product: &Product) -> Self {
        let (left, right, output) = (&product.left, &product.right, &product.output);
        Self {
            rows: product.rows,
            columns: product.columns,
            depth: product.depth,
            strides: [left.matrix.stride, right.matrix.stride, output.stride],
            transposed: [left.transposed, right.transposed],
            bf16: product.precision == Precision::Bf16,
            into_sums: product.into == backend::Into::Sums,
            alignments: [left.matrix.address, right.matrix.address, output.address].map(alignment),
            bias_alignment: product.bias.map(alignment),
        }
    }
}

/// How products of a shape are computed.
#[derive(Debug)]
struct Plan {
    operation: Operation,
    /// As cuBLAS counts them: of the right factor, of the left one and of the output.
    layouts: [Layout; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
}

impl Plan {
    fn new(handle: sys::cublasLtHandle_t, product: &Product, shape: &Shape) -> Result<Self, CublasError> {
        use sys::cublasLtMatmulDescAttributes_t as Of;
        use sys::cublasLtMatmulPreferenceAttributes_t as Wish;
        let ByColumns { rows, columns, left, right, .. } = product.by_columns();
        let (factors, sums) = match product.precision {
            Precision::F32 => (sys::cudaDataType_t::CUDA_R_32F, sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32),
            Precision::Bf16 => (sys::cudaDataType_t::CUDA_R_16BF, sys::cublasComputeType_t::CUBLAS_COMPUTE_32F),
        };
        let output = if shape.into_sums { sys::cudaDataType_t::CUDA_R_32F } else { factors };
        let layouts = [
            Layout::new(factors, left.0, left.1, product.right.matrix.stride)?,
            Layout::new(factors, right.0, right.1, product.left.matrix.stride)?,
            Layout::new(output, rows, columns, product.output.stride)?,
        ];
        let operation = Operation::new(sums)?;
        let preference = Preference::new()?;
        // The parts of a sum must be f32 until they are added up, which all are that end as f32.
        let parts = if output == sys::cudaDataType_t::CUDA_R_32F {
            sys::cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_MASK
        } else {
            sys::cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE
        };
        let [left_alignment, right_alignment, output_alignment] = shape.alignments;
        // SAFETY: the values have the attributes' types, a `u64`, `i32` or `u32` each, and the layouts live.
        unsafe {
            operation.set(Of::CUBLASLT_MATMUL_DESC_TRANSA, i32::from(left.2))?;
            operation.set(Of::CUBLASLT_MATMUL_DESC_TRANSB, i32::from(right.2))?;
            if let Some(bias) = product.bias {
                let epilogue = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS as u32;
                operation.set(Of::CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue)?;
                operation.set(Of::CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, factors as i32)?;
                // Its alignment is read off it.
                operation.set_bias(bias)?;
            }
            preference.set(Wish::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, WORKSPACE as u64)?;
            preference.set(Wish::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, parts as u32)?;
            preference.set(Wish::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, right_alignment)?;
            preference.set(Wish::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, left_alignment)?;
            preference.set(Wish::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, output_alignment)?;
            preference.set(Wish::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, output_alignment)?;
            let [left, right, output] = &layouts;
            let found = result::get_matmul_algo_heuristic(
                handle,
                operation.0,
                left.0,
                right.0,
                output.0,
                output.0,
                preference.0,
            )?;
            Ok(Self { operation, layouts, algorithm: found.algo })
        }
    }
}

/// One of cuBLASLt's descriptors, freed with this.
macro_rules! descriptor {
    ($($name:ident: $handle:ty, $destroy:ident;)*) => {
        $(
            #[derive(Debug)]
            struct $name($handle);

            impl Drop for $name {
                fn drop(&mut self) {
                    // SAFETY: it is not used again. Freeing a few hundred bytes does not fail.
                    let _ = unsafe { result::$destroy(self.0) };
                }
            }
        )*
    };
}

descriptor! {
    Layout: sys::cublasLtMatrixLayout_t, destroy_matrix_layout;
    Operation: sys::cublasLtMatmulDesc_t, destroy_matmul_desc;
    Preference: sys::cublasLtMatmulPreference_t, destroy_matmul_pref;
}

impl Layout {
    fn new(format: sys::cudaDataType_t, rows: usize, columns: usize, stride: usize) -> Result<Self, CublasError> {
        result::create_matrix_layout(format, rows as u64, columns as u64, stride as i64).map(Self)
    }
}

impl Operation {
    fn new(sums: sys::cublasComputeType_t) -> Result<Self, CublasError> {
        result::create_matmul_desc(sums, sys::cudaDataType_t::CUDA_R_32F).map(Self)
    }

    fn set_bias(&self, bias: Address) -> Result<(), CublasError> {
        // SAFETY: this attribute is a pointer, which takes as much room as an address.
        unsafe { self.set(sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias.0) }
    }

    /// # Safety
    /// The value must have the attribute's type.
    unsafe fn set<T: Copy>(&self, attribute: sys::cublasLtMatmulDescAttributes_t, value: T) -> Result<(), CublasError> {
        // SAFETY: the descriptor lives, and the value is copied.
        unsafe { result::set_matmul_desc_attribute(self.0, attribute, (&raw const value).cast(), size_of::<T>()) }
    }
}

impl Preference {
    fn new() -> Result<Self, CublasError> {
        result::create_matmul_pref().map(Self)
    }

    /// # Safety
    /// The value must have the attribute's type.
    unsafe fn set<T: Copy>(
        &self,
        attribute: sys::cublasLtMatmulPreferenceAttributes_t,
        value: T,
    ) -> Result<(), CublasError> {
        // SAFETY: the descriptor lives, and the value is copied.
        unsafe { result::set_matmul_pref_attribute(self.0, attribute, (&raw const value).cast(), size_of::<T>()) }
    }
}

/// The largest power of two that the address is a multiple of, as far as cuBLAS cares.
fn alignment(address: Address) -> u32 {
    1 << address.0.trailing_zeros().min(8)
}

fn pointer(address: Address) -> *mut c_void {
    address.0 as *mut c_void
}
