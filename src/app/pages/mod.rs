//! The four pages, in the order of the work. Each has
//!
//! - `new`: its state at start; what it remembers comes from [`Settings::recall`](super::settings::Settings::recall),
//! - `handle`: a command came (all pages see all commands),
//! - `update`: look after jobs, draw nothing; runs even while the window is hidden,
//! - `show`: draw,
//! - `available`: whether a command of its own can be used now; the palette and the keyboard leave out the others,
//! - `closing`: the window is about to close.

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

impl Page {
    /// The pages in the order of the work.
    pub const ALL: [Self; 4] = [Self::Dataset, Self::Train, Self::Threshold, Self::Check];

    /// On its tab.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Dataset => "Dataset",
            Self::Train => "Train",
            Self::Threshold => "Threshold",
            Self::Check => "Check",
        }
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Dataset => "See what is in a labelled dataset and how it is split",
            Self::Train => "Fine-tune a model on this machine and follow the run",
            Self::Threshold => "Choose a decision threshold that can be defended",
            Self::Check => "Rank candidate references for a sentence",
        }
    }
}

/// What a page answers when the window is about to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseDecision {
    /// Nothing of this page stands in the way.
    Close,
    /// Stay open: the page now asks the user, and sends `Command::CloseNow` once it may close.
    Wait,
}
