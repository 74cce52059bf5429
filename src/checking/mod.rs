//! Candidate references for one sentence: gathered, scored and ranked.
//!
//! [`Scorer`] is a model ready to score; [`split_pasted`] and [`read_references`] gather candidates;
//! [`evaluate`] measures a model on a labelled dataset.

mod candidates;
mod evaluate;
mod ranking;
mod scorer;

pub use candidates::{CandidatesError, Reference, read_references, split_pasted};
pub use evaluate::{Baseline, Baselines, EvaluationReport, Intervals, evaluate};
pub use ranking::{Candidate, RankedCandidates, Verdict};
pub use scorer::{CheckError, Scored, Scorer};
