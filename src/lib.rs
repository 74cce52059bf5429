//! Citelink answers one question: does this sentence cite that paper?
//!
//! Data flows through the rooms of this crate from left to right, and each room uses only rooms to its left:
//!
//! ```text
//! dataset ── pairs ── model ── evaluation ── training ── runs ── checking
//! ```
//!
//! | room | what lives there |
//! | --- | --- |
//! | [`dataset`] | records, reading, cleaning, the report, lint, the split by paper |
//! | [`pairs`] | tokenizer, encoding of (sentence, reference) pairs, batches |
//! | [`model`] | the BERT cross-encoder: configuration, weights, forward pass, saved-model folders, base models |
//! | [`evaluation`] | metrics, threshold sweep, curves, ranking, baselines |
//! | [`training`] | fine-tuning: loss, optimizer, schedule, the training loop |
//! | [`runs`] | the run folder: settings, events, checkpoints, following, stopping, the grid |
//! | [`checking`] | candidate references for one sentence, scored and ranked |
//! | [`cli`] | the headless commands, one file each |
//! | [`app`] | the window |
//!
//! Two small floors lie under all rooms: [`progress`] (reporting and cancelling long work) and [`files`] (writing
//! files so that a crash never leaves half of one).

pub mod app;
pub mod checking;
pub mod cli;
pub mod dataset;
pub mod evaluation;
pub mod files;
pub mod model;
pub mod pairs;
pub mod progress;
pub mod runs;
pub mod training;
