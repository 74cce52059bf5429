//! `progress.json`: how far the process is between two events, for whoever watches.
//!
//! Logged steps may be minutes apart on a processor, so the process rewrites this small file about once a second. It
//! promises nothing: it may be missing, late, or left behind by a process that was killed.

use super::RunFolder;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the process is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Fetching or opening the base model; in bytes.
    Loading,
    /// Turning texts into tokens; in rows.
    Encoding,
    /// Fitting; in optimizer steps.
    Training,
    /// Scoring the validation part; in rows.
    Validation,
    /// Scoring the test part with the best model; in rows.
    Test,
}

/// How far one phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProgress {
    pub phase: Phase,
    pub done: u64,
    /// 0 while unknown.
    pub total: u64,
}

impl RunProgress {
    /// What the file says, if it says anything.
    pub(super) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Rewrites the file now and then, and removes it when dropped.
#[derive(Debug)]
pub(super) struct ProgressWriter {
    path: PathBuf,
    temporary: PathBuf,
    last: Option<(Instant, Phase)>,
}

/// How often the file is rewritten.
const INTERVAL: Duration = Duration::from_millis(500);

impl ProgressWriter {
    pub(super) fn new(folder: &RunFolder) -> Self {
        Self { path: folder.progress(), temporary: folder.path().join(".progress"), last: None }
    }

    /// Tells how far it is, at most every half second unless the phase is a new one.
    pub(super) fn write(&mut self, phase: Phase, done: u64, total: u64) {
        if self.last.is_some_and(|(last, same)| same == phase && last.elapsed() < INTERVAL) {
            return;
        }
        self.last = Some((Instant::now(), phase));
        let progress = RunProgress { phase, done, total };
        // Renamed into place so that it is never read by halves, but not forced to disk. Nobody but a watcher misses
        // it, so a failure here must not end a training.
        let written = serde_json::to_vec(&progress)
            .map_err(std::io::Error::from)
            .and_then(|json| std::fs::write(&self.temporary, json))
            .and_then(|()| std::fs::rename(&self.temporary, &self.path));
        if let Err(failure) = written {
            tracing::debug!("cannot write {}: {failure}", self.path.display());
        }
    }
}

impl Drop for ProgressWriter {
    fn drop(&mut self) {
        // Absent already is as good.
        std::fs::remove_file(&self.path).ok();
        std::fs::remove_file(&self.temporary).ok();
    }
}
