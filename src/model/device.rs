//! Where and how precisely a model computes.

use super::ModelError;
use candle_core::Device;
#[cfg(any(test, feature = "cuda", feature = "metal"))]
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

/// The device that the user asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The GPU where this build has one and it starts, else the processor.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Metal,
}

/// The number format of activations; weights, LayerNorm, softmax, loss and optimizer stay f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// On CUDA, matrix products round their factors to TF32: f32's range with 10 bits of fraction.
    F32,
    Bf16,
}

impl Precision {
    /// `f32` or `bf16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

/// A device that is there, with the precision to use on it.
#[derive(Debug, Clone)]
pub struct Compute {
    pub device: Device,
    pub precision: Precision,
}

impl Compute {
    /// Finds the device. Without a wish, f32 on the processor and on Metal, bf16 on CUDA.
    ///
    /// # Errors
    /// [`ModelError::Device`] where the device asked for is not there or not in this build.
    pub fn choose(choice: DeviceChoice, precision: Option<Precision>) -> Result<Self, ModelError> {
        let device = match choice {
            DeviceChoice::Cpu => Device::Cpu,
            DeviceChoice::Cuda => cuda().map_err(ModelError::Device)?,
            DeviceChoice::Metal => metal().map_err(ModelError::Device)?,
            DeviceChoice::Auto => cuda().or_else(|_| metal()).unwrap_or(Device::Cpu),
        };
        let precision = precision.unwrap_or(if device.is_cuda() { Precision::Bf16 } else { Precision::F32 });
        Ok(Self { device, precision })
    }

    /// f32 on the processor.
    #[must_use]
    pub fn processor() -> Self {
        Self { device: Device::Cpu, precision: Precision::F32 }
    }

    /// `cpu`, `cuda` or `metal`.
    #[must_use]
    pub fn device_name(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }
}

/// The first NVIDIA GPU, or what stands in the way.
#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, String> {
    // The CUDA bindings panic where the driver's library is missing, so ask the driver's own monitor first.
    let devices = nvml_wrapper::Nvml::init()
        .and_then(|nvml| nvml.device_count())
        .map_err(|failure| format!("NVIDIA's driver does not answer ({failure}): install it, or use --device cpu"))?;
    if devices == 0 {
        return Err("this machine has no NVIDIA GPU: use --device cpu".to_owned());
    }
    // Without it, products of f32 matrices leave the tensor cores idle.
    candle_core::cuda::set_gemm_reduced_precision_f32(true);
    Device::new_cuda(0)
        .and_then(tried_out)
        .map_err(|failure| format!("the NVIDIA GPU does not start ({failure}): use --device cpu"))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, String> {
    Err("this build of Citelink has no CUDA in it: use --device cpu, or build it with --features cuda".to_owned())
}

/// The Apple GPU, or what stands in the way.
#[cfg(feature = "metal")]
fn metal() -> Result<Device, String> {
    // candle panics where there is no such device, as in a virtual machine.
    std::panic::catch_unwind(|| Device::new_metal(0))
        .map_err(|_| "this machine has no Apple GPU: use --device cpu".to_owned())?
        .and_then(tried_out)
        .map_err(|failure| format!("the Apple GPU does not start ({failure}): use --device cpu"))
}

#[cfg(not(feature = "metal"))]
fn metal() -> Result<Device, String> {
    Err("this build of Citelink has no Metal in it: use --device cpu, or build it with --features metal".to_owned())
}

/// Runs a first kernel: only that shows whether the driver can run the code in this build, which may be too new for it
/// or made for another generation of GPUs.
#[cfg(any(test, feature = "cuda", feature = "metal"))]
fn tried_out(device: Device) -> candle_core::Result<Device> {
    let two: Vec<f32> = (Tensor::ones(1, DType::F32, &device)? + 1.0)?.to_vec1()?;
    if two != [2.0] {
        candle_core::bail!("it computes 1 + 1 = {two:?}");
    }
    Ok(device)
}

/// Sets how many threads the whole program computes with (None: one a core) and returns the number. To be called once,
/// by a command, before any other thread is started and before any work: later calls change nothing.
///
/// There are two pools to set. Everything parallel of this crate and of `gemm` runs on rayon's global pool. candle
/// splits each matrix product into as many parts as `RAYON_NUM_THREADS` says, and without that variable it counts the
/// cores anew, from `/proc/cpuinfo`, at every product; so the variable is set in either case.
pub fn set_threads(wish: Option<usize>) -> usize {
    let from_environment =
        || std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|&threads| threads > 0);
    let threads = wish.filter(|&threads| threads > 0).or_else(from_environment).unwrap_or_else(cores);
    if rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("compute-{index}"))
        .build_global()
        .is_ok()
    {
        // SAFETY: the environment must not be changed while another thread reads it. This branch is taken once, at the
        // start of a command; the only other threads are the pool's, just started, which read no variables.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
    rayon::current_num_threads()
}

/// Lets the process keep what it frees, in memory and on the device. To be called before training.
///
/// Every step allocates and frees the same large tensors. By default glibc maps each of them from the system and gives
/// it back, and the system clears each page anew: a sixth of the processor time of training went there, for 3 % less
/// memory at its peak (measured at a width of 256 and at BERT-base's, 2 cores).
///
/// On CUDA, the pool gives back what is free at every wait for a result, of which each step has several.
pub fn keep_freed_memory(device: &Device) {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = device
        && let Err(failure) = keep_pool(device)
    {
        tracing::warn!("the GPU's memory pool stays as it is: {failure}");
    }
    #[cfg(not(feature = "cuda"))]
    let _ = device;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: `mallopt` takes no pointers and may be called at any time.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
        });
    }
}

/// Sets how much of the memory that tensors come from may be free without being given back: all of it.
#[cfg(feature = "cuda")]
fn keep_pool(device: &candle_core::CudaDevice) -> Result<(), candle_core::cuda::cudarc::driver::DriverError> {
    use candle_core::cuda::cudarc::driver::{result, sys};
    let number = device.cuda_stream().context().cu_device();
    let mut threshold = u64::MAX;
    let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the number is that of a device in use, the pool is the driver's answer, and this attribute is a `u64`.
    unsafe {
        let pool = result::device::get_mem_pool(number)?;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut threshold).cast())
    }
}

/// Physical cores that this process may use: a second thread on a core slows matrix products down.
fn cores() -> usize {
    let usable = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    sysinfo::System::physical_core_count().map_or(usable, |physical| physical.clamp(1, usable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_computes_is_taken() {
        assert!(tried_out(Device::Cpu).unwrap().is_cpu());
    }

    #[test]
    fn without_a_wish_there_is_always_a_device() {
        let compute = Compute::choose(DeviceChoice::Auto, None).unwrap();
        assert_eq!(compute.precision, if compute.device.is_cuda() { Precision::Bf16 } else { Precision::F32 });
        let compute = Compute::choose(DeviceChoice::Cpu, Some(Precision::Bf16)).unwrap();
        assert_eq!((compute.device_name(), compute.precision), ("cpu", Precision::Bf16));
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn a_device_that_is_not_in_the_build_is_named() {
        for (choice, name) in [(DeviceChoice::Cuda, "cuda"), (DeviceChoice::Metal, "metal")] {
            let failure = Compute::choose(choice, None).unwrap_err().to_string();
            assert!(failure.contains(name) && failure.contains("--device cpu"), "{failure}");
        }
    }
}
