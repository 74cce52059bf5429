//! NVIDIA GPUs, through the driver and cuBLASLt.

mod multiplier;

use super::arguments::Arguments;
use super::backend::{Address, Backend, Launch, Product};
use crate::model::ModelError;
use candle_core::CudaDevice;
use candle_core::cuda::cudarc::driver::{CudaContext, CudaFunction, CudaModule, CudaStream, result, sys};
use candle_core::cuda::cudarc::nvrtc::Ptx;
use multiplier::Multiplier;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kernels, for the driver to compile.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/engine.ptx"));

/// The compute capability that the kernels are written for.
const OLDEST: (i32, i32) = (8, 0);

/// Bytes that can be on their way to the GPU at once.
const STAGING: usize = 4 << 20;

/// An NVIDIA GPU with a stream of its own, so that nothing waits for what else the program computes there.
#[derive(Debug)]
pub struct Cuda {
    stream: Arc<CudaStream>,
    module: Arc<CudaModule>,
    /// Those of the module's that were launched before.
    functions: Mutex<HashMap<String, CudaFunction>>,
    staging: Mutex<Staging>,
    multiplier: Mutex<Multiplier>,
}

impl Cuda {
    pub fn new(device: &CudaDevice) -> Result<Self, ModelError> {
        let context = Arc::clone(device.cuda_stream().context());
        let capability = context.compute_capability().map_err(failed)?;
        if capability < OLDEST {
            return Err(ModelError::Device(format!(
                "this NVIDIA GPU is too old: its compute capability is {}.{}, and {}.{} is needed",
                capability.0, capability.1, OLDEST.0, OLDEST.1
            )));
        }
        if !context.has_async_alloc() {
            return Err(ModelError::Device("this NVIDIA GPU has no memory pools".to_owned()));
        }
        let stream = context.new_stream().map_err(failed)?;
        let module = context.load_module(Ptx::from_src(KERNELS)).map_err(failed)?;
        let staging = Mutex::new(Staging::new(&context)?);
        let multiplier = Mutex::new(Multiplier::new(&stream)?);
        Ok(Self { stream, module, functions: Mutex::default(), staging, multiplier })
    }

    /// The stream, on a thread that can use it from now on.
    fn stream(&self) -> Result<sys::CUstream, ModelError> {
        self.stream.context().bind_to_thread().map_err(failed)?;
        Ok(self.stream.cu_stream())
    }

    fn function(&self, name: &str) -> Result<sys::CUfunction, ModelError> {
        let mut functions = locked(&self.functions);
        if let Some(function) = functions.get(name) {
            return Ok(function.cu_function());
        }
        let function = self
            .module
            .load_function(name)
            .map_err(|failure| ModelError::Device(format!("the NVIDIA GPU failed: no kernel {name}: {failure}")))?;
        Ok(functions.entry(name.to_owned()).or_insert(function).cu_function())
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // Kernels, copies and products on their way use what goes now.
        self.stream.context().record_err(self.stream.synchronize());
    }
}

impl Backend for Cuda {
    type Memory = Memory;

    fn allocate(&self, bytes: usize) -> Result<Memory, ModelError> {
        Memory::new(&self.stream, bytes)
    }

    fn address(memory: &Memory) -> Address {
        Address(memory.address)
    }

    unsafe fn clear(&self, to: Address, bytes: usize) -> Result<(), ModelError> {
        let stream = self.stream()?;
        // SAFETY: the caller answers for the address, and the stream lives as long as this.
        unsafe { result::memset_d8_async(to.0, 0, bytes, stream) }.map_err(failed)
    }

    unsafe fn write(&self, to: Address, from: &[u8]) -> Result<(), ModelError> {
        let stream = self.stream()?;
        let mut staging = locked(&self.staging);
        let mut to = to.0;
        for part in from.chunks(STAGING) {
            if staging.used + part.len() > STAGING {
                // SAFETY: the stream lives as long as this.
                unsafe { result::stream::synchronize(stream) }.map_err(failed)?;
                staging.used = 0;
            }
            let staged = staging.stage(part);
            // SAFETY: the caller answers for the address, and what is staged stays there until the stream was waited
            // for.
            unsafe { result::memcpy_htod_async(to, staged, stream) }.map_err(failed)?;
            to += part.len() as u64;
        }
        Ok(())
    }

    unsafe fn read(&self, from: Address, to: &mut [u8]) -> Result<(), ModelError> {
        let stream = self.stream()?;
        // SAFETY: the caller answers for the address, and `to` is borrowed until the copy is there.
        let asked = unsafe { result::memcpy_dtoh_async(to, from.0, stream) };
        // SAFETY: the stream lives as long as this.
        let there = unsafe { result::stream::synchronize(stream) };
        asked.and(there).map_err(failed)
    }

    unsafe fn launch<A: Arguments>(&self, kernel: &str, launch: Launch, arguments: &A) -> Result<(), ModelError> {
        if launch.grid.contains(&0) {
            return Ok(());
        }
        let stream = self.stream()?;
        let function = self.function(kernel)?;
        let [x, y, z] = launch.grid.map(|blocks| blocks as u32);
        let mut parameters = [(&raw const *arguments).cast_mut().cast()];
        // SAFETY: the function lives as long as the module, kernels take one structure, which is copied before this
        // returns and never written to, and the caller answers for the addresses in it.
        unsafe {
            let threads = (launch.threads as u32, 1, 1);
            result::launch_kernel(function, (x, y, z), threads, launch.shared as u32, stream, &mut parameters)
        }
        .map_err(|failure| ModelError::Device(format!("the NVIDIA GPU failed at {kernel}, {launch:?}: {failure}")))
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), ModelError> {
        let stream = self.stream()?;
        // SAFETY: the caller answers for the addresses, and the stream is the one that the multiplier was made for.
        unsafe { locked(&self.multiplier).multiply(product, stream) }
    }
}

/// Memory that is given back in the order of the stream.
#[derive(Debug)]
pub struct Memory {
    address: sys::CUdeviceptr,
    stream: Arc<CudaStream>,
}

impl Memory {
    fn new(stream: &Arc<CudaStream>, bytes: usize) -> Result<Self, ModelError> {
        stream.context().bind_to_thread().map_err(failed)?;
        // SAFETY: what is there before it is written to is up to whoever uses the address.
        let address = unsafe { result::malloc_async(stream.cu_stream(), bytes.max(1)) }.map_err(failed)?;
        Ok(Self { address, stream: Arc::clone(stream) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let context = self.stream.context();
        context.record_err(context.bind_to_thread());
        // SAFETY: the address comes from this stream and is given back once.
        context.record_err(unsafe { result::free_async(self.address, self.stream.cu_stream()) });
    }
}

/// Memory that the GPU reads by itself. Everything written goes through it: the driver does not promise to have read
/// ordinary memory when an asynchronous copy returns, and may wait for the stream before it does.
#[derive(Debug)]
struct Staging {
    start: *mut u8,
    /// Bytes at its start that the GPU may not have read yet.
    used: usize,
    context: Arc<CudaContext>,
}

// SAFETY: page-locked memory is that of all threads, and nothing else has the pointer.
unsafe impl Send for Staging {}

impl Staging {
    fn new(context: &Arc<CudaContext>) -> Result<Self, ModelError> {
        context.bind_to_thread().map_err(failed)?;
        // SAFETY: nothing is read from it before it is written to.
        let start = unsafe { result::malloc_host(STAGING, 0) }.map_err(failed)?;
        Ok(Self { start: start.cast(), used: 0, context: Arc::clone(context) })
    }

    /// Copies behind what is there already, where there must be room.
    fn stage(&mut self, part: &[u8]) -> &[u8] {
        assert!(self.used + part.len() <= STAGING, "too much at once");
        // SAFETY: the part fits, as was just seen, and lies elsewhere, because nothing else has the pointer.
        let staged = unsafe {
            let place = self.start.add(self.used);
            place.copy_from_nonoverlapping(part.as_ptr(), part.len());
            std::slice::from_raw_parts(place, part.len())
        };
        self.used += part.len();
        staged
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.context.record_err(self.context.bind_to_thread());
        // SAFETY: it comes from `malloc_host` and is given back once; `Cuda` has waited for the copies.
        self.context.record_err(unsafe { result::free_host(self.start.cast()) });
    }
}

/// What is behind these locks is whole even after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(failure: impl Display) -> ModelError {
    ModelError::Device(format!("the NVIDIA GPU failed: {failure}"))
}
