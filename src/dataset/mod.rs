//! The dataset: labelled (sentence, reference) records, read from JSON lines, cleaned, described and split by paper.
//!
//! A file passes through `blocks` (whole lines, worked on in parallel), `line` and `json` (a row that still borrows
//! from the block, or a reason) into either records in memory ([`Dataset`]) or a running tally that becomes a
//! [`Report`].

mod blocks;
mod cleaning;
mod figures;
mod json;
mod line;
mod lint;
mod random_state;
mod reader;
mod record;
mod reference_block;
mod report;
mod sample;
mod split;
mod tally;
mod text;
mod view;

pub use cleaning::{Cleaning, clean};
pub use figures::{Figures, Summary};
pub(crate) use json::{Value, scan_members};
pub use lint::{LISTED_LINES, LintFinding, LintKind, lint};
pub use reader::{Dataset, DatasetError, RejectedLine};
pub use record::{ByLabel, Label, PaperId, Record, balanced_class_weights};
pub use reference_block::{ReferenceBlock, reference_block};
pub use report::{CleanReport, Missing, Report, report_of_file};
pub use sample::sample_dataset_bytes;
pub use split::{Part, Split, SplitError, SplitSettings};
pub use text::{fold_white_space, is_empty_text, is_white_space};
