//! Writing down what a trainer reports: events, checkpoints, the best model and its predictions.

use super::best::replace_best;
use super::checkpoint::write_checkpoint;
use super::events::EventWriter;
use super::prepare::Watch;
use super::progress::Phase;
use super::trainer_state::write_trainer_state;
use super::{Event, EventKind, RunError, RunFolder, RunSettings, read_events};
use crate::evaluation::{Prediction, Sweep, probability_of, standard_thresholds, write_predictions};
use crate::model::{InferenceConfig, SavedModel};
use crate::training::{Control, Evaluation, Observer, ObserverError, StepReport, Trainer};
use std::time::{Duration, Instant};

/// Seconds between checkpoints within an epoch, where 300 are too many or too few (zero: after every step).
pub const CHECKPOINT_VARIABLE: &str = "CITELINK_CHECKPOINT_SECONDS";

fn checkpoint_interval() -> Duration {
    let seconds = std::env::var(CHECKPOINT_VARIABLE).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(300))
}

/// The run's events, for the file and for the caller.
pub(super) struct EventLog<'a> {
    writer: EventWriter,
    heard: &'a mut dyn FnMut(&Event),
    /// The step of the last event.
    pub(super) step: u64,
}

impl<'a> EventLog<'a> {
    /// # Errors
    /// [`RunError::File`].
    pub(super) fn open(folder: &RunFolder, heard: &'a mut dyn FnMut(&Event)) -> Result<Self, RunError> {
        Ok(Self { writer: EventWriter::open(&folder.events())?, heard, step: 0 })
    }

    /// # Errors
    /// [`RunError::File`].
    pub(super) fn append(&mut self, kind: EventKind) -> Result<(), RunError> {
        let event = self.writer.append(kind)?;
        match &event.kind {
            EventKind::Started { from_step: step, .. }
            | EventKind::Evaluated { step, .. }
            | EventKind::Saved { step, .. }
            | EventKind::Stopped { step }
            | EventKind::Finished { step, .. } => self.step = *step,
            EventKind::Step(report) => self.step = report.step,
            EventKind::Failed { .. } => {}
        }
        (self.heard)(&event);
        Ok(())
    }
}

/// Keeps a run folder up to date while a trainer fits.
pub(super) struct Recorder<'a, 'b> {
    folder: &'a RunFolder,
    settings: &'a RunSettings,
    watch: &'a Watch<'a>,
    log: &'a mut EventLog<'b>,
    /// The saved model but for its weights and threshold.
    shell: &'a SavedModel,
    /// Of the validation part, but for logits.
    predictions: Vec<Prediction>,
    total_steps: u64,
    interval: Duration,
    last_checkpoint: Instant,
    /// An epoch has been evaluated since.
    checkpoint_due: bool,
}

impl<'a, 'b> Recorder<'a, 'b> {
    pub(super) fn new(
        folder: &'a RunFolder,
        settings: &'a RunSettings,
        watch: &'a Watch<'a>,
        log: &'a mut EventLog<'b>,
        shell: &'a SavedModel,
        predictions: Vec<Prediction>,
        total_steps: u64,
    ) -> Self {
        Self {
            folder,
            settings,
            watch,
            log,
            shell,
            predictions,
            total_steps,
            interval: checkpoint_interval(),
            last_checkpoint: Instant::now(),
            checkpoint_due: false,
        }
    }

    /// Saves the model and its predictions on validation, with the best of the 33 thresholds.
    fn save_best(&mut self, evaluation: &Evaluation, trainer: &Trainer) -> Result<(), RunError> {
        fill_in(&mut self.predictions, &evaluation.logits);
        let labels: Vec<bool> = self.predictions.iter().map(|prediction| prediction.label == 1).collect();
        let probabilities: Vec<f64> = self.predictions.iter().map(|prediction| prediction.probability).collect();
        let hyperparameters = &self.settings.request.hyperparameters;
        let inference = InferenceConfig {
            threshold: Sweep::over(&labels, &probabilities, &standard_thresholds()).best.threshold,
            model_name: self.settings.request.base.clone(),
            max_length: hyperparameters.max_length,
            learning_rate: hyperparameters.learning_rate,
            num_epochs: hyperparameters.epochs,
            batch_size: hyperparameters.batch_size,
            ..InferenceConfig::default()
        };
        let weights = trainer.model().weights()?;
        replace_best(self.folder, &SavedModel { weights, inference: Some(inference), ..self.shell.clone() })?;
        write_predictions(&self.folder.validation_predictions(), &self.predictions)?;
        self.log.append(EventKind::Saved { step: evaluation.step, what: "best".to_owned() })
    }

    fn record_evaluation(&mut self, evaluation: &Evaluation, trainer: &Trainer) -> Result<(), RunError> {
        let Evaluation { epoch, step, loss, metrics, .. } = *evaluation;
        self.log.append(EventKind::Evaluated { epoch, step, loss, metrics })?;
        if evaluation.improved {
            self.save_best(evaluation, trainer)?;
        }
        self.checkpoint_due = true;
        let events = read_events(&self.folder.events())?;
        write_trainer_state(self.folder, &events, &self.settings.request.hyperparameters, step, self.total_steps)
    }

    fn checkpoint(&mut self, trainer: &Trainer) -> Result<Control, RunError> {
        self.watch.progress(Phase::Training, trainer.step() as usize, self.total_steps as usize);
        let stop = self.watch.stop_wanted();
        if stop || self.checkpoint_due || self.last_checkpoint.elapsed() >= self.interval {
            write_checkpoint(&self.folder.checkpoint(), &trainer.state()?)?;
            self.log.append(EventKind::Saved { step: trainer.step(), what: "checkpoint".to_owned() })?;
            self.last_checkpoint = Instant::now();
            self.checkpoint_due = false;
        }
        Ok(if stop { Control::Stop } else { Control::Continue })
    }
}

/// Puts the logits and the probabilities that follow from them into the predictions.
pub(super) fn fill_in(predictions: &mut [Prediction], logits: &[[f32; 2]]) {
    for (prediction, &logits) in predictions.iter_mut().zip(logits) {
        [prediction.logit_0, prediction.logit_1] = logits;
        prediction.probability = probability_of(logits);
    }
}

impl Observer for Recorder<'_, '_> {
    fn logged(&mut self, report: &StepReport) -> Result<(), ObserverError> {
        Ok(self.log.append(EventKind::Step(*report))?)
    }

    fn evaluated(&mut self, evaluation: &Evaluation, trainer: &Trainer) -> Result<(), ObserverError> {
        Ok(self.record_evaluation(evaluation, trainer)?)
    }

    fn between_steps(&mut self, trainer: &Trainer) -> Result<Control, ObserverError> {
        Ok(self.checkpoint(trainer)?)
    }

    fn evaluating(&mut self, done: usize, total: usize) -> Control {
        self.watch.progress(Phase::Validation, done, total);
        if self.watch.stop_wanted() { Control::Stop } else { Control::Continue }
    }
}
