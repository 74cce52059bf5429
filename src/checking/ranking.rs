//! Ranked candidates; the JSON form is the output of `citelink check --json`.

use serde::Serialize;

/// What the threshold says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    #[serde(rename = "CITATION")]
    Citation,
    #[serde(rename = "NOT_CITATION")]
    NotCitation,
}

/// One ranked candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// From 1.
    pub rank: usize,
    /// Position in the input, from 0.
    pub index: usize,
    pub title: String,
    pub probability: f64,
    pub verdict: Verdict,
    /// Part of the sentence or of the reference did not fit the model's input.
    pub truncated: bool,
    /// Only a title (and perhaps authors): the model has little to go by.
    #[serde(skip)]
    pub title_only: bool,
    #[serde(skip)]
    pub sentence_cut: bool,
    /// Tokens of the reference that did not fit.
    #[serde(skip)]
    pub reference_tokens_cut: usize,
}

/// Candidates, highest probability first (ties in input order).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedCandidates {
    pub threshold: f64,
    pub candidates: Vec<Candidate>,
}
