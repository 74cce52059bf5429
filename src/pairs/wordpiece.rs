//! Learning a WordPiece vocabulary from text.

use super::TokenizerError;
use crate::progress::Progress;
use std::path::PathBuf;

/// What to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VocabularySettings {
    /// Entries at most, special tokens included.
    pub size: usize,
}

/// Learns a lower-cased WordPiece vocabulary from text files (`.gz` is read), special tokens first; fewer entries where
/// the text has no more. The same files give the same vocabulary. Progress in bytes read.
///
/// # Errors
/// [`TokenizerError::File`].
pub fn learn_vocabulary(
    files: &[PathBuf],
    settings: VocabularySettings,
    progress: &dyn Progress,
) -> Result<Vec<String>, TokenizerError> {
    let _ = (files, settings, progress);
    todo!()
}
