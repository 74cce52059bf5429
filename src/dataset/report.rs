//! What is in a dataset: the notebook's exploration as one serialisable report.

use super::{Cleaning, Dataset, DatasetError};
use crate::progress::Progress;
use std::path::Path;

/// The report; its JSON form is the output of `citelink eda --json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// Usable lines.
    pub rows: usize,
}

impl Report {
    /// Describes a dataset in memory.
    #[must_use]
    pub fn of(dataset: &Dataset, cleaning: Cleaning) -> Self {
        let _ = (dataset, cleaning);
        todo!()
    }
}

/// Describes a file without holding its records (progress in bytes).
///
/// # Errors
/// As [`Dataset::read`].
pub fn report_of_file(path: &Path, cleaning: Cleaning, progress: &dyn Progress) -> Result<Report, DatasetError> {
    let _ = (path, cleaning, progress);
    todo!()
}
