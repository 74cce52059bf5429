//! Following a run folder on a thread of its own, so that the frame never reads a file.

use crate::runs::{Follower, RunFolder, RunState, RunView};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two looks at a run that goes on.
const WHILE_RUNNING: Duration = Duration::from_millis(250);
/// Between two looks at a run that has ended: it may be resumed from elsewhere.
const WHILE_ENDED: Duration = Duration::from_secs(2);
/// Of the end of `citelink.log`, shown when a run fails.
const LOG_TAIL: usize = 8_000;

/// A run as last read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub view: Arc<RunView>,
    /// The file `stop` is there: the run ends after its present step.
    pub stop_asked: bool,
    /// The end of `citelink.log`.
    pub log: Option<String>,
}

type Latest = Arc<Mutex<Option<Result<Snapshot, String>>>>;

/// Follows one run until it is dropped.
#[derive(Debug)]
pub struct Watch {
    folder: RunFolder,
    latest: Latest,
    /// Dropped to end the thread.
    _alive: SyncSender<()>,
}

impl Watch {
    /// Follows the run in `folder`, which may not hold anything yet: a process needs a moment to write it. Each
    /// change wakes the window.
    pub fn start(context: &egui::Context, folder: RunFolder) -> std::io::Result<Self> {
        let latest = Latest::default();
        let (alive, ended) = sync_channel::<()>(0);
        let (for_thread, context, followed) = (Arc::clone(&latest), context.clone(), folder.clone());
        std::thread::Builder::new().name("follow-run".to_owned()).spawn(move || {
            let mut follower = None;
            let mut stop_was_asked = false;
            let mut last_failure = None;
            loop {
                let stop_asked = followed.stop().exists();
                let mut changed = stop_asked != stop_was_asked;
                stop_was_asked = stop_asked;
                let looked = look(&mut follower, &followed, &mut changed);
                // A failure that stays is told once.
                let failure = looked.as_ref().err().cloned();
                changed |= failure != last_failure;
                last_failure = failure;
                let wait = match &looked {
                    Ok(view) if view.state != RunState::Running => WHILE_ENDED,
                    _ => WHILE_RUNNING,
                };
                if changed {
                    let snapshot = looked.map(|view| {
                        let log = log_tail(&view.folder.log());
                        Snapshot { view: Arc::new(view.clone()), stop_asked, log }
                    });
                    *for_thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
                    context.request_repaint();
                }
                if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { folder, latest, _alive: alive })
    }

    /// The run that is followed.
    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// What changed since the last call.
    pub fn take(&self) -> Option<Result<Snapshot, String>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Opens the run, or reads on; `changed` is set when there is news.
fn look<'a>(follower: &'a mut Option<Follower>, folder: &RunFolder, changed: &mut bool) -> Result<&'a RunView, String> {
    match follower {
        None => {
            let opened = Follower::open(folder.clone()).map_err(|failure| failure.to_string())?;
            *changed = true;
            Ok(follower.insert(opened).view())
        }
        Some(follower) => {
            *changed |= follower.poll().map_err(|failure| failure.to_string())?;
            Ok(follower.view())
        }
    }
}

/// The end of a log, from a line's start; None where there is none.
fn log_tail(path: &Path) -> Option<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let from = length.saturating_sub(LOG_TAIL as u64);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::with_capacity(LOG_TAIL);
    file.take(LOG_TAIL as u64).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = if from == 0 { &*text } else { text.split_once('\n').map_or(&*text, |(_, whole_lines)| whole_lines) };
    (!text.trim().is_empty()).then(|| text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logs_end_begins_with_a_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("citelink.log");
        assert_eq!(log_tail(&log), None);
        std::fs::write(&log, "a line of the log\n".repeat(1000)).unwrap();
        let tail = log_tail(&log).unwrap();
        assert!(tail.len() <= LOG_TAIL && tail.starts_with("a line"));
    }
}
