//! 95 % intervals of the figures, by resampling papers, off the frame.

use super::study::Study;
use crate::app::job::Job;
use crate::evaluation::{Confusion, Interval, ThresholdAnalysis, bootstrap_figures};
use crate::progress::Progress;
use std::sync::Arc;
use std::time::Duration;

/// Row draws that a set of intervals may cost: about a second of two cores.
const BUDGET: usize = 60_000_000;
/// Quiet time after the last move of the threshold before its intervals are computed, in seconds.
const DEBOUNCE: f64 = 0.25;
/// Any; the same one gives the same intervals.
pub(super) const SEED: u64 = 42;

/// How many resamples a file of this size gets.
pub(super) fn resamples(rows: usize) -> usize {
    (BUDGET / rows.max(1)).clamp(200, 1000)
}

/// Intervals that belong to a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AtThreshold {
    pub threshold: f64,
    pub accuracy: Option<Interval>,
    pub precision: Option<Interval>,
    pub recall: Option<Interval>,
    pub f1: Option<Interval>,
}

/// Intervals that belong to no threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Areas {
    pub roc_auc: Option<Interval>,
    pub average_precision: Option<Interval>,
}

/// The intervals of one part, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    at: Option<AtThreshold>,
    areas: Option<Areas>,
    due: Option<(f64, f64)>,
    computing: Option<Job<AtThreshold>>,
    computing_areas: Option<Job<Areas>>,
}

impl Intervals {
    /// The threshold moved.
    pub(super) fn moved(&mut self, threshold: f64, context: &egui::Context) {
        self.due = Some((context.input(|input| input.time) + DEBOUNCE, threshold));
        context.request_repaint_after(Duration::from_secs_f64(DEBOUNCE));
    }

    /// Starts the areas of a study that was just opened.
    pub(super) fn start(&mut self, study: &Arc<Study>, context: &egui::Context) {
        let study = Arc::clone(study);
        if study.origins.is_some() {
            self.computing_areas = Some(Job::start(context, "intervals", move |progress| areas(&study, progress)));
        }
    }

    pub(super) fn update(&mut self, study: &Arc<Study>, context: &egui::Context) {
        if let Some(result) = self.computing_areas.as_mut().and_then(Job::poll) {
            self.computing_areas = None;
            self.areas = result.ok();
        }
        if let Some(result) = self.computing.as_mut().and_then(Job::poll) {
            self.computing = None;
            self.at = result.ok().or(self.at);
        }
        let Some((due, threshold)) = self.due else { return };
        let now = context.input(|input| input.time);
        if now < due {
            context.request_repaint_after(Duration::from_secs_f64(due - now));
        } else if self.computing.is_none() && study.origins.is_some() {
            self.due = None;
            let study = Arc::clone(study);
            let job = Job::start(context, "intervals", move |progress| at_threshold(&study, threshold, progress));
            self.computing = Some(job);
        }
    }

    /// The intervals at exactly this threshold.
    pub(super) fn at(&self, threshold: f64) -> Option<AtThreshold> {
        self.at.filter(|at| at.threshold == threshold)
    }

    pub(super) fn areas(&self) -> Option<Areas> {
        self.areas
    }
}

fn at_threshold(study: &Study, threshold: f64, progress: &dyn Progress) -> Result<AtThreshold, &'static str> {
    let Some(origins) = &study.origins else { return Err("the file names no papers") };
    // A row's decision does not change between resamples: only the counts do.
    let decided: Vec<bool> = study.probabilities.iter().map(|&probability| probability >= threshold).collect();
    let [accuracy, precision, recall, f1] =
        bootstrap_figures(&origins.papers, resamples(study.labels.len()), SEED, |rows| {
            if progress.cancelled() {
                return [None; 4];
            }
            let mut counts = Confusion::default();
            for &row in rows {
                *match (study.labels[row], decided[row]) {
                    (true, true) => &mut counts.true_positive,
                    (true, false) => &mut counts.false_negative,
                    (false, true) => &mut counts.false_positive,
                    (false, false) => &mut counts.true_negative,
                } += 1;
            }
            let metrics = counts.metrics();
            [metrics.accuracy, metrics.precision, metrics.recall, metrics.f1].map(Some)
        });
    if progress.cancelled() { Err("cancelled") } else { Ok(AtThreshold { threshold, accuracy, precision, recall, f1 }) }
}

fn areas(study: &Study, progress: &dyn Progress) -> Result<Areas, &'static str> {
    let Some(origins) = &study.origins else { return Err("the file names no papers") };
    // Sorting costs more than counting.
    let draws = (resamples(study.labels.len()) / 2).max(200);
    let [roc_auc, average_precision] = bootstrap_figures(&origins.papers, draws, SEED, |rows| {
        if progress.cancelled() {
            return [None; 2];
        }
        let labels: Vec<bool> = rows.iter().map(|&row| study.labels[row]).collect();
        let probabilities: Vec<f64> = rows.iter().map(|&row| study.probabilities[row]).collect();
        let analysis = ThresholdAnalysis::new(&labels, &probabilities);
        [analysis.roc_auc(), analysis.average_precision()]
    });
    if progress.cancelled() { Err("cancelled") } else { Ok(Areas { roc_auc, average_precision }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pages::threshold::study::Origins;
    use crate::progress::Unwatched;
    use std::path::Path;

    #[test]
    fn intervals_hold_their_figures() {
        let rows = 400;
        let labels: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
        let probabilities: Vec<f64> = (0..rows)
            .map(|row| if row % 3 == 0 { 0.3 } else { 0.2 } + f64::from((row * 37 % 101) as u32) / 200.0)
            .collect();
        let origins =
            Origins { rows: (0..rows).collect(), papers: (0..rows).map(|row| row / 5).collect(), paper_count: 80 };
        let study = Study::of(Path::new("p.csv"), labels, probabilities, Some(origins));
        let at = at_threshold(&study, 0.4, &Unwatched).unwrap();
        let (f1, interval) = (study.analysis.metrics(0.4).f1, at.f1.unwrap());
        assert!(interval.low < f1 && f1 < interval.high && interval.high - interval.low < 0.2, "{f1} {interval:?}");
        let auc = areas(&study, &Unwatched).unwrap().roc_auc.unwrap();
        assert!(auc.low < study.roc_auc.unwrap() && study.roc_auc.unwrap() < auc.high);
    }
}
