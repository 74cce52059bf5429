//! Fine-tuning as the notebook does it with Hugging Face's `Trainer`.

mod adamw;
mod evaluate;
mod hyperparameters;
mod loss;
mod observer;
mod schedule;
mod shuffle;
mod state;
mod trainer;

pub use hyperparameters::Hyperparameters;
pub use observer::{Control, Evaluation, Observer, ObserverError, StepReport};
pub use trainer::{Examples, Outcome, Trainer, TrainerState, TrainingError};
