//! What a training would work on, counted before it starts.

use super::figures::steps_per_epoch;
use crate::dataset::{Cleaning, Dataset, Part, Split, SplitError, SplitSettings, clean};
use crate::training::Hyperparameters;
use std::sync::Arc;

/// The counts of one part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartCounts {
    pub papers: usize,
    pub rows: usize,
    pub labels: [usize; 2],
}

impl From<&Part> for PartCounts {
    fn from(part: &Part) -> Self {
        Self { papers: part.papers.len(), rows: part.rows.len(), labels: part.labels }
    }
}

/// The parts of a dataset as a training would see them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Rows that cleaning keeps, of all usable ones.
    pub kept: usize,
    pub all: usize,
    pub train: PartCounts,
    pub validation: PartCounts,
    pub test: PartCounts,
    /// Why this cannot be trained on.
    pub problem: Option<String>,
}

impl Plan {
    /// Cleans and splits, as the training will.
    pub fn of(dataset: &Dataset, cleaning: Cleaning, settings: SplitSettings) -> Result<Self, SplitError> {
        let kept = clean(&dataset.records, cleaning);
        let split = Split::by_paper(&dataset.records, &kept, settings)?;
        let problem = if dataset.labelled { split.check_trainable().err() } else { Some(SplitError::Unlabelled) };
        Ok(Self {
            kept: kept.len(),
            all: dataset.records.len(),
            train: (&split.train).into(),
            validation: (&split.validation).into(),
            test: (&split.test).into(),
            problem: problem.map(|problem| problem.to_string()),
        })
    }

    /// Optimizer steps of a whole training.
    #[must_use]
    pub fn steps(&self, values: &Hyperparameters) -> usize {
        values.epochs * steps_per_epoch(self.train.rows, values.batch_size, values.accumulation)
    }
}

/// What a plan was made from: when it changes, a new plan is due.
#[derive(Debug, Clone)]
pub struct PlanKey {
    pub dataset: Arc<Dataset>,
    pub cleaning: Cleaning,
    pub split: SplitSettings,
}

impl PartialEq for PlanKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dataset, &other.dataset) && self.cleaning == other.cleaning && self.split == other.split
    }
}
