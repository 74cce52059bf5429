//! Candidate references for one sentence: gathered, scored and ranked.

mod candidates;
mod evaluate;
mod ranking;
mod scorer;

pub use candidates::{CandidatesError, Reference, read_references, split_pasted};
pub use evaluate::{EvaluationReport, evaluate};
pub use ranking::{Candidate, RankedCandidates, Verdict};
pub use scorer::{CheckError, Scored, Scorer};
