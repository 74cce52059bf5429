//! Ranking as one types: shortly after the last change, one at a time, and what came too late is dropped.

use super::input::{Entry, Inputs};
use super::model::LoadedModel;
use crate::app::job::Job;
use crate::checking::{CheckError, RankedCandidates, Reference};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Quiet time after the last change before scoring starts, in seconds.
const DEBOUNCE: f64 = 0.15;

/// A ranking with what it was made from.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    pub ranking: RankedCandidates,
    /// The candidates as they were sent; `Candidate::index` counts in this list.
    pub entries: Vec<Entry>,
    /// Where each of them stands among the page's candidates.
    pub positions: Vec<usize>,
    pub took: Duration,
}

/// The scoring of the page.
#[derive(Debug, Default)]
pub(super) struct Scoring {
    /// Counts the changes, so that a result can be told from a stale one.
    change: u64,
    /// When to start, in the context's time.
    due: Option<f64>,
    running: Option<(u64, Job<Ranked>)>,
    ranked: Option<(u64, Ranked)>,
    error: Option<String>,
}

impl Scoring {
    /// The sentence, a candidate or the model changed.
    pub(super) fn changed(&mut self, context: &egui::Context) {
        self.change += 1;
        self.due = Some(context.input(|input| input.time) + DEBOUNCE);
        self.error = None;
        if let Some((_, job)) = &self.running {
            job.cancel();
        }
        context.request_repaint_after(Duration::from_secs_f64(DEBOUNCE));
    }

    /// Takes a finished ranking in and starts the next one when it is due.
    pub(super) fn update(&mut self, context: &egui::Context, inputs: &Inputs, model: Option<&Arc<LoadedModel>>) {
        if let Some((change, job)) = &mut self.running
            && let Some(result) = job.poll()
        {
            let current = *change == self.change;
            match result {
                Ok(ranked) if current => self.ranked = Some((*change, ranked)),
                Err(message) if current => self.error = Some(message),
                _ => {}
            }
            self.running = None;
        }
        let Some(due) = self.due else { return };
        let positions = inputs.rankable();
        if inputs.sentence.trim().is_empty() || positions.is_empty() {
            self.due = None;
            self.ranked = None;
            return;
        }
        let now = context.input(|input| input.time);
        if now < due {
            context.request_repaint_after(Duration::from_secs_f64(due - now));
        } else if let (None, Some(model)) = (&self.running, model) {
            self.due = None;
            self.start(context, inputs, positions, Arc::clone(model));
        }
    }

    fn start(&mut self, context: &egui::Context, inputs: &Inputs, positions: Vec<usize>, model: Arc<LoadedModel>) {
        let sentence = inputs.sentence.clone();
        let entries: Vec<Entry> = positions.iter().map(|&position| inputs.candidates[position].clone()).collect();
        let job = Job::start(context, "check", move |progress| {
            let started = Instant::now();
            let references: Vec<Reference> = entries.iter().map(|entry| entry.reference.clone()).collect();
            let ranking = model.scorer.check(&sentence, &references, progress)?;
            Ok::<_, CheckError>(Ranked { ranking, entries, positions, took: started.elapsed() })
        });
        self.running = Some((self.change, job));
    }

    /// The last ranking, and whether it is of the inputs as they are now.
    pub(super) fn ranked(&self) -> Option<(&Ranked, bool)> {
        self.ranked.as_ref().map(|(change, ranked)| (ranked, *change == self.change))
    }

    /// Whether a ranking runs or is about to.
    pub(super) fn is_busy(&self) -> bool {
        self.due.is_some() || self.running.is_some()
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Pairs done and in all while scoring.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        self.running.as_ref().map(|(_, job)| job.progress().figures())
    }

    /// Stops the running ranking; the next change starts a new one.
    pub(super) fn cancel(&mut self) {
        self.due = None;
        self.change += 1;
        if let Some((_, job)) = &self.running {
            job.cancel();
        }
    }
}
