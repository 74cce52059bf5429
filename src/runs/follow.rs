//! Following a run folder that another process writes.

use super::events::parse_lines;
use super::progress::RunProgress;
use super::view::state_of;
use super::{RunError, RunFolder, RunSettings, RunView, lock};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom};

/// Reads a run folder again and again, each time only what was appended.
#[derive(Debug)]
pub struct Follower {
    view: RunView,
    /// Bytes of `events.jsonl` that were read, all whole lines.
    offset: u64,
    /// What tells a file from one that took its place.
    identity: Option<u64>,
    /// The last `progress.json` read.
    progress_seen: Option<std::time::SystemTime>,
}

impl Follower {
    /// Opens a run folder and reads what is there. A folder that holds no run yet is followed until it does.
    ///
    /// # Errors
    /// [`RunError::File`], [`RunError::Malformed`].
    pub fn open(folder: RunFolder) -> Result<Self, RunError> {
        let mut follower = Self { view: RunView::empty(folder), offset: 0, identity: None, progress_seen: None };
        follower.poll()?;
        Ok(follower)
    }

    /// Reads what was appended since; true if anything changed.
    ///
    /// # Errors
    /// [`RunError::File`], [`RunError::Malformed`].
    pub fn poll(&mut self) -> Result<bool, RunError> {
        // The lock first: a process that ends after this look leaves its last event for the next one, whereas the
        // other way round a run that ends in between would seem to be killed.
        let locked = lock::is_locked(&self.view.folder);
        let mut changed = false;
        if self.view.settings.is_none() {
            match RunSettings::read(&self.view.folder) {
                Ok(settings) => {
                    self.view.settings = Some(settings);
                    changed = true;
                }
                Err(RunError::NoRun { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        changed |= self.read_events()?;
        changed |= self.read_progress(locked);
        let last = self.view.last.as_ref().map(|event| &event.kind);
        let state = state_of(self.view.settings.is_some(), locked, last);
        changed |= state != self.view.state;
        self.view.state = state;
        Ok(changed)
    }

    /// The run as last read.
    #[must_use]
    pub fn view(&self) -> &RunView {
        &self.view
    }

    fn read_events(&mut self) -> Result<bool, RunError> {
        let path = self.view.folder.events();
        let cannot = |source| RunError::File { path: path.clone(), source };
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(self.begin_again(None)),
            Err(failure) => return Err(cannot(failure)),
        };
        let identity = identity_of(&metadata);
        let mut changed = false;
        if metadata.len() < self.offset || (self.identity.is_some() && self.identity != identity) {
            changed = self.begin_again(identity);
        }
        self.identity = identity;
        if metadata.len() == self.offset {
            return Ok(changed);
        }
        let mut bytes = Vec::new();
        let mut file = File::open(&path).map_err(cannot)?;
        file.seek(SeekFrom::Start(self.offset)).map_err(cannot)?;
        file.read_to_end(&mut bytes).map_err(cannot)?;
        // A line that is being written is left for the next time.
        let (events, whole) = parse_lines(&bytes);
        self.offset += whole as u64;
        changed |= !events.is_empty();
        for event in events {
            self.view.take(event);
        }
        Ok(changed)
    }

    /// Forgets the events, because the file is gone or another one.
    fn begin_again(&mut self, identity: Option<u64>) -> bool {
        let had_events = self.view.last.is_some();
        self.offset = 0;
        self.identity = identity;
        if had_events {
            let settings = self.view.settings.take();
            self.view = RunView::empty(self.view.folder.clone());
            self.view.settings = settings;
        }
        had_events
    }

    fn read_progress(&mut self, locked: bool) -> bool {
        let path = self.view.folder.progress();
        // What a killed process left behind says nothing.
        let modified =
            if locked { std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok() } else { None };
        if modified.is_some() && modified == self.progress_seen {
            return false;
        }
        let progress = modified.and_then(|_| RunProgress::read(&path));
        self.progress_seen = modified;
        let changed = progress != self.view.progress;
        self.view.progress = progress;
        changed
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other platforms have no such number")]
fn identity_of(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(metadata))
}

#[cfg(not(unix))]
fn identity_of(_metadata: &Metadata) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Metrics;
    use crate::runs::events::EventWriter;
    use crate::runs::lock::RunLock;
    use crate::runs::settings::tests::sample;
    use crate::runs::{EventKind, RunState};
    use crate::training::StepReport;
    use std::io::Write;
    use std::time::Duration;

    const METRICS: Metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };

    fn started(from_step: u64) -> EventKind {
        EventKind::Started {
            process: 7,
            from_step,
            total_steps: 100,
            steps_per_epoch: 20,
            train_rows: 160,
            validation_rows: 40,
        }
    }

    fn step(step: u64, loss: f64) -> EventKind {
        EventKind::Step(StepReport {
            step,
            epoch: step as f64 / 20.0,
            loss,
            learning_rate: 1e-5,
            gradient_norm: 1.0,
            examples: 80,
            tokens: 8000,
            seconds: 2.0,
        })
    }

    fn evaluated(epoch: usize, loss: f64) -> EventKind {
        EventKind::Evaluated { epoch, step: epoch as u64 * 20, loss, metrics: METRICS }
    }

    #[test]
    fn a_run_is_followed_from_before_it_exists_to_its_end() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path().join("run"));
        let mut follower = Follower::open(folder.clone()).unwrap();
        assert_eq!(follower.view().state, RunState::Absent);
        std::fs::create_dir(folder.path()).unwrap();
        let lock = RunLock::take(&folder).unwrap();
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().state, RunState::Running);

        sample().write(&folder).unwrap();
        let mut writer = EventWriter::open(&folder.events()).unwrap();
        for kind in [started(0), step(10, 0.7), step(20, 0.6), evaluated(1, 0.65)] {
            writer.append(kind).unwrap();
        }
        assert!(follower.poll().unwrap());
        assert!(!follower.poll().unwrap());
        let view = follower.view();
        assert_eq!(view.settings, Some(sample()));
        assert_eq!(view.steps.len(), 2);
        assert_eq!(view.best_epoch(), Some(1));
        assert_eq!(view.examples_per_second(), Some(40.0));
        assert_eq!(view.tokens_per_second(), Some(4000.0));
        assert_eq!(view.time_left(), Some(Duration::from_secs(16)));
        assert_eq!(view.fraction(), 0.2);

        drop(lock);
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().state, RunState::Interrupted);

        let lock = RunLock::take(&folder).unwrap();
        let finished =
            EventKind::Finished { step: 100, best_epoch: 2, threshold: 0.25, validation: METRICS, test: Some(METRICS) };
        for kind in [started(10), step(20, 0.5), evaluated(1, 0.64), evaluated(2, 0.63), finished] {
            writer.append(kind).unwrap();
        }
        follower.poll().unwrap();
        let view = follower.view();
        assert_eq!(view.state, RunState::Finished);
        assert_eq!(
            view.steps.iter().map(|report| (report.step, report.loss)).collect::<Vec<_>>(),
            [(10, 0.7), (20, 0.5)]
        );
        assert_eq!(view.evaluations.len(), 2);
        assert_eq!(view.best_epoch(), Some(2));
        assert_eq!(view.finished.unwrap().threshold, 0.25);
        assert_eq!(view.step(), 100);
        drop(lock);
    }

    #[test]
    fn what_the_last_event_says_counts_once_the_process_is_gone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        sample().write(&folder).unwrap();
        let mut writer = EventWriter::open(&folder.events()).unwrap();
        writer.append(EventKind::Stopped { step: 20 }).unwrap();
        let mut follower = Follower::open(folder.clone()).unwrap();
        assert_eq!(follower.view().state, RunState::Stopped);
        let lock = RunLock::take(&folder).unwrap();
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().state, RunState::Running);
        writer.append(EventKind::Failed { message: "no space".to_owned() }).unwrap();
        drop(lock);
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().state, RunState::Failed("no space".to_owned()));
        assert!(follower.view().state.can_resume());
    }

    #[test]
    fn half_a_line_is_left_for_later_and_another_file_read_afresh() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        let mut writer = EventWriter::open(&folder.events()).unwrap();
        for number in 1..=5 {
            writer.append(step(number, 0.5)).unwrap();
        }
        let mut follower = Follower::open(folder.clone()).unwrap();
        let whole = std::fs::read(folder.events()).unwrap();
        let line = &whole[..=whole.iter().position(|&byte| byte == b'\n').unwrap()];
        let line = String::from_utf8(line.to_vec()).unwrap().replace("\"step\":1", "\"step\":6");
        let mut file = File::options().append(true).open(folder.events()).unwrap();
        file.write_all(&line.as_bytes()[..20]).unwrap();
        assert!(!follower.poll().unwrap());
        file.write_all(&line.as_bytes()[20..]).unwrap();
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().steps.len(), 6);

        std::fs::write(folder.events(), line).unwrap();
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().steps.len(), 1);
    }

    #[test]
    fn progress_counts_only_while_a_process_is_at_work() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        let lock = RunLock::take(&folder).unwrap();
        std::fs::write(folder.progress(), r#"{"phase":"training","done":12,"total":100}"#).unwrap();
        let mut follower = Follower::open(folder).unwrap();
        assert_eq!(follower.view().step(), 12);
        drop(lock);
        assert!(follower.poll().unwrap());
        assert_eq!(follower.view().progress, None);
    }
}
