//! One line of a dataset.

use serde::{Deserialize, Serialize};

/// What identifies a paper: an integer or a string. 7 and `"7"` are different papers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PaperId {
    /// A JSON integer.
    Integer(i64),
    /// A JSON string, or an integer too large for 64 bits written as it stands in the file.
    Text(Box<str>),
}

/// Whether the sentence cites the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Class 0.
    NotCitation,
    /// Class 1.
    Citation,
}

impl Label {
    /// 0 or 1, the class's position in logits and counts.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self == Self::Citation)
    }
}

/// One usable line. Fields that are empty (missing, null, only white space, or a bare `NaN`) are `None`;
/// the others are kept as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line in the file, from 1, blank lines counted.
    pub line: usize,
    /// The citing paper.
    pub original_paper_id: PaperId,
    /// The sentence that may cite.
    pub sentence: Option<Box<str>>,
    /// The candidate reference.
    pub ref_paper_id: Option<PaperId>,
    /// The reference's title.
    pub ref_paper_title: Option<Box<str>>,
    /// The reference's authors.
    pub ref_paper_authors: Option<Box<str>>,
    /// The reference's abstract or text.
    pub ref_paper_text: Option<Box<str>>,
    /// None only where the whole file has no label.
    pub label: Option<Label>,
}
