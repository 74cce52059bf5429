//! Naming a model: a folder, a hub id, or the bundled one.

use super::{ModelError, SavedModel};
use crate::progress::Progress;
use std::path::PathBuf;

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// `bundled`
    Bundled,
    /// A folder on this machine.
    Folder(PathBuf),
    /// A hub id such as `allenai/scibert_scivocab_uncased`.
    Hub(String),
}

impl ModelSource {
    /// `bundled`; an existing folder; else a hub id where the text looks like one (`name` or `owner/name`), else a
    /// folder.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let _ = text;
        todo!()
    }

    /// Opens the model, downloading it first where it is a hub id that is not in the cache (progress in bytes).
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn load(&self, progress: &dyn Progress) -> Result<SavedModel, ModelError> {
        let _ = progress;
        todo!()
    }
}

impl std::fmt::Display for ModelSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => formatter.write_str("bundled"),
            Self::Folder(folder) => write!(formatter, "{}", folder.display()),
            Self::Hub(id) => formatter.write_str(id),
        }
    }
}
