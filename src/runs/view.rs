//! A run as its folder shows it: what its events add up to, and what follows for whoever watches.

use super::progress::{Phase, RunProgress};
use super::{Event, EventKind, RunFolder, RunSettings};
use crate::evaluation::Metrics;
use crate::training::StepReport;
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
    /// Of a folder that nothing is known of yet.
    pub(super) fn empty(folder: RunFolder) -> Self {
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

    /// Takes in the next event.
    pub(super) fn take(&mut self, event: Event) {
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
