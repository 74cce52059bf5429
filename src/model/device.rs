//! Where and how precisely a model computes.

use super::ModelError;
use candle_core::Device;
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
    F32,
    Bf16,
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
        let _ = (choice, precision);
        todo!()
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
