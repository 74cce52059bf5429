//! The BERT cross-encoder: configuration, weights, forward pass, saved-model folders and where base models come from.

mod bert;
mod bundled;
mod classes;
mod config;
mod create;
mod cross_encoder;
mod device;
mod dropout;
mod element;
mod engine;
mod error;
mod first_weights;
mod folder;
#[cfg(any(test, feature = "cuda"))]
mod gpu;
mod hub;
mod inference_config;
mod parameter_set;
mod pickle;
mod safetensors_file;
mod source;
mod torch_file;
mod weights;

pub use config::BertConfig;
pub use create::{CreateSettings, create_model};
pub use cross_encoder::{CrossEncoder, LossGradient};
pub use device::{Compute, DeviceChoice, Precision, keep_freed_memory, set_threads};
pub use dropout::{DropoutKey, counter_random};
pub(crate) use engine::vectorized;
pub use error::ModelError;
pub use folder::SavedModel;
#[cfg(any(test, feature = "cuda"))]
pub use gpu::GpuParameters;
#[cfg(any(test, feature = "cuda"))]
pub(crate) use gpu::{GpuOptimizer, StepFactors, Target};
pub use hub::{Hub, cached, fetch};
pub use inference_config::InferenceConfig;
pub use parameter_set::{FlatParameters, Layout, ParameterSet, Segment};
pub(crate) use safetensors_file::write as write_safetensors;
pub use source::ModelSource;
pub use weights::{Weights, parameters};
