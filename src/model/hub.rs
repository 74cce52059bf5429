//! Fetching a base model once into Hugging Face's own cache.

use super::ModelError;
use crate::progress::Progress;
use std::path::PathBuf;

/// The folder in Hugging Face's cache that holds the model, downloaded first if needed (progress in bytes).
/// `HF_HOME`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are respected; broken downloads are resumed.
///
/// # Errors
/// [`ModelError::Download`], [`ModelError::Cancelled`].
pub fn fetch(model: &str, progress: &dyn Progress) -> Result<PathBuf, ModelError> {
    let _ = (model, progress);
    todo!()
}

/// Whether the text could name a model of the hub: `name` or `owner/name`, each of letters, digits, `-`, `_` and `.`.
pub(super) fn is_model_id(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with(['.', '-'])
            && !part.ends_with(['.', '-'])
            && !part.contains("..")
            && !part.contains("--")
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    match text.split_once('/') {
        Some((owner, name)) => is_part(owner) && is_part(name),
        None => is_part(text),
    }
}
