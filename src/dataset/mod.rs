//! The dataset: labelled (sentence, reference) records, read from JSON lines, cleaned, described and split by paper.

mod cleaning;
mod lint;
mod reader;
mod record;
mod reference_block;
mod report;
mod split;
mod text;

pub use cleaning::{Cleaning, clean};
pub use lint::{LintFinding, LintKind, lint};
pub use reader::{Dataset, DatasetError, RejectedLine};
pub use record::{Label, PaperId, Record};
pub use reference_block::{ReferenceBlock, reference_block};
pub use report::{Report, report_of_file};
pub use split::{Part, Split, SplitError, SplitSettings};
pub use text::{fold_white_space, is_empty_text, is_white_space};
