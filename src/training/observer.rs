//! How training reports, without knowing of files.

use super::Trainer;
use crate::evaluation::Metrics;
use serde::{Deserialize, Serialize};

/// A logged step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Optimizer steps done.
    pub step: u64,
    /// Epochs done, with its fraction.
    pub epoch: f64,
    /// Mean training loss since the last report.
    pub loss: f64,
    /// At this step.
    pub learning_rate: f64,
    /// Before clipping.
    pub gradient_norm: f64,
    /// Examples seen since the last report.
    pub examples: u64,
    /// Their tokens, padding excluded.
    pub tokens: u64,
    /// Seconds of fitting since the last report: evaluations and what the observer does come on top.
    pub seconds: f64,
}

/// One epoch's evaluation on the validation part.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Epochs done.
    pub epoch: usize,
    /// Optimizer steps done.
    pub step: u64,
    /// As Hugging Face's `Trainer` computes it.
    pub loss: f64,
    /// At the larger logit.
    pub metrics: Metrics,
    /// One a validation example, in order.
    pub logits: Vec<[f32; 2]>,
    /// The lowest validation loss so far.
    pub improved: bool,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Continue,
    Stop,
}

/// What an observer may fail with.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// Follows training; every method may end it with an error.
pub trait Observer {
    /// A step was logged.
    ///
    /// # Errors
    /// Ends training.
    fn logged(&mut self, report: &StepReport) -> Result<(), ObserverError>;

    /// An epoch was evaluated; the trainer's parameters are those that were.
    ///
    /// # Errors
    /// Ends training.
    fn evaluated(&mut self, evaluation: &Evaluation, trainer: &Trainer) -> Result<(), ObserverError>;

    /// Called after every optimizer step, and after an epoch's evaluation, a stopped one too: the place to checkpoint and
    /// to stop.
    ///
    /// # Errors
    /// Ends training.
    fn between_steps(&mut self, trainer: &Trainer) -> Result<Control, ObserverError>;

    /// Evaluation has scored `done` of `total` validation examples. To stop here stops training: its state is then that
    /// before the evaluation, which is repeated when training goes on.
    fn evaluating(&mut self, done: usize, total: usize) -> Control {
        let _ = (done, total);
        Control::Continue
    }
}
