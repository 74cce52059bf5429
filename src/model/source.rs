//! Naming a model: a folder, a hub id, or the bundled one.

use super::{ModelError, SavedModel, hub};
use crate::progress::Progress;
use std::path::{Path, PathBuf};

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
        let text = text.trim();
        if text == "bundled" {
            Self::Bundled
        } else if !Path::new(text).exists() && hub::is_model_id(text) {
            Self::Hub(text.to_owned())
        } else {
            Self::Folder(PathBuf::from(text))
        }
    }

    /// Opens the model, downloading it first where it is a hub id that is not in the cache (progress in bytes).
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn load(&self, progress: &dyn Progress) -> Result<SavedModel, ModelError> {
        match self {
            Self::Bundled => SavedModel::bundled(),
            Self::Folder(folder) => SavedModel::open(folder),
            Self::Hub(id) => {
                let folder = hub::fetch(id, progress)?;
                Ok(SavedModel { name: id.clone(), ..SavedModel::open(&folder)? })
            }
        }
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
