//! The options that say where and how a command computes.

use crate::model::{Compute, DeviceChoice, ModelError, Precision, set_threads};

/// Device, precision and threads.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ComputeArguments {
    /// Where to compute; auto takes a GPU where this build has one and it starts.
    #[arg(long, value_enum, default_value_t)]
    pub(super) device: DeviceChoice,
    /// Number format of activations: f32 unless on CUDA.
    #[arg(long, value_enum)]
    pub(super) precision: Option<Precision>,
    /// Threads to compute with: one a core unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
}

impl ComputeArguments {
    /// Sets the threads and finds the device; to be called before any work.
    pub fn choose(self) -> Result<Compute, ModelError> {
        set_threads(self.threads.map(usize::from));
        Compute::choose(self.device, self.precision)
    }
}
