//! Where candidate references come from: pasted text and JSON lines.

use crate::dataset::ReferenceBlock;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A candidate reference; empty parts are empty strings. In JSON, the dataset's field names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    #[serde(rename = "ref_paper_title")]
    pub title: String,
    #[serde(rename = "ref_paper_authors")]
    pub authors: String,
    #[serde(rename = "ref_paper_text")]
    pub text: String,
}

impl Reference {
    /// Its parts.
    #[must_use]
    pub fn parts(&self) -> ReferenceBlock<'_> {
        ReferenceBlock { title: Some(&self.title), authors: Some(&self.authors), text: Some(&self.text) }
    }
}

/// Why references could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CandidatesError {
    #[error("cannot read {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {reason}")]
    Malformed { path: PathBuf, line: usize, reason: String },
    #[error("{path} has no reference")]
    Empty { path: PathBuf },
}

/// Reads references from JSON lines with the dataset's `ref_paper_title`, `ref_paper_authors`, `ref_paper_text`.
///
/// # Errors
/// See [`CandidatesError`].
pub fn read_references(path: &Path) -> Result<Vec<Reference>, CandidatesError> {
    let _ = path;
    todo!()
}

/// Splits pasted text into references: a blank line between them; in each the title, authors and text.
#[must_use]
pub fn split_pasted(pasted: &str) -> Vec<Reference> {
    let _ = pasted;
    todo!()
}
