//! Every user action.

use super::pages::Page;
use std::path::PathBuf;

/// One user action; what it is called and how it is reached stands in its methods.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Show a page.
    ShowPage(Page),
    /// Open a dataset, a saved model or a run folder, whichever the path is.
    OpenPath(PathBuf),
    /// A path was found to be a dataset.
    OpenDataset(PathBuf),
    /// A path was found to be a saved model: check with it.
    OpenModel(PathBuf),
    /// A path was found to be a run folder.
    OpenRun(PathBuf),
    /// Check the candidates of one sentence of the loaded dataset (positions among its records).
    CheckRows(Vec<usize>),
    /// Look at a run's predictions on the Threshold page.
    ShowThreshold(PathBuf),
}
