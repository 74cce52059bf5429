//! Reading a dataset from JSON lines.

use super::Record;
use crate::progress::Progress;
use std::path::{Path, PathBuf};

/// A line that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RejectedLine {
    /// From 1, blank lines counted.
    pub line: usize,
    /// One sentence without a full stop.
    pub reason: String,
}

/// A dataset in memory.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Where it was read from.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The usable lines in file order.
    pub records: Vec<Record>,
    /// The others.
    pub rejected: Vec<RejectedLine>,
    /// False where no line of the file has a label: such a dataset can be reported and scored, not trained on.
    pub labelled: bool,
}

/// Why a dataset could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// No line was usable.
    #[error(
        "{path} has no usable line: expected one JSON object a line with original_paper_id, sentence, ref_paper_text and label; {found}"
    )]
    NoUsableLine { path: PathBuf, found: String },
    /// The caller cancelled.
    #[error("reading {path} was cancelled")]
    Cancelled { path: PathBuf },
}

impl Dataset {
    /// Reads the file (progress in bytes).
    ///
    /// # Errors
    /// See [`DatasetError`]; lines that cannot be used are no error but [`rejected`](Dataset::rejected).
    pub fn read(path: &Path, progress: &dyn Progress) -> Result<Self, DatasetError> {
        let _ = (path, progress);
        todo!()
    }
}
