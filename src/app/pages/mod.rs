//! The four pages, in the order of the work. Each has `handle` (a command came), `update` (look after jobs; draws
//! nothing) and `show`.

mod check;
mod dataset;
mod threshold;
mod train;

pub use check::CheckPage;
pub use dataset::DatasetPage;
pub use threshold::ThresholdPage;
pub use train::TrainPage;

/// Which page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Page {
    #[default]
    Dataset,
    Train,
    Threshold,
    Check,
}
