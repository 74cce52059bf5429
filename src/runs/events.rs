//! `events.jsonl`: what happened, one object a line, appended only.

use super::RunError;
use crate::evaluation::Metrics;
use crate::training::StepReport;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// RFC 3339, UTC.
    pub time: jiff::Timestamp,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EventKind {
    /// A process took the run up.
    Started {
        process: u32,
        from_step: u64,
        total_steps: u64,
        steps_per_epoch: u64,
        train_rows: usize,
        validation_rows: usize,
    },
    Step(StepReport),
    Evaluated {
        epoch: usize,
        step: u64,
        loss: f64,
        #[serde(flatten)]
        metrics: Metrics,
    },
    /// A checkpoint or a best model was written.
    Saved {
        step: u64,
        what: String,
    },
    Stopped {
        step: u64,
    },
    /// The notebook's last table.
    Finished {
        step: u64,
        best_epoch: usize,
        threshold: f64,
        validation: Metrics,
        test: Option<Metrics>,
    },
    Failed {
        message: String,
    },
}

/// Reads the whole lines of `events.jsonl` (a torn last line is ignored); later entries for a step replace earlier
/// ones, as do later evaluations of an epoch. A line that is no event (of a later version, say) is left out.
///
/// # Errors
/// [`RunError::File`].
pub fn read_events(path: &Path) -> Result<Vec<Event>, RunError> {
    let bytes = std::fs::read(path).map_err(|source| RunError::File { path: path.to_owned(), source })?;
    Ok(last_counts(parse_lines(&bytes).0))
}

/// The events of the whole lines in `bytes`, and how many bytes these lines take.
pub(super) fn parse_lines(bytes: &[u8]) -> (Vec<Event>, usize) {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |position| position + 1);
    let events = bytes[..whole].split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    (events.collect(), whole)
}

/// Removes entries that a later one for the same step, or evaluation of the same epoch, replaces.
fn last_counts(events: Vec<Event>) -> Vec<Event> {
    let mut steps = std::collections::HashSet::new();
    let mut epochs = std::collections::HashSet::new();
    let mut kept: Vec<Event> = events
        .into_iter()
        .rev()
        .filter(|event| match &event.kind {
            EventKind::Step(report) => steps.insert(report.step),
            EventKind::Evaluated { epoch, .. } => epochs.insert(*epoch),
            _ => true,
        })
        .collect();
    kept.reverse();
    kept
}

/// Appends to `events.jsonl`, one write a line.
#[derive(Debug)]
pub(super) struct EventWriter {
    path: PathBuf,
    file: File,
    /// Length of the whole lines.
    length: u64,
}

impl EventWriter {
    /// Opens the file for appending and cuts off a torn last line.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub(super) fn open(path: &Path) -> Result<Self, RunError> {
        let repair = || -> std::io::Result<(File, u64)> {
            let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |position| position + 1);
            if whole < bytes.len() {
                file.set_len(whole as u64)?;
            }
            file.seek(SeekFrom::Start(whole as u64))?;
            Ok((file, whole as u64))
        };
        let (file, length) = repair().map_err(|source| RunError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Appends an event with the time of now. All but logged steps, which can be lost without harm, are on disk when
    /// this returns. After a failure the file is as it was before.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub(super) fn append(&mut self, kind: EventKind) -> Result<Event, RunError> {
        let event = Event { time: jiff::Timestamp::now(), kind };
        self.append_line(&event).map_err(|source| {
            // Half a line must not stand before the next one. Where even this fails, readers skip the torn line.
            let cut = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            if let Err(failure) = cut {
                tracing::warn!("cannot repair {}: {failure}", self.path.display());
            }
            RunError::File { path: self.path.clone(), source }
        })?;
        Ok(event)
    }

    fn append_line(&mut self, event: &Event) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        if !matches!(event.kind, EventKind::Step(_)) {
            self.file.sync_data()?;
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> EventKind {
        EventKind::Step(StepReport {
            step,
            epoch: 0.5,
            loss,
            learning_rate: 1e-5,
            gradient_norm: 1.0,
            examples: 80,
            tokens: 8000,
            seconds: 2.0,
        })
    }

    #[test]
    fn lines_read_as_documented() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("events.jsonl");
        let mut writer = EventWriter::open(&path).unwrap();
        let metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };
        writer.append(step(10, 0.5)).unwrap();
        writer.append(EventKind::Evaluated { epoch: 1, step: 10, loss: 0.75, metrics }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["kind"], "step");
        assert_eq!(lines[0]["gradient_norm"], 1.0);
        assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
        assert_eq!(lines[1]["kind"], "evaluated");
        assert_eq!(lines[1]["f1"], 0.4);
    }

    #[test]
    fn every_kind_reads_back() {
        let metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };
        let kinds = [
            EventKind::Started {
                process: 7,
                from_step: 0,
                total_steps: 100,
                steps_per_epoch: 20,
                train_rows: 160,
                validation_rows: 40,
            },
            step(10, 0.25),
            EventKind::Evaluated { epoch: 1, step: 20, loss: 0.75, metrics },
            EventKind::Saved { step: 20, what: "best".to_owned() },
            EventKind::Stopped { step: 20 },
            EventKind::Finished { step: 100, best_epoch: 1, threshold: 0.25, validation: metrics, test: None },
            EventKind::Failed { message: "no space left".to_owned() },
        ];
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("events.jsonl");
        let mut writer = EventWriter::open(&path).unwrap();
        for kind in &kinds {
            writer.append(kind.clone()).unwrap();
        }
        let read: Vec<EventKind> = read_events(&path).unwrap().into_iter().map(|event| event.kind).collect();
        assert_eq!(read, kinds);
    }

    #[test]
    fn a_torn_last_line_is_ignored_and_then_cut_off() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("events.jsonl");
        EventWriter::open(&path).unwrap().append(step(1, 0.5)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let torn = [whole.as_slice(), &whole[..whole.len() / 2]].concat();
        std::fs::write(&path, torn).unwrap();
        assert_eq!(read_events(&path).unwrap().len(), 1);
        EventWriter::open(&path).unwrap().append(step(2, 0.25)).unwrap();
        assert_eq!(read_events(&path).unwrap().len(), 2);
        assert!(std::fs::read(&path).unwrap().starts_with(&whole));
    }

    #[test]
    fn the_last_entry_for_a_step_counts() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("events.jsonl");
        let mut writer = EventWriter::open(&path).unwrap();
        for (number, loss) in [(1, 0.5), (2, 0.4), (1, 0.3)] {
            writer.append(step(number, loss)).unwrap();
        }
        let losses: Vec<f64> = read_events(&path)
            .unwrap()
            .iter()
            .filter_map(|event| if let EventKind::Step(report) = &event.kind { Some(report.loss) } else { None })
            .collect();
        assert_eq!(losses, [0.4, 0.3]);
    }

    #[test]
    fn lines_that_are_no_events_are_left_out() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("events.jsonl");
        std::fs::write(&path, "{\"time\":\"2026-11-23T10:15:00Z\",\"kind\":\"from the future\"}\n\0\0\0\n\n").unwrap();
        assert_eq!(read_events(&path).unwrap(), []);
        EventWriter::open(&path).unwrap().append(EventKind::Stopped { step: 1 }).unwrap();
        assert_eq!(read_events(&path).unwrap().len(), 1);
    }
}
