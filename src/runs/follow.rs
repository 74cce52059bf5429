//! Following a run folder that another process writes.

use super::events::parse_lines;
use super::progress::{Phase, RunProgress};
use super::{Event, EventKind, RunError, RunFolder, RunSettings, lock};
use crate::evaluation::Metrics;
use crate::training::StepReport;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::time::Duration;

/// What a run is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// There is no `run.json` yet and no process holds the lock: the process has not come that far, or it failed before.
    Absent,
    /// A process holds the lock.
    Running,
    /// Stopped on request; can be resumed.
    Stopped,
    /// No process holds the lock and the run did not end: it was killed. Can be resumed.
    Interrupted,
    Finished,
    /// Can be resumed once the cause is gone.
    Failed(String),
}

impl RunState {
    /// Whether `citelink resume` has something to do.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        matches!(self, Self::Stopped | Self::Interrupted | Self::Failed(_))
    }
}

/// The notebook's last table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FinalTable {
    /// The epoch whose model was kept.
    pub best_epoch: usize,
    /// The best of the 33 on validation.
    pub threshold: f64,
    /// At this threshold.
    pub validation: Metrics,
    /// At this threshold; None where the split has no test part.
    pub test: Option<Metrics>,
}

/// A run as its folder shows it.
#[derive(Debug, Clone)]
pub struct RunView {
    pub folder: RunFolder,
    pub settings: Option<RunSettings>,
    pub state: RunState,
    /// One a step, the last entry for a step counts, in order.
    pub steps: Vec<StepReport>,
    /// (epoch, step, loss, metrics), one an epoch.
    pub evaluations: Vec<(usize, u64, f64, Metrics)>,
    /// The process that took the run up last.
    pub process: Option<u32>,
    pub total_steps: u64,
    pub steps_per_epoch: u64,
    /// Rows of the train part and of the validation part.
    pub rows: Option<(usize, usize)>,
    /// When a process took the run up last.
    pub started: Option<jiff::Timestamp>,
    /// How far the process is between two events; None when none is at work.
    pub progress: Option<RunProgress>,
    /// Once the run is finished.
    pub finished: Option<FinalTable>,
    /// The last event.
    pub last: Option<Event>,
    /// Where the current process, or the last one, stands: unlike the last of `steps`, which may come from before a
    /// kill.
    reached: u64,
    /// Logged steps since the last start, for rates.
    recent: Vec<StepReport>,
}

impl RunView {
    fn empty(folder: RunFolder) -> Self {
        Self {
            folder,
            settings: None,
            state: RunState::Absent,
            steps: Vec::new(),
            evaluations: Vec::new(),
            process: None,
            total_steps: 0,
            steps_per_epoch: 0,
            rows: None,
            started: None,
            progress: None,
            finished: None,
            last: None,
            reached: 0,
            recent: Vec::new(),
        }
    }

    /// Optimizer steps done.
    #[must_use]
    pub fn step(&self) -> u64 {
        match &self.progress {
            Some(progress) if progress.phase == Phase::Training => progress.done.max(self.reached),
            _ => self.reached,
        }
    }

    /// Share of the optimizer steps done, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        if self.total_steps == 0 { 0.0 } else { (self.step() as f64 / self.total_steps as f64).min(1.0) }
    }

    /// The evaluation with the lowest validation loss, the first of equals: that of the model in `best/`.
    #[must_use]
    pub fn best_evaluation(&self) -> Option<&(usize, u64, f64, Metrics)> {
        self.evaluations.iter().min_by(|left, right| left.2.total_cmp(&right.2).then(left.0.cmp(&right.0)))
    }

    /// Its epoch.
    #[must_use]
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_evaluation().map(|evaluation| evaluation.0)
    }

    /// Training examples a second over the last logged steps.
    #[must_use]
    pub fn examples_per_second(&self) -> Option<f64> {
        self.rate(|report| report.examples as f64)
    }

    /// Tokens a second, padding excluded, over the last logged steps.
    #[must_use]
    pub fn tokens_per_second(&self) -> Option<f64> {
        self.rate(|report| report.tokens as f64)
    }

    /// Time that the training steps left take at the speed of the last logged ones; evaluations come on top.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let last = self.recent.last()?;
        let first = self.recent.first()?;
        let before = self.steps_before(first);
        let seconds: f64 = self.recent.iter().map(|report| report.seconds).sum();
        let steps = last.step.checked_sub(before).filter(|&steps| steps > 0)?;
        let left = self.total_steps.saturating_sub(self.step());
        Duration::try_from_secs_f64(seconds / steps as f64 * left as f64).ok()
    }

    /// How long the process that took the run up last has been at it, up to `now` or its last event.
    #[must_use]
    pub fn elapsed(&self, now: jiff::Timestamp) -> Option<Duration> {
        let end = if self.state == RunState::Running { now } else { self.last.as_ref()?.time };
        end.duration_since(self.started?).try_into().ok()
    }

    fn rate(&self, count: impl Fn(&StepReport) -> f64) -> Option<f64> {
        let seconds: f64 = self.recent.iter().map(|report| report.seconds).sum();
        (seconds > 0.0).then(|| self.recent.iter().map(count).sum::<f64>() / seconds)
    }

    /// The step at which the report before `report` was made.
    fn steps_before(&self, report: &StepReport) -> u64 {
        let position = self.steps.partition_point(|other| other.step < report.step);
        position.checked_sub(1).map_or(0, |before| self.steps[before].step)
    }

    fn take(&mut self, event: Event) {
        match &event.kind {
            EventKind::Started { process, from_step, total_steps, steps_per_epoch, train_rows, validation_rows } => {
                self.process = Some(*process);
                self.total_steps = *total_steps;
                self.steps_per_epoch = *steps_per_epoch;
                self.rows = Some((*train_rows, *validation_rows));
                self.started = Some(event.time);
                self.reached = *from_step;
                self.recent.clear();
                self.finished = None;
            }
            EventKind::Step(report) => {
                self.reached = report.step;
                if self.recent.len() == RECENT {
                    self.recent.remove(0);
                }
                self.recent.push(*report);
                let position = self.steps.partition_point(|other| other.step < report.step);
                match self.steps.get_mut(position) {
                    Some(same) if same.step == report.step => *same = *report,
                    _ => self.steps.insert(position, *report),
                }
            }
            EventKind::Evaluated { epoch, step, loss, metrics } => {
                self.reached = *step;
                let evaluation = (*epoch, *step, *loss, *metrics);
                let position = self.evaluations.partition_point(|other| other.0 < *epoch);
                match self.evaluations.get_mut(position) {
                    Some(same) if same.0 == *epoch => *same = evaluation,
                    _ => self.evaluations.insert(position, evaluation),
                }
            }
            EventKind::Saved { step, .. } | EventKind::Stopped { step } => self.reached = *step,
            EventKind::Finished { step, best_epoch, threshold, validation, test } => {
                self.reached = *step;
                self.finished = Some(FinalTable {
                    best_epoch: *best_epoch,
                    threshold: *threshold,
                    validation: *validation,
                    test: *test,
                });
            }
            EventKind::Failed { .. } => {}
        }
        self.last = Some(event);
    }
}

/// Logged steps that rates are taken over.
const RECENT: usize = 5;

/// What a run with this last event is doing, given whether a process holds its lock.
pub(super) fn state_of(has_settings: bool, locked: bool, last: Option<&EventKind>) -> RunState {
    match last {
        // The process that wrote this may take a moment to leave.
        Some(EventKind::Finished { .. }) => RunState::Finished,
        _ if locked => RunState::Running,
        _ if !has_settings => RunState::Absent,
        Some(EventKind::Stopped { .. }) => RunState::Stopped,
        Some(EventKind::Failed { message }) => RunState::Failed(message.clone()),
        _ => RunState::Interrupted,
    }
}

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
            self.view = RunView { settings, ..RunView::empty(self.view.folder.clone()) };
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
    use crate::runs::events::EventWriter;
    use crate::runs::lock::RunLock;
    use crate::runs::settings::tests::sample;
    use std::io::Write;

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
