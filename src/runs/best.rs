//! Replacing `best/` so that neither a reader nor a kill meets half a model.
//!
//! The new folder is written beside the old one, the old one is renamed away and the new one into its place. A process
//! killed between the two renames leaves both under their temporary names, and [`tidy`] finishes what it began.

use super::{RunError, RunFolder};
use crate::model::SavedModel;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a process removes when it ends, besides `write_atomically`'s temporary files.
const TEMPORARY: [&str; 3] = [".reserve", ".progress", "progress.json"];

fn new_folder(folder: &RunFolder) -> PathBuf {
    folder.path().join(".best-new")
}

fn old_folder(folder: &RunFolder) -> PathBuf {
    folder.path().join(".best-old")
}

/// Puts the model in the place of `best/`; where this fails, the earlier model stays.
///
/// # Errors
/// [`RunError::File`], [`RunError::Model`].
pub(super) fn replace_best(folder: &RunFolder, model: &SavedModel) -> Result<(), RunError> {
    let (new, old, best) = (new_folder(folder), old_folder(folder), folder.best());
    remove(&new)?;
    remove(&old)?;
    if let Err(failure) = model.save(&new) {
        // Half a model must not use up what may be the last of the disk; the failure to report is the first one.
        remove(&new).ok();
        return Err(failure.into());
    }
    if best.exists() {
        rename(&best, &old)?;
    }
    rename(&new, &best)?;
    remove(&old)
}

/// Removes what a killed process left behind: temporary files, and a replacement of `best/` that was not finished.
/// Only to be called by whoever holds the run's lock.
///
/// # Errors
/// [`RunError::File`].
pub(super) fn tidy(folder: &RunFolder) -> Result<(), RunError> {
    let (new, old, best) = (new_folder(folder), old_folder(folder), folder.best());
    if old.exists() && !best.exists() {
        // The old model is renamed away only once the new one is complete.
        rename(if new.exists() { &new } else { &old }, &best)?;
    }
    remove(&new)?;
    remove(&old)?;
    let cannot = |source| RunError::File { path: folder.path().to_owned(), source };
    for entry in std::fs::read_dir(folder.path()).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(".citelink-") || TEMPORARY.iter().any(|temporary| name == *temporary) {
            std::fs::remove_file(entry.path()).map_err(|source| RunError::File { path: entry.path(), source })?;
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), RunError> {
    std::fs::rename(from, to).map_err(|source| RunError::File { path: from.to_owned(), source })
}

fn remove(folder: &Path) -> Result<(), RunError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(RunError::File { path: folder.to_owned(), source }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kill at each point of a replacement leaves, and which model must be in place afterwards.
    #[test]
    fn a_kill_at_any_point_leaves_one_whole_model() {
        for (left, expected) in [
            (&[("best", "old")][..], "old"),
            (&[("best", "old"), (".best-new", "half")], "old"),
            (&[("best", "old"), (".best-new", "new")], "old"),
            (&[(".best-old", "old"), (".best-new", "new")], "new"),
            (&[("best", "new"), (".best-old", "old")], "new"),
        ] {
            let temporary = tempfile::tempdir().unwrap();
            let folder = RunFolder::at(temporary.path());
            for (name, content) in left {
                std::fs::create_dir(temporary.path().join(name)).unwrap();
                std::fs::write(temporary.path().join(name).join("model"), content).unwrap();
            }
            std::fs::write(temporary.path().join(".citelink-x1y2"), "half a checkpoint").unwrap();
            std::fs::write(temporary.path().join(".reserve"), "some space").unwrap();
            tidy(&folder).unwrap();
            assert_eq!(std::fs::read_to_string(folder.best().join("model")).unwrap(), expected, "{left:?}");
            assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1, "{left:?}");
        }
    }
}
