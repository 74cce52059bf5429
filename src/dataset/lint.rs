//! Signs of noise in a dataset.

use super::Record;

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintKind {
    /// The same sentence and reference more than once with the same label.
    DuplicatePair,
}

/// Where one kind of noise occurs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LintFinding {
    /// What was found.
    pub kind: LintKind,
    /// On how many lines.
    pub count: usize,
    /// The first 100 of these lines.
    pub lines: Vec<usize>,
}

/// Looks for every kind of noise; kinds that do not occur are left out.
#[must_use]
pub fn lint(records: &[Record]) -> Vec<LintFinding> {
    let _ = records;
    todo!()
}
