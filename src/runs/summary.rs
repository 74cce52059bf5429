//! Past runs, at a glance.

use super::events::parse_lines;
use super::view::state_of;
use super::{EventKind, RunFolder, RunSettings, RunState, lock};
use crate::evaluation::Metrics;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What a list of runs shows of one.
#[derive(Debug, Clone)]
pub struct RunSummary {
    pub folder: RunFolder,
    /// The folder's name.
    pub name: String,
    pub settings: RunSettings,
    pub state: RunState,
    /// The step of the last event that has one.
    pub step: u64,
    /// The evaluation with the lowest validation loss among the last events: (epoch, loss, metrics).
    pub best: Option<(usize, f64, Metrics)>,
    /// The threshold of a finished run, and validation and test at it.
    pub finished: Option<(f64, Metrics, Option<Metrics>)>,
}

/// This much of the end of `events.jsonl` is read: some thousand lines.
const TAIL: u64 = 256 * 1024;

/// The runs directly under `folder`, newest first. Cheap: of each run, `run.json` and the end of its events are read;
/// what cannot be read is left out.
#[must_use]
pub fn list_runs(folder: &Path) -> Vec<RunSummary> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut runs: Vec<RunSummary> =
        entries.flatten().filter_map(|entry| RunSummary::of(&RunFolder::at(entry.path()))).collect();
    runs.sort_by(|left, right| right.settings.created.cmp(&left.settings.created).then(right.name.cmp(&left.name)));
    runs
}

impl RunSummary {
    /// The summary of one run; None where there is none that can be read.
    #[must_use]
    pub fn of(folder: &RunFolder) -> Option<Self> {
        let settings = RunSettings::read(folder).ok()?;
        let locked = lock::is_locked(folder);
        let events = parse_lines(&tail(&folder.events()).unwrap_or_default()).0;
        let mut summary = Self {
            name: folder.path().file_name()?.to_string_lossy().into_owned(),
            state: state_of(true, locked, events.last().map(|event| &event.kind)),
            folder: folder.clone(),
            settings,
            step: 0,
            best: None,
            finished: None,
        };
        for event in events {
            match event.kind {
                EventKind::Started { from_step: step, .. }
                | EventKind::Saved { step, .. }
                | EventKind::Stopped { step } => summary.step = step,
                EventKind::Step(report) => summary.step = report.step,
                EventKind::Evaluated { epoch, step, loss, metrics } => {
                    summary.step = step;
                    if summary.best.is_none_or(|(_, lowest, _)| loss < lowest) {
                        summary.best = Some((epoch, loss, metrics));
                    }
                }
                EventKind::Finished { step, threshold, validation, test, .. } => {
                    summary.step = step;
                    summary.finished = Some((threshold, validation, test));
                }
                EventKind::Failed { .. } => {}
            }
        }
        Some(summary)
    }
}

/// The end of a file, from the start of a line.
fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if skipped > 0 {
        let first_whole = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1);
        bytes.drain(..first_whole);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::events::EventWriter;
    use crate::runs::settings::tests::sample;

    #[test]
    fn runs_are_listed_newest_first() {
        let temporary = tempfile::tempdir().unwrap();
        assert!(list_runs(&temporary.path().join("nowhere")).is_empty());
        for (name, created) in [("old", "2026-11-22T10:15:00Z"), ("new", "2026-11-23T10:15:00Z")] {
            let folder = RunFolder::at(temporary.path().join(name));
            std::fs::create_dir(folder.path()).unwrap();
            let mut settings = sample();
            settings.created = created.parse().unwrap();
            settings.write(&folder).unwrap();
        }
        std::fs::create_dir(temporary.path().join("no run")).unwrap();
        let metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };
        let mut writer = EventWriter::open(&temporary.path().join("old/events.jsonl")).unwrap();
        for (epoch, loss) in [(1, 0.7), (2, 0.6), (3, 0.65)] {
            writer.append(EventKind::Evaluated { epoch, step: 10 * epoch as u64, loss, metrics }).unwrap();
        }
        let runs = list_runs(temporary.path());
        assert_eq!(runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(runs[1].best, Some((2, 0.6, metrics)));
        assert_eq!(runs[1].step, 30);
        assert_eq!(runs[1].state, RunState::Interrupted);
    }
}
