//! Running a training in this process, from settings to the last table.

use super::best::tidy;
use super::checkpoint::read_checkpoint;
use super::launch::{absolute, absolute_request};
use super::lock::RunLock;
use super::prepare::{Prepared, Source, Watch, check_request, prepare};
use super::progress::Phase;
use super::record::{EventLog, Recorder, fill_in};
use super::settings::{parts, versions};
use super::trainer_state::write_trainer_state;
use super::{Event, EventKind, RunError, RunFolder, RunSettings, TrainRequest, read_events};
use crate::dataset::DatasetError;
use crate::evaluation::{Confusion, Metrics, Sweep, read_predictions, standard_thresholds, write_predictions};
use crate::model::{Compute, CrossEncoder, DeviceChoice, ModelError, SavedModel};
use crate::pairs::{Batch, PairEncoder, by_length};
use crate::progress::Progress;
use crate::training::{Outcome, TrainingError};
use clap::ValueEnum;
use std::error::Error;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

/// Starts a new run in `folder` and trains to its end, or until `stop` appears or `progress` is cancelled.
/// Progress in optimizer steps.
///
/// # Errors
/// See [`RunError`]; a failure after `run.json` is written is also the run's last event.
pub fn train(request: &TrainRequest, folder: &RunFolder, progress: &dyn Progress) -> Result<Outcome, RunError> {
    train_aloud(request, folder, progress, &mut |_| {})
}

/// As [`train`]; `heard` gets every event once it is written.
///
/// # Errors
/// As [`train`].
pub fn train_aloud(
    request: &TrainRequest,
    folder: &RunFolder,
    progress: &dyn Progress,
    heard: &mut dyn FnMut(&Event),
) -> Result<Outcome, RunError> {
    let folder = RunFolder::at(absolute(folder.path())?);
    let request = absolute_request(request)?;
    refuse_existing(&folder)?;
    check_request(&request)?;
    let compute = Compute::choose(request.device, request.precision)?;
    let source = Source::read(&request, progress)?;
    std::fs::create_dir_all(folder.path())
        .map_err(|failure| RunError::File { path: folder.path().to_owned(), source: failure })?;
    let _lock = RunLock::take(&folder)?;
    // Another process may have made a run of it since the first look.
    refuse_existing(&folder)?;
    tidy(&folder)?;
    RunSettings {
        created: jiff::Timestamp::now(),
        request,
        dataset_sha256: source.dataset.sha256.clone(),
        device_used: compute.device_name().to_owned(),
        precision_used: compute.precision,
        threads_used: rayon::current_num_threads(),
        versions: versions(),
        parts: parts(&source.split),
    }
    .write(&folder)?;
    // What the file says is what is trained, so that a resumed run reads the very same numbers.
    let settings = RunSettings::read(&folder)?;
    Run { folder, settings, source, compute }.run(progress, heard)
}

/// Goes on with a run that was stopped or killed; removes `stop`; a finished run is left as it is.
///
/// # Errors
/// See [`RunError`]. Where the run cannot be taken up at all (it is in use, or its dataset changed), it stays untouched.
pub fn resume(folder: &RunFolder, progress: &dyn Progress) -> Result<Outcome, RunError> {
    resume_aloud(folder, progress, &mut |_| {})
}

/// As [`resume`]; `heard` gets every event once it is written.
///
/// # Errors
/// As [`resume`].
pub fn resume_aloud(
    folder: &RunFolder,
    progress: &dyn Progress,
    heard: &mut dyn FnMut(&Event),
) -> Result<Outcome, RunError> {
    let folder = RunFolder::at(absolute(folder.path())?);
    let settings = RunSettings::read(&folder)?;
    if is_finished(&folder)? {
        // A process killed just after its last event may have left the checkpoint.
        if let Ok(_lock) = RunLock::take(&folder) {
            tidy(&folder)?;
            remove_file(&folder.checkpoint())?;
        }
        return Ok(Outcome::Finished);
    }
    let _lock = RunLock::take(&folder)?;
    let device = DeviceChoice::from_str(&settings.device_used, true)
        .map_err(|_| malformed(&folder.settings(), &format!("there is no device {:?}", settings.device_used)))?;
    let compute = Compute::choose(device, Some(settings.precision_used))?;
    let source = Source::read(&settings.request, progress)?;
    if source.dataset.sha256 != settings.dataset_sha256 {
        return Err(RunError::DatasetChanged {
            path: settings.request.dataset,
            found: source.dataset.sha256,
            expected: settings.dataset_sha256,
        });
    }
    remove_file(&folder.stop())?;
    tidy(&folder)?;
    Run { folder, settings, source, compute }.run(progress, heard)
}

/// Whether the run came to its end.
pub(super) fn is_finished(folder: &RunFolder) -> Result<bool, RunError> {
    if !folder.events().is_file() {
        return Ok(false);
    }
    let events = read_events(&folder.events())?;
    Ok(matches!(events.last(), Some(Event { kind: EventKind::Finished { .. }, .. })))
}

fn refuse_existing(folder: &RunFolder) -> Result<(), RunError> {
    // The remains of a run count as one: its checkpoint must not find its way into another.
    if folder.is_run() || folder.events().exists() || folder.checkpoint().exists() {
        return Err(RunError::Exists { path: folder.path().to_owned() });
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), RunError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(RunError::File { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

fn malformed(path: &Path, reason: &str) -> RunError {
    RunError::Malformed { path: path.to_owned(), reason: reason.to_owned() }
}

/// A run whose lock this process has.
struct Run {
    folder: RunFolder,
    settings: RunSettings,
    source: Source,
    compute: Compute,
}

impl Run {
    /// Trains, and sees to it that the last event tells how it ended.
    fn run(&self, progress: &dyn Progress, heard: &mut dyn FnMut(&Event)) -> Result<Outcome, RunError> {
        let watch = Watch::new(&self.folder, progress);
        let reserve = Reserve::keep(&self.folder);
        let mut log = EventLog::open(&self.folder, heard)?;
        let ended = catch_unwind(AssertUnwindSafe(|| self.perform(&watch, &mut log)));
        match ended {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(
                RunError::Stopped
                | RunError::Model(ModelError::Cancelled)
                | RunError::Dataset(DatasetError::Cancelled { .. }),
            )) => {
                let step = log.step;
                log.append(EventKind::Stopped { step })?;
                Ok(Outcome::Stopped)
            }
            Ok(Err(failure)) => {
                drop(reserve);
                log.append(EventKind::Failed { message: message_of(&failure) })?;
                Err(failure)
            }
            Err(panic) => {
                drop(reserve);
                let message = "an internal error occurred; its place is in the process's output".to_owned();
                log.append(EventKind::Failed { message })?;
                resume_unwind(panic)
            }
        }
    }

    fn perform(&self, watch: &Watch<'_>, log: &mut EventLog<'_>) -> Result<Outcome, RunError> {
        let Prepared { mut trainer, train, validation, shell } =
            prepare(&self.settings, &self.source, &self.compute, watch)?;
        if let Some(state) = read_checkpoint(&self.folder.checkpoint())? {
            trainer.restore(&state)?;
        }
        let total_steps = trainer.total_steps(train.pairs.len());
        log.append(EventKind::Started {
            process: std::process::id(),
            from_step: trainer.step(),
            total_steps,
            steps_per_epoch: total_steps / self.settings.request.hyperparameters.epochs.max(1) as u64,
            train_rows: train.pairs.len(),
            validation_rows: validation.pairs.len(),
        })?;
        let predictions = self.source.predictions(&self.source.split.validation.rows);
        let mut recorder = Recorder::new(&self.folder, &self.settings, watch, log, &shell, predictions, total_steps);
        match trainer.fit(&train, &validation, &mut recorder) {
            Ok(Outcome::Finished) => {}
            Ok(Outcome::Stopped) => return Err(RunError::Stopped),
            Err(TrainingError::Observer(failure)) => {
                return Err(match failure.downcast::<RunError>() {
                    Ok(failure) => *failure,
                    Err(other) => TrainingError::Observer(other).into(),
                });
            }
            Err(failure) => return Err(failure.into()),
        }
        // Their memory is needed for the best model.
        drop((trainer, train, validation, shell));
        self.finish(watch, log, total_steps)?;
        Ok(Outcome::Finished)
    }

    /// Scores the test part with the best model and writes the notebook's last table.
    fn finish(&self, watch: &Watch<'_>, log: &mut EventLog<'_>, total_steps: u64) -> Result<(), RunError> {
        let events = read_events(&self.folder.events())?;
        let best_epoch = best_epoch(&events)
            .filter(|_| self.folder.best().is_dir())
            .ok_or_else(|| malformed(self.folder.path(), "no epoch had a validation loss: lower the learning rate"))?;
        let (labels, probabilities) = read_predictions(&self.folder.validation_predictions())?;
        let best = Sweep::over(&labels, &probabilities, &standard_thresholds()).best;
        let test = self.score_test(best.threshold, watch)?;
        let hyperparameters = &self.settings.request.hyperparameters;
        write_trainer_state(&self.folder, &events, hyperparameters, total_steps, total_steps)?;
        log.append(EventKind::Finished {
            step: total_steps,
            best_epoch,
            threshold: best.threshold,
            validation: best.metrics,
            test,
        })?;
        remove_file(&self.folder.checkpoint())
    }

    /// The figures of the best model on the test part, and its predictions as a file; None where the part is empty.
    fn score_test(&self, threshold: f64, watch: &Watch<'_>) -> Result<Option<Metrics>, RunError> {
        let rows = &self.source.split.test.rows;
        if rows.is_empty() {
            return Ok(None);
        }
        let best = SavedModel::open(&self.folder.best())?;
        let encoder = PairEncoder::new(&best.tokenizer, self.settings.request.hyperparameters.max_length);
        let examples = self.source.examples(rows, &encoder, watch)?;
        let model = CrossEncoder::new(&best.config, &best.weights, &self.compute)?;
        let mut logits = vec![[0.0; 2]; rows.len()];
        let mut done = 0;
        for positions in by_length(&examples.pairs).chunks(SCORED_AT_ONCE) {
            watch.check()?;
            watch.progress(Phase::Test, done, rows.len());
            let pairs: Vec<_> = positions.iter().map(|&position| &examples.pairs[position]).collect();
            let scored = model.logits(&Batch::of(&pairs, encoder.pad_id()))?;
            for (&position, scored) in positions.iter().zip(scored) {
                logits[position] = scored;
            }
            done += positions.len();
        }
        let mut predictions = self.source.predictions(rows);
        fill_in(&mut predictions, &logits);
        write_predictions(&self.folder.test_predictions(), &predictions)?;
        let labels: Vec<bool> = predictions.iter().map(|prediction| prediction.label == 1).collect();
        let probabilities: Vec<f64> = predictions.iter().map(|prediction| prediction.probability).collect();
        Ok(Some(Confusion::at(&labels, &probabilities, threshold).metrics()))
    }
}

/// Test pairs a batch.
const SCORED_AT_ONCE: usize = 8;

/// The epoch with the lowest validation loss, the first of equals.
fn best_epoch(events: &[Event]) -> Option<usize> {
    let evaluated = events.iter().filter_map(|event| match event.kind {
        EventKind::Evaluated { epoch, loss, .. } => Some((loss, epoch)),
        _ => None,
    });
    evaluated.min_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))).map(|(_, epoch)| epoch)
}

/// The failure in a line, with the way out where the disk is full.
fn message_of(failure: &RunError) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(failure);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
        {
            return format!("{failure}; make room on the disk, then resume the run");
        }
        cause = error.source();
    }
    failure.to_string()
}

/// A little of the disk, kept so that the last event of a run that fails on a full disk can still be written.
struct Reserve {
    path: PathBuf,
}

impl Reserve {
    fn keep(folder: &RunFolder) -> Self {
        let path = folder.path().join(".reserve");
        if let Err(failure) = std::fs::write(&path, [0x20; 16 * 1024]) {
            tracing::warn!("cannot write {}: {failure}", path.display());
        }
        Self { path }
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        // It may not be there; nothing depends on it.
        std::fs::remove_file(&self.path).ok();
    }
}
