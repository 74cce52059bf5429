//! Candidate references, and reading them from JSON lines.

use super::lines::{LineFailure, Lines};
use super::pair_line::PairLine;
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
    #[error(
        "{path} has no reference: expected one JSON object a line with ref_paper_title, ref_paper_authors, ref_paper_text"
    )]
    Empty { path: PathBuf },
}

/// Reads references from JSON lines with the dataset's `ref_paper_title`, `ref_paper_authors`, `ref_paper_text`.
/// Other fields are ignored, blank lines left out, and gzip is unpacked.
///
/// # Errors
/// See [`CandidatesError`].
pub fn read_references(path: &Path) -> Result<Vec<Reference>, CandidatesError> {
    let unreadable = |source| CandidatesError::File { path: path.to_owned(), source };
    let malformed = |line, reason| CandidatesError::Malformed { path: path.to_owned(), line, reason };
    let mut lines = Lines::open(path).map_err(unreadable)?;
    let mut references = Vec::new();
    loop {
        match lines.next_line() {
            Ok(None) => break,
            Ok(Some((line, source))) => {
                references.push(reference_of_line(&source).map_err(|reason| malformed(line, reason))?);
            }
            Err(LineFailure::Read(source)) => return Err(unreadable(source)),
            Err(LineFailure::Line(line, reason)) => return Err(malformed(line, reason.to_owned())),
        }
    }
    if references.is_empty() {
        return Err(CandidatesError::Empty { path: path.to_owned() });
    }
    Ok(references)
}

/// The reference that a JSON line holds.
///
/// # Errors
/// What is wrong with it, as half a sentence.
pub(super) fn reference_of_line(line: &str) -> Result<Reference, String> {
    let reference = PairLine::read(line)?.reference();
    if reference == Reference::default() {
        return Err("no reference: expected ref_paper_title, ref_paper_authors or ref_paper_text".to_owned());
    }
    Ok(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<Reference>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        std::fs::write(&path, content).unwrap();
        read_references(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "r.jsonl"))
    }

    #[test]
    fn references_need_one_part_and_ignore_other_fields() {
        let references = read(
            "{\"ref_paper_title\": \"T\", \"ref_paper_authors\": null, \"ref_paper_text\": NaN, \"label\": [1]}\r\n\n\
             {\"ref_paper_text\": \"x\"}",
        );
        let expected = [
            Reference { title: "T".to_owned(), ..Reference::default() },
            Reference { text: "x".to_owned(), ..Reference::default() },
        ];
        assert_eq!(references.unwrap(), expected);
    }

    #[test]
    fn errors_name_the_line() {
        for (content, error) in [
            (
                "\n\n",
                "r.jsonl has no reference: expected one JSON object a line with ref_paper_title, ref_paper_authors, ref_paper_text",
            ),
            (
                "{\"ref_paper_title\": \"T\"}\n\n{\"title\": \"T\"}",
                "r.jsonl, line 3: no reference: expected ref_paper_title, ref_paper_authors or ref_paper_text",
            ),
            ("T", "r.jsonl, line 1: not valid JSON: a value is missing or not written as JSON (column 1)"),
        ] {
            assert_eq!(read(content), Err(error.to_owned()));
        }
    }
}
