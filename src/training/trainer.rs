//! The training loop.

use super::adamw::{AdamW, Found};
use super::evaluate::{Evaluated, evaluate};
use super::loss::{cross_entropy, total_weight};
use super::schedule::Schedule;
use super::state::{Position, Window};
use super::{Control, Evaluation, Hyperparameters, Observer, ObserverError, StepReport, shuffle};
#[cfg(any(test, feature = "cuda"))]
use crate::model::Target;
use crate::model::{CrossEncoder, DropoutKey, ModelError, ParameterSet, keep_freed_memory};
use crate::pairs::{Batch, EncodedPair};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// Prefixes of names in the state.
const PARAMETER: &str = "parameter";
const FIRST_MOMENT: &str = "first_moment";
const SECOND_MOMENT: &str = "second_moment";

/// Encoded rows with their labels (0 or 1).
#[derive(Debug, Clone, Default)]
pub struct Examples {
    pub pairs: Vec<EncodedPair>,
    pub labels: Vec<u8>,
}

/// Everything needed to go on bit for bit: tensors (parameters, both moments, by prefixed name, f32 on the processor)
/// and the position.
#[derive(Debug, Clone)]
pub struct TrainerState {
    pub tensors: BTreeMap<String, Tensor>,
    /// JSON of the position, losses since the last log and the best validation loss.
    pub position: serde_json::Value,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Finished,
    Stopped,
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{0}")]
    Setting(&'static str),
    #[error("the loss became {loss} at step {step}: lower the learning rate")]
    Diverged { step: u64, loss: f64 },
    #[error("the gradient's norm became {norm} at step {step}: lower the learning rate")]
    GradientDiverged { step: u64, norm: f64 },
    #[error("the checkpoint does not fit this run: {0}")]
    State(String),
    #[error(transparent)]
    Observer(ObserverError),
}

impl From<candle_core::Error> for TrainingError {
    fn from(failure: candle_core::Error) -> Self {
        Self::Model(failure.into())
    }
}

/// A model being fine-tuned.
#[derive(Debug)]
pub struct Trainer {
    model: CrossEncoder,
    hyperparameters: Hyperparameters,
    class_weights: [f64; 2],
    pad_id: u32,
    optimizer: AdamW,
    /// Of the step being taken; kept so that its memory is.
    gradient: ParameterSet,
    position: Position,
    /// Of the last step that was looked at.
    gradient_norm: f64,
}

/// What one optimizer step is made of.
struct Step {
    learning_rate: f64,
    examples: usize,
    tokens: usize,
}

impl Trainer {
    /// Sets up training on `train` with the class weights of its split; `pad_id` fills batches.
    ///
    /// # Errors
    /// [`TrainingError::Setting`], [`TrainingError::Model`].
    pub fn new(
        model: CrossEncoder,
        hyperparameters: Hyperparameters,
        class_weights: [f64; 2],
        pad_id: u32,
    ) -> Result<Self, TrainingError> {
        let Hyperparameters { batch_size, accumulation, log_every, epochs, .. } = hyperparameters;
        if [batch_size, accumulation, log_every, epochs].contains(&0) {
            return Err(TrainingError::Setting(
                "batch size, accumulation, epochs and the steps between logs must each be at least 1",
            ));
        }
        if !class_weights.iter().all(|weight| weight.is_finite() && *weight > 0.0) {
            return Err(TrainingError::Setting("class weights must be above 0: training needs rows of both labels"));
        }
        keep_freed_memory(model.device());
        let optimizer = AdamW::new(model.parameters(), hyperparameters.weight_decay)?;
        let gradient = model.parameters().zeros_like()?;
        let position = Position { best_loss: f64::INFINITY, ..Position::default() };
        Ok(Self { model, hyperparameters, class_weights, pad_id, optimizer, gradient, position, gradient_norm: 0.0 })
    }

    /// Takes up where [`state`](Self::state) left off.
    ///
    /// # Errors
    /// [`TrainingError::State`].
    pub fn restore(&mut self, state: &TrainerState) -> Result<(), TrainingError> {
        let position = serde_json::from_value(state.position.clone())
            .map_err(|failure| TrainingError::State(format!("its position cannot be read: {failure}")))?;
        // Check everything before anything changes.
        for (prefix, set) in self.sets() {
            for (name, expected) in set.shapes() {
                let tensor = (state.tensors.get(&format!("{prefix}.{name}")))
                    .ok_or_else(|| TrainingError::State(format!("tensor {prefix}.{name} is missing")))?;
                if tensor.dims() != expected {
                    let found = tensor.dims();
                    let reason = format!("tensor {prefix}.{name} has shape {found:?}, not {expected:?}");
                    return Err(TrainingError::State(reason));
                }
            }
        }
        let names: Vec<String> = self.model.parameters().shapes().iter().map(|(name, _)| (*name).to_owned()).collect();
        for name in names {
            let saved = |prefix: &str| &state.tensors[&format!("{prefix}.{name}")];
            self.model.parameters_mut().set(&name, saved(PARAMETER))?;
            self.optimizer.first.set(&name, saved(FIRST_MOMENT))?;
            self.optimizer.second.set(&name, saved(SECOND_MOMENT))?;
        }
        self.optimizer.forget()?;
        self.position = position;
        Ok(())
    }

    /// The full state.
    ///
    /// # Errors
    /// [`TrainingError::Model`]; [`TrainingError::Diverged`] and [`TrainingError::GradientDiverged`] where a GPU has
    /// taken such a step and nobody has looked yet.
    pub fn state(&self) -> Result<TrainerState, TrainingError> {
        let mut tensors = BTreeMap::new();
        for (prefix, set) in self.sets() {
            for (name, _) in set.shapes() {
                tensors.insert(format!("{prefix}.{name}"), set.tensor(name)?);
            }
        }
        let mut position = self.position.clone();
        add_losses(&mut position.window, &self.optimizer.found()?, position.step)?;
        let position = serde_json::to_value(&position).map_err(|failure| TrainingError::State(failure.to_string()))?;
        Ok(TrainerState { tensors, position })
    }

    /// What the state holds besides the position, by the prefix of its tensors' names.
    fn sets(&self) -> [(&'static str, &ParameterSet); 3] {
        let AdamW { first, second, .. } = &self.optimizer;
        [(PARAMETER, self.model.parameters()), (FIRST_MOMENT, first), (SECOND_MOMENT, second)]
    }

    /// Trains until the last epoch is evaluated or the observer stops it.
    ///
    /// # Errors
    /// See [`TrainingError`].
    pub fn fit(
        &mut self,
        train: &Examples,
        validation: &Examples,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, TrainingError> {
        if train.pairs.is_empty() || validation.pairs.is_empty() {
            return Err(TrainingError::Setting("training needs at least one training and one validation example"));
        }
        if self.position.step > 0 && self.position.examples != train.pairs.len() {
            let (then, now) = (self.position.examples, train.pairs.len());
            return Err(TrainingError::State(format!("it was made with {then} training examples, there are {now}")));
        }
        self.position.examples = train.pairs.len();
        let schedule = Schedule::new(&self.hyperparameters, train.pairs.len());
        while self.position.epoch < self.hyperparameters.epochs {
            if self.train_epoch(train, &schedule, observer)? == Control::Stop {
                return Ok(Outcome::Stopped);
            }
            // The position moves on only once the observer has kept what it wants to keep: after an interruption in
            // between, the epoch is evaluated again, with the same result.
            let Some(evaluation) = self.evaluate_epoch(validation, observer)? else {
                observer.between_steps(self).map_err(TrainingError::Observer)?;
                return Ok(Outcome::Stopped);
            };
            observer.evaluated(&evaluation, self).map_err(TrainingError::Observer)?;
            self.position.best_loss = self.position.best_loss.min(evaluation.loss);
            self.position.epoch += 1;
            self.position.step_in_epoch = 0;
            if observer.between_steps(self).map_err(TrainingError::Observer)? == Control::Stop
                && self.position.epoch < self.hyperparameters.epochs
            {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    /// Takes the steps of the epoch that are still to be taken.
    fn train_epoch(
        &mut self,
        train: &Examples,
        schedule: &Schedule,
        observer: &mut dyn Observer,
    ) -> Result<Control, TrainingError> {
        let Hyperparameters { batch_size, accumulation, log_every, seed, .. } = self.hyperparameters;
        let order = shuffle::order(train.pairs.len(), seed, self.position.epoch as u64);
        let per_step = batch_size * accumulation;
        while self.position.step_in_epoch < schedule.steps_per_epoch {
            let start = self.position.step_in_epoch * per_step;
            let chosen = &order[start..(start + per_step).min(order.len())];
            let first_micro_batch =
                self.position.epoch * schedule.micro_batches + self.position.step_in_epoch * accumulation;
            let began = Instant::now();
            let step = self.take_step(train, chosen, first_micro_batch as u64, schedule)?;
            self.position.step += 1;
            self.position.step_in_epoch += 1;
            let window = &mut self.position.window;
            window.steps += 1;
            window.examples += step.examples as u64;
            window.tokens += step.tokens as u64;
            // The last step is logged too, so that a training of fewer steps than that is not silent.
            let logs =
                self.position.step.is_multiple_of(log_every as u64) || self.position.step == schedule.total_steps;
            // A GPU is left to its work in between; an epoch is not evaluated before all of its steps are known good.
            if logs || self.position.step_in_epoch == schedule.steps_per_epoch || self.optimizer.must_look() {
                self.look()?;
            }
            self.position.window.seconds += began.elapsed().as_secs_f64();
            if logs {
                let report = self.report(&step, schedule);
                observer.logged(&report).map_err(TrainingError::Observer)?;
            }
            if observer.between_steps(self).map_err(TrainingError::Observer)? == Control::Stop {
                return Ok(Control::Stop);
            }
        }
        Ok(Control::Continue)
    }

    /// Ends the window.
    fn report(&mut self, step: &Step, schedule: &Schedule) -> StepReport {
        let window = std::mem::take(&mut self.position.window);
        let micro_batches =
            (self.position.step_in_epoch * self.hyperparameters.accumulation).min(schedule.micro_batches);
        StepReport {
            step: self.position.step,
            epoch: self.position.epoch as f64 + micro_batches as f64 / schedule.micro_batches as f64,
            loss: window.loss_sum / window.steps as f64,
            learning_rate: step.learning_rate,
            gradient_norm: self.gradient_norm,
            examples: window.examples,
            tokens: window.tokens,
            seconds: window.seconds,
        }
    }

    /// Learns the losses and norms of the steps that nobody has looked at, for which a GPU is waited for.
    fn look(&mut self) -> Result<(), TrainingError> {
        let found = self.optimizer.found()?;
        add_losses(&mut self.position.window, &found, self.position.step)?;
        if let Some(last) = found.last() {
            self.gradient_norm = last.gradient_norm;
        }
        Ok(self.optimizer.forget()?)
    }

    /// One optimizer step on the examples at `chosen`, in micro-batches.
    fn take_step(
        &mut self,
        train: &Examples,
        chosen: &[usize],
        first_micro_batch: u64,
        schedule: &Schedule,
    ) -> Result<Step, TrainingError> {
        let label_of = |&position: &usize| train.labels[position];
        let total = total_weight(&chosen.iter().map(label_of).collect::<Vec<_>>(), self.class_weights);
        self.gradient.clear()?;
        let mut loss = 0.0;
        let mut tokens = 0;
        for (index, chosen) in chosen.chunks(self.hyperparameters.batch_size).enumerate() {
            let pairs: Vec<&EncodedPair> = chosen.iter().map(|&position| &train.pairs[position]).collect();
            let labels: Vec<u8> = chosen.iter().map(label_of).collect();
            let batch = Batch::of(&pairs, self.pad_id);
            let key = DropoutKey { seed: self.hyperparameters.seed, step: first_micro_batch + index as u64 };
            loss += self.learn(&batch, &labels, key, total)?;
            tokens += batch.tokens();
        }
        let done = self.position.step;
        let learning_rate = schedule.learning_rate(self.hyperparameters.learning_rate, done);
        let limits = [self.hyperparameters.max_gradient_norm, loss];
        let parameters = self.model.parameters_mut();
        self.optimizer.clipped_step(parameters, &self.gradient, learning_rate, done, limits)?;
        Ok(Step { learning_rate, examples: chosen.len(), tokens })
    }

    /// Adds the gradient of a batch's share of the step's loss, and gives that share; 0 where the GPU keeps it for the
    /// optimizer's step. `total` is the sum of the weights of all rows of the step.
    fn learn(&mut self, batch: &Batch, labels: &[u8], key: DropoutKey, total: f64) -> Result<f64, ModelError> {
        #[cfg(any(test, feature = "cuda"))]
        if let Some(optimizer) = &self.optimizer.gpu {
            let target = Target { labels, shares: self.class_weights.map(|weight| weight / total) };
            self.model.learn(batch, Some(key), target, optimizer, &mut self.gradient)?;
            return Ok(0.0);
        }
        let mut share = 0.0;
        let mut to_logits = |logits: &[[f32; 2]]| {
            let (found, slopes) = cross_entropy(logits, labels, self.class_weights, total);
            share = found;
            slopes
        };
        self.model.backpropagate(batch, Some(key), &mut to_logits, &mut self.gradient)?;
        Ok(share)
    }

    /// None where the observer stopped it.
    fn evaluate_epoch(
        &self,
        validation: &Examples,
        observer: &mut dyn Observer,
    ) -> Result<Option<Evaluation>, TrainingError> {
        let evaluated = evaluate(&self.model, validation, self.class_weights, self.pad_id, &mut |done, total| {
            observer.evaluating(done, total)
        })?;
        Ok(evaluated.map(|Evaluated { loss, metrics, logits }| Evaluation {
            epoch: self.position.epoch + 1,
            step: self.position.step,
            loss,
            metrics,
            logits,
            improved: loss < self.position.best_loss,
        }))
    }

    /// Optimizer steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.position.step
    }

    /// Optimizer steps of the whole training.
    #[must_use]
    pub fn total_steps(&self, train_examples: usize) -> u64 {
        Schedule::new(&self.hyperparameters, train_examples).total_steps
    }

    /// The model as it stands.
    #[must_use]
    pub fn model(&self) -> &CrossEncoder {
        &self.model
    }
}

/// Adds the losses of steps to a window, in order; `last` is the number of the last of them.
fn add_losses(window: &mut Window, found: &[Found], last: u64) -> Result<(), TrainingError> {
    for (step, &Found { loss, gradient_norm }) in (last + 1 - found.len() as u64..).zip(found) {
        if !loss.is_finite() {
            return Err(TrainingError::Diverged { step, loss });
        }
        if !gradient_norm.is_finite() {
            return Err(TrainingError::GradientDiverged { step, norm: gradient_norm });
        }
        window.loss_sum += loss;
    }
    Ok(())
}

#[cfg(all(test, not(feature = "cuda")))]
mod tests;
