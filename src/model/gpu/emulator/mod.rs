//! A processor in place of a GPU: the kernels compiled as C++, with CUDA's threads as fibers.

use super::arguments::Arguments;
use super::backend::{Address, Backend, Into, Launch, Product};
use crate::model::{ModelError, Precision};
use half::bf16;
use std::ffi::{CStr, CString, c_void};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Compiled once, for all tests.
#[derive(Debug, Clone, Copy)]
pub struct Emulator {
    library: usize,
}

type Emulate = unsafe extern "C" fn(*const c_void, *const u32, u32, u32, *const c_void);

/// Kernels share variables, so that one runs at a time.
static TURN: Mutex<()> = Mutex::new(());

impl Emulator {
    /// None where there is no C++ compiler, or no Unix to load what it compiles.
    pub(in super::super) fn get() -> Option<Self> {
        static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
        *EMULATOR.get_or_init(Self::compile)
    }

    fn compile() -> Option<Self> {
        if cfg!(not(unix)) {
            eprintln!("skipped: kernels are tested on Unix");
            return None;
        }
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/gpu");
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("kernels.so");
        let finished = Command::new(&compiler)
            .args(["-std=c++17", "-O2", "-shared", "-fPIC", "-ffp-contract=off", "-Wall", "-Werror"])
            .args(["-Wno-unknown-pragmas", "-x", "c++", "-I"])
            .arg(here.join("emulator"))
            .arg(here.join("kernels/engine.cu"))
            .arg("-o")
            .arg(&library)
            .output();
        let output = match finished {
            Ok(output) => output,
            Err(failure) => {
                eprintln!("skipped: {compiler} cannot be started ({failure}), so kernels cannot be tested");
                return None;
            }
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { library: load(&library) })
    }

    fn symbol(self, name: &str) -> *mut c_void {
        let found = symbol(self.library, &CString::new(name).unwrap());
        assert!(!found.is_null(), "there is no kernel {name:?}");
        found
    }
}

#[cfg(unix)]
fn load(library: &Path) -> usize {
    let name = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: the library has just been compiled from our sources, and runs nothing when it is loaded.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "the kernels cannot be loaded");
    library as usize
}

#[cfg(unix)]
fn symbol(library: usize, name: &CStr) -> *mut c_void {
    // SAFETY: the library stays loaded.
    unsafe { libc::dlsym(library as *mut c_void, name.as_ptr()) }
}

#[cfg(not(unix))]
fn load(_library: &Path) -> usize {
    unreachable!("nothing is compiled here")
}

#[cfg(not(unix))]
fn symbol(_library: usize, _name: &CStr) -> *mut c_void {
    std::ptr::null_mut()
}

/// Memory in words, so that any number may lie at its start; new memory is full of what is not a number.
#[derive(Debug)]
pub struct Words(Vec<[u64; 2]>);

impl Backend for Emulator {
    type Memory = Words;

    fn allocate(&self, bytes: usize) -> Result<Words, ModelError> {
        Ok(Words(vec![[u64::MAX; 2]; bytes.div_ceil(16)]))
    }

    fn address(memory: &Words) -> Address {
        Address(memory.0.as_ptr() as u64)
    }

    unsafe fn clear(&self, to: Address, bytes: usize) -> Result<(), ModelError> {
        // SAFETY: the caller's.
        unsafe { std::ptr::write_bytes(to.0 as *mut u8, 0, bytes) };
        Ok(())
    }

    unsafe fn write(&self, to: Address, from: &[u8]) -> Result<(), ModelError> {
        // SAFETY: the caller's.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.0 as *mut u8, from.len()) };
        Ok(())
    }

    unsafe fn read(&self, from: Address, to: &mut [u8]) -> Result<(), ModelError> {
        // SAFETY: the caller's.
        unsafe { std::ptr::copy_nonoverlapping(from.0 as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    unsafe fn launch<A: Arguments>(&self, kernel: &str, launch: Launch, arguments: &A) -> Result<(), ModelError> {
        assert!(launch.grid.iter().all(|&blocks| blocks > 0), "{kernel} {launch:?}");
        assert!((1..=1024).contains(&launch.threads) && launch.shared <= 48 << 10, "{kernel} {launch:?}");
        assert!(launch.grid[1] < 1 << 16 && launch.grid[2] < 1 << 16, "{kernel} {launch:?}");
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let grid = launch.grid.map(|blocks| blocks as u32);
        // SAFETY: `emulate` has this signature, and the kernel takes these arguments.
        unsafe {
            let emulate: Emulate = std::mem::transmute(self.symbol("emulate"));
            let (threads, shared) = (launch.threads as u32, launch.shared as u32);
            emulate(self.symbol(kernel), grid.as_ptr(), threads, shared, std::ptr::from_ref(arguments).cast());
        }
        drop(turn);
        Ok(())
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), ModelError> {
        // As BLAS does it: by columns, with a matrix's stride from column to column.
        let by_columns = product.by_columns();
        let (left, right) = (product.right.matrix, product.left.matrix);
        let at = |address: Address, place: usize| {
            // SAFETY: the caller's.
            unsafe {
                match product.precision {
                    Precision::F32 => *(address.0 as *const f32).add(place),
                    Precision::Bf16 => (*(address.0 as *const bf16).add(place)).to_f32(),
                }
            }
        };
        let number = |address, stride: usize, (rows, columns, transposed): (usize, usize, bool), row, column| {
            let (row, column) = if transposed { (column, row) } else { (row, column) };
            assert!(row < rows && column < columns && rows <= stride);
            at(address, column * stride + row)
        };
        for column in 0..by_columns.columns {
            for row in 0..by_columns.rows {
                let mut sum: f64 = (0..by_columns.depth)
                    .map(|depth| {
                        f64::from(number(left.address, left.stride, by_columns.left, row, depth))
                            * f64::from(number(right.address, right.stride, by_columns.right, depth, column))
                    })
                    .sum();
                if let Some(bias) = product.bias {
                    sum += f64::from(at(bias, row));
                }
                let (address, place) = (product.output.address, column * product.output.stride + row);
                // SAFETY: the caller's.
                unsafe {
                    match (product.into, product.precision) {
                        (Into::Sums, _) => *(address.0 as *mut f32).add(place) += sum as f32,
                        (Into::Factors, Precision::F32) => *(address.0 as *mut f32).add(place) = sum as f32,
                        (Into::Factors, Precision::Bf16) => {
                            *(address.0 as *mut bf16).add(place) = bf16::from_f32(sum as f32);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
