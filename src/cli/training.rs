//! What `train`, `resume` and `grid` share: options, the signals that stop them, and what they print.

use super::compute::ComputeArguments;
use super::output::thousands;
use crate::dataset::{Cleaning, SplitSettings};
use crate::evaluation::Metrics;
use crate::model::set_threads;
use crate::progress::Progress;
use crate::runs::{Event, EventKind, RunFolder, TrainRequest};
use crate::training::{Hyperparameters, Outcome};
use anyhow::Context;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Options of a training but for learning rate and epochs.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TrainingArguments {
    /// The labelled dataset, one JSON object a line.
    #[arg(value_name = "DATA")]
    dataset: PathBuf,
    /// The base model: a folder, a hub id such as `allenai/scibert_scivocab_uncased`, or `bundled`.
    #[arg(long, value_name = "MODEL")]
    pub(super) base: String,
    /// Pairs a batch.
    #[arg(long, default_value_t = Hyperparameters::default().batch_size)]
    batch_size: usize,
    /// Batches an optimizer step.
    #[arg(long, default_value_t = Hyperparameters::default().accumulation)]
    accumulation: usize,
    /// Tokens a pair at most.
    #[arg(long, default_value_t = Hyperparameters::default().max_length)]
    max_length: usize,
    /// Weight decay of everything but biases and `LayerNorm`.
    #[arg(long, default_value_t = Hyperparameters::default().weight_decay)]
    weight_decay: f64,
    /// Norm at which the gradient is clipped.
    #[arg(long, default_value_t = Hyperparameters::default().max_gradient_norm)]
    max_gradient_norm: f64,
    /// Seed of shuffling, dropout and a new classifier.
    #[arg(long, default_value_t = Hyperparameters::default().seed)]
    seed: u64,
    /// Steps between logged losses.
    #[arg(long, default_value_t = Hyperparameters::default().log_every)]
    log_every: usize,
    /// Keep rows that have a title but no text.
    #[arg(long)]
    keep_title_only: bool,
    /// Seed of the split by paper.
    #[arg(long, default_value_t = SplitSettings::default().seed)]
    split_seed: u32,
    /// Fraction of the papers to train on.
    #[arg(long, default_value_t = SplitSettings::default().train)]
    train: f64,
    /// Fraction of the papers to choose the epoch and the threshold with; the rest is for the test.
    #[arg(long, default_value_t = SplitSettings::default().validation)]
    validation: f64,
    #[command(flatten)]
    compute: ComputeArguments,
}

impl TrainingArguments {
    /// The request with this learning rate and this many epochs.
    pub(super) fn request(&self, learning_rate: f64, epochs: usize) -> TrainRequest {
        TrainRequest {
            dataset: self.dataset.clone(),
            base: self.base.clone(),
            hyperparameters: Hyperparameters {
                learning_rate,
                epochs,
                batch_size: self.batch_size,
                accumulation: self.accumulation,
                max_length: self.max_length,
                weight_decay: self.weight_decay,
                max_gradient_norm: self.max_gradient_norm,
                seed: self.seed,
                log_every: self.log_every,
            },
            split: SplitSettings { seed: self.split_seed, train: self.train, validation: self.validation },
            cleaning: Cleaning { keep_title_only: self.keep_title_only },
            device: self.compute.device,
            precision: self.compute.precision,
            threads: self.compute.threads.map(usize::from),
        }
    }

    /// Sets the number of threads; before anything else is done.
    pub(super) fn use_threads(&self) {
        set_threads(self.compute.threads.map(usize::from));
    }
}

/// Set by the first signal that asks the program to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C, SIGTERM and a closing terminal ask the training to checkpoint and stop; a second signal ends the
/// program at once, which a run survives as well.
pub(super) fn stop_on_signals() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        extern "C" fn stop(signal: libc::c_int) {
            if STOP.swap(true, Ordering::Relaxed) {
                // SAFETY: `_exit` is among the functions that a signal handler may call.
                unsafe { libc::_exit(128 + signal) };
            }
        }
        let stop: extern "C" fn(libc::c_int) = stop;
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: the handler does nothing but what a signal handler may: set an atomic and `_exit`.
            let previous = unsafe { libc::signal(signal, stop as libc::sighandler_t) };
            if previous == libc::SIG_ERR {
                return Err(std::io::Error::last_os_error()).context("cannot listen to signals");
            }
            if previous == libc::SIG_IGN && signal == libc::SIGHUP {
                // `nohup` asked for this signal to be ignored.
                // SAFETY: ignoring a signal installs no handler.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
        }
    }
    #[cfg(windows)]
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .context("cannot listen to Ctrl-C")?;
    Ok(())
}

/// What a training prints on standard error: a line an event, and on a terminal a line that moves with the steps.
#[derive(Debug)]
pub(super) struct TrainingOutput {
    terminal: bool,
    state: Mutex<OutputState>,
}

#[derive(Debug)]
struct OutputState {
    total_steps: u64,
    moved: Option<Instant>,
    /// The step at which this process began, and when.
    began: Option<(u64, Instant)>,
}

impl TrainingOutput {
    pub(super) fn new() -> Self {
        let state = OutputState { total_steps: 0, moved: None, began: None };
        Self { terminal: std::io::stderr().is_terminal(), state: Mutex::new(state) }
    }

    /// Prints a line.
    pub(super) fn line(&self, text: &str) {
        let start = if self.terminal { "\r\x1b[K" } else { "" };
        // A closed standard error is no reason to end a training, as a panic of `eprintln` would.
        writeln!(std::io::stderr(), "{start}{text}").ok();
    }

    /// Prints an event.
    pub(super) fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        if let EventKind::Started { from_step, total_steps, .. } = event.kind {
            state.total_steps = total_steps;
            state.began = Some((from_step, Instant::now()));
        }
        let left = |step: u64| {
            let (from, began) = state.began?;
            let done = step.checked_sub(from).filter(|&done| done > 0)?;
            Some(began.elapsed().mul_f64(state.total_steps.saturating_sub(step) as f64 / done as f64))
        };
        if let Some(text) = describe(&event.kind, state.total_steps, left) {
            self.line(&text);
        }
    }
}

impl Progress for TrainingOutput {
    fn report(&self, done: u64, total: u64) {
        if !self.terminal {
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        if state.moved.is_none_or(|moved| moved.elapsed() > Duration::from_millis(200)) {
            state.moved = Some(Instant::now());
            write!(std::io::stderr(), "\r\x1b[Kstep {} of {}", thousands(done as usize), thousands(total as usize))
                .ok();
        }
    }

    fn cancelled(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

/// A line for an event; None for those that nobody waits for.
fn describe(kind: &EventKind, total_steps: u64, left: impl Fn(u64) -> Option<Duration>) -> Option<String> {
    Some(match kind {
        EventKind::Started { from_step, total_steps, steps_per_epoch, train_rows, validation_rows, .. } => format!(
            "{} from step {} of {} ({} an epoch): {} training rows, {} validation rows",
            if *from_step == 0 { "starting" } else { "going on" },
            thousands(*from_step as usize),
            thousands(*total_steps as usize),
            thousands(*steps_per_epoch as usize),
            thousands(*train_rows),
            thousands(*validation_rows),
        ),
        EventKind::Step(report) => {
            let mut line = format!(
                "step {} of {} | epoch {:.2} | loss {:.4} | learning rate {:.2e} | gradient norm {:.2}",
                thousands(report.step as usize),
                thousands(total_steps as usize),
                report.epoch,
                report.loss,
                report.learning_rate,
                report.gradient_norm,
            );
            if report.seconds > 0.0 {
                let rate = |count: u64| count as f64 / report.seconds;
                // Writing to a string cannot fail.
                write!(line, " | {:.1} examples/s, {:.0} tokens/s", rate(report.examples), rate(report.tokens)).ok();
            }
            if let Some(left) = left(report.step) {
                write!(line, " | {} left", duration(left)).ok();
            }
            line
        }
        EventKind::Evaluated { epoch, loss, metrics, .. } => {
            format!("epoch {epoch} on validation | loss {loss:.4} | {}", figures(metrics))
        }
        EventKind::Saved { step, what } if what == "best" => {
            format!("saved the best model so far (step {})", thousands(*step as usize))
        }
        EventKind::Saved { .. } => return None,
        EventKind::Stopped { step } => format!("stopped at step {}", thousands(*step as usize)),
        EventKind::Finished { step, .. } => format!("finished after {} steps", thousands(*step as usize)),
        EventKind::Failed { message } => format!("failed: {message}"),
    })
}

fn figures(metrics: &Metrics) -> String {
    format!(
        "accuracy {:.3}, precision {:.3}, recall {:.3}, F1 {:.3}",
        metrics.accuracy, metrics.precision, metrics.recall, metrics.f1
    )
}

/// Prints how the run ended: the notebook's last table, or how to go on.
pub(super) fn print_end(folder: &RunFolder, outcome: Outcome) -> anyhow::Result<()> {
    if outcome == Outcome::Stopped {
        eprintln!("to go on: citelink resume {}", folder.path().display());
        return Ok(());
    }
    let events = crate::runs::read_events(&folder.events())?;
    let table = events.iter().rev().find_map(|event| final_table(&event.kind));
    let mut out = std::io::stdout().lock();
    if let Some(table) = table {
        write!(out, "{table}")?;
    }
    writeln!(out, "the model is in {}", folder.best().display())?;
    Ok(())
}

/// Validation and test at the best threshold.
fn final_table(kind: &EventKind) -> Option<String> {
    let EventKind::Finished { best_epoch, threshold, validation, test, .. } = kind else { return None };
    let mut table = format!("best epoch {best_epoch}, best threshold on validation {threshold:.3}\n");
    table.push_str("part        accuracy  precision  recall     F1\n");
    for (part, metrics) in [("validation", Some(validation)), ("test", test.as_ref())] {
        let row = match metrics {
            Some(metrics) => format!(
                "{part:<10}  {:>8.3}  {:>9.3}  {:>6.3}  {:>5.3}\n",
                metrics.accuracy, metrics.precision, metrics.recall, metrics.f1
            ),
            None => format!("{part:<10}  the split has no {part} part\n"),
        };
        table.push_str(&row);
    }
    Some(table)
}

/// A time to wait, in its two largest units.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let times = [5, 65, 3700, 90_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(times, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn the_last_table_has_a_line_for_each_part() {
        let metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };
        let kind = EventKind::Finished { step: 9, best_epoch: 2, threshold: 0.25, validation: metrics, test: None };
        let table = final_table(&kind).unwrap();
        assert_eq!(table.lines().count(), 4);
        assert!(table.lines().nth(2).unwrap().ends_with("0.400"));
        assert!(table.contains("no test part"));
    }
}
