//! The runs and grids of a folder, newest first.

use super::grid::GridFile;
use crate::runs::{Follower, RunState, RunSummary, list_runs};
use std::path::{Path, PathBuf};

/// A folder below the runs folder: a run, or a grid of several.
#[derive(Debug, Clone)]
pub enum Entry {
    Run(Box<ListedRun>),
    Grid(ListedGrid),
}

/// A run as the list shows it.
#[derive(Debug, Clone)]
pub struct ListedRun {
    pub summary: RunSummary,
    /// Training examples a second, of the newest runs.
    pub examples_per_second: Option<f64>,
}

/// A grid as the list shows it.
#[derive(Debug, Clone)]
pub struct ListedGrid {
    pub folder: PathBuf,
    pub name: String,
    pub created: jiff::Timestamp,
    /// How many combinations it has, and how many of them have finished.
    pub combinations: usize,
    pub finished: usize,
    pub running: bool,
    pub best_f1: Option<f64>,
}

/// Of this many runs the speed is read too, which says how long the next one will take.
const WITH_SPEED: usize = 8;

impl ListedRun {
    /// F1 on validation: at the chosen threshold where the run has finished, else of the best epoch so far.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let finished = self.summary.finished.map(|(_, validation, _)| validation.f1);
        finished.or(self.summary.best.map(|(_, _, metrics)| metrics.f1))
    }
}

impl Entry {
    fn created(&self) -> jiff::Timestamp {
        match self {
            Self::Run(run) => run.summary.settings.created,
            Self::Grid(grid) => grid.created,
        }
    }

    /// Whether a process is at work there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        match self {
            Self::Run(run) => run.summary.state == RunState::Running,
            Self::Grid(grid) => grid.running,
        }
    }
}

/// Reads every run and grid below `folder`; a folder that does not exist yet has none, and what cannot be read is left
/// out.
pub fn read_list(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (position, summary) in list_runs(folder).into_iter().enumerate() {
        let examples_per_second = (position < WITH_SPEED)
            .then(|| Follower::open(summary.folder.clone()).ok()?.view().examples_per_second())
            .flatten();
        entries.push(Entry::Run(Box::new(ListedRun { summary, examples_per_second })));
    }
    let folders = match std::fs::read_dir(folder) {
        Ok(folders) => folders,
        Err(failure) if failure.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
        Err(failure) => return Err(failure),
    };
    for path in folders.filter_map(Result::ok).map(|entry| entry.path()) {
        if let Ok(grid) = GridFile::read(&path) {
            let runs = list_runs(&path);
            let finished = runs.iter().filter_map(|run| run.finished);
            entries.push(Entry::Grid(ListedGrid {
                name: crate::app::open::short_name(&path),
                created: grid.created,
                combinations: grid.combinations().len(),
                finished: finished.clone().count(),
                running: runs.iter().any(|run| run.state == RunState::Running),
                best_f1: finished.map(|(_, validation, _)| validation.f1).reduce(f64::max),
                folder: path,
            }));
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.created()));
    Ok(entries)
}

/// A base model's name without the folders or the owner before it.
pub fn short_base(base: &str) -> String {
    let trimmed = base.trim_end_matches(['/', '\\']);
    trimmed.rsplit(['/', '\\']).next().unwrap_or(trimmed).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_runs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_list(&folder.path().join("runs")).unwrap().is_empty());
    }

    #[test]
    fn bases_are_named_shortly() {
        assert_eq!(short_base("allenai/scibert_scivocab_uncased"), "scibert_scivocab_uncased");
        assert_eq!(short_base("/models/scibert/"), "scibert");
        assert_eq!(short_base("bundled"), "bundled");
    }
}
