//! From a run's settings to everything that training needs in memory.

use super::progress::{Phase, ProgressWriter};
use super::{RunError, RunFolder, RunSettings, TrainRequest};
use crate::dataset::{Dataset, PaperId, Split, SplitError, clean};
use crate::evaluation::Prediction;
use crate::model::{BertConfig, Compute, CrossEncoder, ModelError, ModelSource, SavedModel};
use crate::pairs::{EncodedPair, PairEncoder, ReferenceBlock, reference_block};
use crate::progress::Progress;
use crate::training::{Examples, Trainer};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Rows that are encoded between two looks at whether to stop.
const ENCODED_AT_ONCE: usize = 2048;

/// A dataset that can be trained on, and its split.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) dataset: Dataset,
    pub(super) split: Split,
}

impl Source {
    /// Reads and splits the dataset.
    ///
    /// # Errors
    /// [`RunError::Dataset`], [`RunError::Split`] where it cannot be trained on.
    pub(super) fn read(request: &TrainRequest, progress: &dyn Progress) -> Result<Self, RunError> {
        let dataset = Dataset::read(&request.dataset, &Quiet(progress))?;
        if !dataset.labelled {
            return Err(SplitError::Unlabelled.into());
        }
        let kept = clean(&dataset.records, request.cleaning);
        let split = Split::by_paper(&dataset.records, &kept, request.split)?;
        split.check_trainable()?;
        Ok(Self { dataset, split })
    }

    /// What is written of these rows beside their logits; the logits are still to be filled in.
    pub(super) fn predictions(&self, rows: &[usize]) -> Vec<Prediction> {
        rows.iter()
            .map(|&row| {
                let record = &self.dataset.records[row];
                Prediction {
                    row,
                    original_paper_id: record.original_paper_id.to_string(),
                    ref_paper_id: record.ref_paper_id.as_ref().map(PaperId::to_string).unwrap_or_default(),
                    label: label_of(record.label),
                    logit_0: 0.0,
                    logit_1: 0.0,
                    probability: 0.0,
                }
            })
            .collect()
    }

    /// The rows as the model reads them.
    pub(super) fn examples(
        &self,
        rows: &[usize],
        encoder: &PairEncoder,
        watch: &Watch<'_>,
    ) -> Result<Examples, RunError> {
        let mut pairs: Vec<EncodedPair> = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ENCODED_AT_ONCE) {
            watch.check()?;
            let texts: Vec<(&str, String)> = rows
                .iter()
                .map(|&row| {
                    let record = &self.dataset.records[row];
                    (record.sentence.as_deref().unwrap_or_default(), reference_block(ReferenceBlock::of(record)))
                })
                .collect();
            pairs.extend(encoder.encode(&texts).map_err(ModelError::from)?);
            watch.progress(Phase::Encoding, pairs.len(), 0);
        }
        let labels = rows.iter().map(|&row| label_of(self.dataset.records[row].label)).collect();
        Ok(Examples { pairs, labels })
    }
}

fn label_of(label: Option<crate::dataset::Label>) -> u8 {
    // Reading refuses a dataset in which only some lines have labels, so every row here has one.
    label.map_or(0, |label| label.index() as u8)
}

/// Whether somebody wants the process to stop, and how far it is for whoever watches.
pub(super) struct Watch<'a> {
    stop: PathBuf,
    progress: &'a dyn Progress,
    writer: Mutex<ProgressWriter>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(folder: &RunFolder, progress: &'a dyn Progress) -> Self {
        Self { stop: folder.stop(), progress, writer: Mutex::new(ProgressWriter::new(folder)) }
    }

    /// Whether the run is asked to stop, by its `stop` file or by its caller.
    pub(super) fn stop_wanted(&self) -> bool {
        self.progress.cancelled() || self.stop.exists()
    }

    /// Ends work that has nothing to keep.
    ///
    /// # Errors
    /// [`RunError::Stopped`].
    pub(super) fn check(&self) -> Result<(), RunError> {
        if self.stop_wanted() { Err(RunError::Stopped) } else { Ok(()) }
    }

    /// Tells how far a phase is.
    pub(super) fn progress(&self, phase: Phase, done: usize, total: usize) {
        if let Ok(mut writer) = self.writer.lock() {
            writer.write(phase, done as u64, total as u64);
        }
        if phase == Phase::Training {
            self.progress.report(done as u64, total as u64);
        }
    }
}

/// Loading a base model, watched through the run folder.
impl Progress for Watch<'_> {
    fn report(&self, done: u64, total: u64) {
        if let Ok(mut writer) = self.writer.lock() {
            writer.write(Phase::Loading, done, total);
        }
    }

    fn cancelled(&self) -> bool {
        self.stop_wanted()
    }
}

/// Hears cancelling, but keeps progress that is not in steps to itself.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn report(&self, _done: u64, _total: u64) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Refuses what would fail only after the run was made and the model loaded.
///
/// # Errors
/// [`RunError::Setting`], [`RunError::Model`].
pub(super) fn check_request(request: &TrainRequest) -> Result<(), RunError> {
    let hyperparameters = &request.hyperparameters;
    let refuse = |what: String| Err(RunError::Setting(what));
    let finite_and_positive = |value: f64| value.is_finite() && value > 0.0;
    if !finite_and_positive(hyperparameters.learning_rate) {
        return refuse(format!("the learning rate must be above 0, it is {}", hyperparameters.learning_rate));
    }
    if !(hyperparameters.weight_decay.is_finite() && hyperparameters.weight_decay >= 0.0) {
        return refuse(format!("the weight decay must be 0 or more, it is {}", hyperparameters.weight_decay));
    }
    if !finite_and_positive(hyperparameters.max_gradient_norm) {
        return refuse(format!("the gradient norm must be above 0, it is {}", hyperparameters.max_gradient_norm));
    }
    for (name, value) in [
        ("number of epochs", hyperparameters.epochs),
        ("batch size", hyperparameters.batch_size),
        ("accumulation", hyperparameters.accumulation),
        ("number of steps between logs", hyperparameters.log_every),
    ] {
        if value == 0 {
            return refuse(format!("the {name} must be at least 1"));
        }
    }
    if let ModelSource::Folder(folder) = ModelSource::parse(&request.base) {
        let path = folder.join("config.json");
        match std::fs::read(&path) {
            Ok(json) => check_length(hyperparameters.max_length, &BertConfig::from_json(&json, &path)?)?,
            // Opening the folder says best what is wrong with it.
            Err(_) => drop(SavedModel::open(&folder)?),
        }
    }
    Ok(())
}

fn check_length(max_length: usize, config: &BertConfig) -> Result<(), RunError> {
    let positions = config.max_position_embeddings;
    if (8..=positions).contains(&max_length) {
        return Ok(());
    }
    Err(RunError::Setting(format!(
        "the input length must be from 8 to the base model's {positions}, it is {max_length}"
    )))
}

/// Everything in memory, at step 0.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) trainer: Trainer,
    pub(super) train: Examples,
    pub(super) validation: Examples,
    /// The base model without its weights: what is saved beside those that are trained.
    pub(super) shell: SavedModel,
}

/// Loads the base model, encodes the train and validation parts and sets up the trainer.
///
/// # Errors
/// See [`RunError`]; [`RunError::Stopped`] where the run is asked to stop meanwhile.
pub(super) fn prepare(
    settings: &RunSettings,
    source: &Source,
    compute: &Compute,
    watch: &Watch<'_>,
) -> Result<Prepared, RunError> {
    let hyperparameters = settings.request.hyperparameters;
    watch.check()?;
    let mut shell = ModelSource::parse(&settings.request.base).load(watch)?;
    check_length(hyperparameters.max_length, &shell.config)?;
    let mut weights = std::mem::take(&mut shell.weights);
    weights.complete(&shell.config, hyperparameters.seed, Path::new(&shell.name))?;
    let model = CrossEncoder::new(&shell.config, &weights, compute)?;
    drop(weights);
    // One encoder for both parts: papers of both cite the same references.
    let encoder = PairEncoder::new(&shell.tokenizer, hyperparameters.max_length);
    let train = source.examples(&source.split.train.rows, &encoder, watch)?;
    let validation = source.examples(&source.split.validation.rows, &encoder, watch)?;
    let trainer = Trainer::new(model, hyperparameters, source.split.class_weights, shell.tokenizer.pad_id())?;
    Ok(Prepared { trainer, train, validation, shell })
}
