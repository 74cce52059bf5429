//! The run on screen: what its folder says, and the curves that are drawn from it.

use super::figures::{evaluation_time, smooth};
use super::hardware::HardwareMonitor;
use super::watch::{Snapshot, Watch};
use crate::app::open::short_name;
use crate::runs::{RunFolder, RunState, RunView};
use crate::training::StepReport;
use egui_plot::PlotPoint;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the large plot shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chart {
    #[default]
    Loss,
    LearningRate,
    GradientNorm,
    Speed,
}

impl Chart {
    pub const ALL: [Self; 4] = [Self::Loss, Self::LearningRate, Self::GradientNorm, Self::Speed];

    /// On its tab.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::LearningRate => "Learning rate",
            Self::GradientNorm => "Gradient norm",
            Self::Speed => "Speed",
        }
    }
}

/// Points ready to draw.
#[derive(Debug, Default)]
pub struct Curves {
    pub loss: Vec<PlotPoint>,
    pub smoothed: Vec<PlotPoint>,
    pub validation: Vec<PlotPoint>,
    pub learning_rate: Vec<PlotPoint>,
    pub gradient_norm: Vec<PlotPoint>,
    /// Examples a second.
    pub speed: Vec<PlotPoint>,
}

impl Curves {
    fn of(view: &RunView, smoothing: f64) -> Self {
        let curve = |value: fn(&StepReport) -> f64| {
            view.steps.iter().map(|report| PlotPoint::new(report.step as f64, value(report))).collect::<Vec<_>>()
        };
        let losses = smooth(view.steps.iter().map(|report| report.loss), smoothing);
        let smoothed = view.steps.iter().zip(losses);
        let rate = |report: &StepReport| {
            if report.seconds > 0.0 { report.examples as f64 / report.seconds } else { f64::NAN }
        };
        Self {
            loss: curve(|report| report.loss),
            smoothed: smoothed.map(|(report, loss)| PlotPoint::new(report.step as f64, loss)).collect(),
            validation: view.evaluations.iter().map(|(_, step, loss, _)| PlotPoint::new(*step as f64, *loss)).collect(),
            learning_rate: curve(|report| report.learning_rate),
            gradient_norm: curve(|report| report.gradient_norm),
            speed: curve(rate),
        }
    }
}

/// A run that is followed.
#[derive(Debug)]
pub struct OpenRun {
    watch: Watch,
    pub name: String,
    pub snapshot: Option<Snapshot>,
    /// Why the folder cannot be read.
    pub problem: Option<String>,
    /// What the process that this window started said when it gave up without a word in the run itself.
    pub last_words: Option<String>,
    /// A resume was asked for and is not yet seen in the folder.
    pub resuming: bool,
    pub hardware: Option<HardwareMonitor>,
    pub chart: Chart,
    /// Weight of the past in the smoothed loss, 0 to 1.
    pub smoothing: f64,
    pub curves: Curves,
    pub log_shown: bool,
}

impl OpenRun {
    /// Follows the run in a folder, which may still be empty.
    pub fn open(context: &egui::Context, path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            watch: Watch::start(context, RunFolder::at(path))?,
            name: short_name(path),
            snapshot: None,
            problem: None,
            last_words: None,
            resuming: false,
            hardware: None,
            chart: Chart::Loss,
            smoothing: 0.8,
            curves: Curves::default(),
            log_shown: false,
        })
    }

    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        self.watch.folder()
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder().path().to_owned()
    }

    #[must_use]
    pub fn view(&self) -> Option<&RunView> {
        self.snapshot.as_ref().map(|snapshot| &*snapshot.view)
    }

    #[must_use]
    pub fn state(&self) -> Option<&RunState> {
        self.view().map(|view| &view.state)
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state() == Some(&RunState::Running)
    }

    /// Takes over what the thread has read; true where the run's state changed. The machine is watched while the run
    /// goes on and is `on_screen`.
    pub fn update(&mut self, context: &egui::Context, on_screen: bool) -> bool {
        let before = self.state().cloned();
        match self.watch.take() {
            Some(Ok(snapshot)) => {
                self.problem = None;
                self.curves = Curves::of(&snapshot.view, self.smoothing);
                if snapshot.view.state == RunState::Running {
                    self.last_words = None;
                    self.resuming = false;
                }
                self.snapshot = Some(snapshot);
            }
            Some(Err(failure)) => self.problem = Some(failure),
            None => {}
        }
        let process = self.view().and_then(|view| view.process);
        if !(on_screen && self.is_running()) {
            self.hardware = None;
        } else if self.hardware.as_ref().is_none_or(|monitor| monitor.process() != process) {
            self.hardware = HardwareMonitor::start(context, process)
                .inspect_err(|failure| tracing::warn!("the machine is not watched: {failure}"))
                .ok();
        }
        self.state() != before.as_ref()
    }

    /// Smooths the loss anew.
    pub fn set_smoothing(&mut self, smoothing: f64) {
        self.smoothing = smoothing;
        if let Some(snapshot) = &self.snapshot {
            self.curves = Curves::of(&snapshot.view, smoothing);
        }
    }

    /// Time left: the steps that remain and the evaluations of the epochs that remain, at the present speed.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let view = self.view()?;
        let epochs = view.settings.as_ref()?.request.hyperparameters.epochs;
        let evaluations = epochs.saturating_sub(view.evaluations.len());
        let rows = evaluations * view.rows.map_or(0, |(_, validation)| validation);
        Some(view.time_left()?.saturating_add(evaluation_time(rows, view.examples_per_second()?)))
    }

    /// The rows of a part, as `run.json` has them.
    #[must_use]
    pub fn rows_of(&self, part: &str) -> Option<u64> {
        self.view()?.settings.as_ref()?.parts.get(part)?.get("rows")?.as_u64()
    }
}
