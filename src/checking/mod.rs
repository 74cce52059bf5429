//! Candidate references for one sentence: gathered, scored and ranked.
//!
//! [`Scorer`] is a model ready to score; [`split_pasted`] and [`read_references`] gather candidates; [`score_file`]
//! answers a whole file of pairs; [`evaluate`] measures a model on a labelled dataset.

mod authors;
mod bibliography;
mod bibtex;
mod candidates;
mod evaluate;
mod lines;
mod pair_line;
mod pasted;
mod ranking;
mod score_file;
mod scorer;

pub use candidates::{CandidatesError, Reference, read_references};
pub use evaluate::{Baseline, Baselines, EvaluationReport, Intervals, evaluate};
pub use pasted::split_pasted;
pub use ranking::{Candidate, RankedCandidates, Verdict};
pub use score_file::{ScoreFileError, ScoredFile, score_file};
pub use scorer::{CheckError, Scored, Scorer};
