//! The split by citing paper, paper for paper as NumPy makes it.

use super::{PaperId, Record};
use serde::{Deserialize, Serialize};

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SplitSettings {
    /// Seed of NumPy's `RandomState`.
    pub seed: u32,
    /// Fraction of papers for training.
    pub train: f64,
    /// Fraction of papers for validation; the rest is for the test.
    pub validation: f64,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { seed: 42, train: 0.70, validation: 0.15 }
    }
}

/// One part of a split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Its papers in shuffled order.
    pub papers: Vec<PaperId>,
    /// Positions of its rows among the dataset's records, in file order.
    pub rows: Vec<usize>,
    /// Rows of class 0 and of class 1.
    pub labels: [usize; 2],
}

/// Train, validation and test.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// For fitting.
    pub train: Part,
    /// For choosing the epoch and the threshold.
    pub validation: Part,
    /// For the last figures.
    pub test: Part,
    /// N / (2·N_c) over the train part; infinite for a class that does not occur there.
    pub class_weights: [f64; 2],
}

/// Why a split cannot be made or trained on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A fraction is not between 0 and 1, or they sum to more than 1.
    #[error(
        "the fractions {train} for training and {validation} for validation must each lie between 0 and 1 and leave a part for the test"
    )]
    Fractions { train: f64, validation: f64 },
    /// Training needs rows in this part.
    #[error("the {part} part of the split is empty: the dataset has only {papers} papers after cleaning")]
    EmptyPart { part: &'static str, papers: usize },
    /// Training needs both classes.
    #[error("every row of the train part has label {label}: training needs both classes")]
    OneClass { label: usize },
    /// The file has no labels.
    #[error("the dataset has no labels, so it cannot be trained on")]
    Unlabelled,
}

impl Split {
    /// Splits the rows `kept` of `records` by paper.
    ///
    /// # Errors
    /// [`SplitError::Fractions`].
    pub fn by_paper(records: &[Record], kept: &[usize], settings: SplitSettings) -> Result<Self, SplitError> {
        let _ = (records, kept, settings);
        todo!()
    }

    /// Refuses what cannot be trained on: an empty train or validation part, a train part of one class.
    ///
    /// # Errors
    /// Which of these it is.
    pub fn check_trainable(&self) -> Result<(), SplitError> {
        todo!()
    }
}
