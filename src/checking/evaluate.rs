//! A saved model measured on a labelled dataset, beside chance and the baselines.

use super::{CheckError, Scorer};
use crate::dataset::{Cleaning, Dataset, Label, Record, ReferenceBlock, clean, reference_block};
use crate::evaluation::{
    Confusion, Interval, Metrics, RankedGroup, Ranking, RankingIntervals, ThresholdAnalysis, bootstrap_figures,
    rank_each_group, ranking_intervals, word_overlap,
};
use crate::progress::Progress;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::hash::Hash;

/// Draws of papers behind each interval.
const RESAMPLES: usize = 1000;
/// Seed of these draws.
const RESAMPLING_SEED: u64 = 42;

/// The output of `citelink evaluate --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationReport {
    pub rows: usize,
    pub threshold: f64,
    #[serde(flatten)]
    pub metrics: Metrics,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub ranking: Ranking,
    pub baselines: Baselines,
    /// 95 % intervals by resampling papers.
    pub intervals: Intervals,
}

/// What simple methods reach on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Baselines {
    /// Calling every row a citation.
    pub all_positive: Baseline,
    /// The share of the sentence's content words that occur in the reference block. Its threshold is the one with the
    /// highest F1 on these very rows, which flatters it: a model that loses to it here may still be better, one that
    /// wins is.
    pub word_overlap: Baseline,
}

/// One simple method's figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Baseline {
    pub threshold: f64,
    #[serde(flatten)]
    pub metrics: Metrics,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub ranking: Ranking,
}

/// Where the model's figures lie, given that other papers could have been drawn; None where undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Intervals {
    pub accuracy: Option<Interval>,
    pub precision: Option<Interval>,
    pub recall: Option<Interval>,
    pub f1: Option<Interval>,
    pub roc_auc: Option<Interval>,
    pub average_precision: Option<Interval>,
    pub top1: Option<Interval>,
    pub mrr: Option<Interval>,
}

/// Scores the cleaned, labelled rows and measures them at `threshold` (the scorer's own by default). Progress in rows.
///
/// # Errors
/// See [`CheckError`].
pub fn evaluate(
    dataset: &Dataset,
    cleaning: Cleaning,
    scorer: &Scorer,
    threshold: Option<f64>,
    progress: &dyn Progress,
) -> Result<EvaluationReport, CheckError> {
    let rows = Rows::of(&dataset.records, cleaning)?;
    let scored = scorer.score(&rows.pairs, progress)?;
    let probabilities: Vec<f64> = scored.iter().map(|scored| scored.probability).collect();
    Ok(rows.report(&probabilities, threshold.unwrap_or_else(|| scorer.threshold())))
}

/// The rows to measure, with what groups them.
struct Rows<'a> {
    pairs: Vec<(&'a str, String)>,
    labels: Vec<bool>,
    /// Equal numbers for equal citing papers.
    papers: Vec<usize>,
    /// Equal numbers for equal (paper, sentence).
    sentences: Vec<usize>,
}

impl<'a> Rows<'a> {
    fn of(records: &'a [Record], cleaning: Cleaning) -> Result<Self, CheckError> {
        let kept: Vec<&Record> = clean(records, cleaning).into_iter().map(|row| &records[row]).collect();
        if kept.is_empty() {
            return Err(CheckError::NoRows);
        }
        let labels: Option<Vec<bool>> =
            kept.iter().map(|record| record.label.map(|label| label == Label::Citation)).collect();
        let sentence = |record: &'a Record| record.sentence.as_deref().unwrap_or_default();
        Ok(Self {
            labels: labels.ok_or(CheckError::Unlabelled)?,
            papers: numbered(kept.iter().map(|record| &record.original_paper_id)),
            sentences: numbered(kept.iter().map(|record| (&record.original_paper_id, sentence(record)))),
            pairs: kept.iter().map(|record| (sentence(record), reference_block(ReferenceBlock::of(record)))).collect(),
        })
    }

    fn report(&self, probabilities: &[f64], threshold: f64) -> EvaluationReport {
        let analysis = ThresholdAnalysis::new(&self.labels, probabilities);
        let ranked = rank_each_group(&self.sentences, &self.labels, probabilities);
        let overlaps: Vec<f64> = self.pairs.iter().map(|(sentence, block)| word_overlap(sentence, block)).collect();
        EvaluationReport {
            rows: self.labels.len(),
            threshold,
            metrics: analysis.metrics(threshold),
            roc_auc: analysis.roc_auc(),
            average_precision: analysis.average_precision(),
            ranking: Ranking::of(&ranked),
            baselines: Baselines {
                all_positive: self.baseline(&vec![1.0; self.labels.len()]),
                word_overlap: self.baseline(&overlaps),
            },
            intervals: self.intervals(probabilities, threshold, &ranked),
        }
    }

    /// The figures of a method at the threshold with the highest F1 on these rows.
    fn baseline(&self, scores: &[f64]) -> Baseline {
        let analysis = ThresholdAnalysis::new(&self.labels, scores);
        let best = analysis.best_f_beta(1.0).unwrap_or_else(|| analysis.point(0.0));
        Baseline {
            threshold: best.threshold,
            metrics: best.metrics,
            roc_auc: analysis.roc_auc(),
            average_precision: analysis.average_precision(),
            ranking: Ranking::of(&rank_each_group(&self.sentences, &self.labels, scores)),
        }
    }

    fn intervals(&self, probabilities: &[f64], threshold: f64, ranked: &[RankedGroup]) -> Intervals {
        let [accuracy, precision, recall, f1, roc_auc, average_precision] =
            bootstrap_figures(&self.papers, RESAMPLES, RESAMPLING_SEED, |rows| {
                let labels: Vec<bool> = rows.iter().map(|&row| self.labels[row]).collect();
                let drawn: Vec<f64> = rows.iter().map(|&row| probabilities[row]).collect();
                let metrics = Confusion::at(&labels, &drawn, threshold).metrics();
                let analysis = ThresholdAnalysis::new(&labels, &drawn);
                [
                    Some(metrics.accuracy),
                    Some(metrics.precision),
                    Some(metrics.recall),
                    Some(metrics.f1),
                    analysis.roc_auc(),
                    analysis.average_precision(),
                ]
            });
        let RankingIntervals { top1, mrr } =
            ranking_intervals(ranked, &self.sentences, &self.papers, RESAMPLES, RESAMPLING_SEED);
        Intervals { accuracy, precision, recall, f1, roc_auc, average_precision, top1, mrr }
    }
}

/// Numbers things in order of first appearance; equal things get equal numbers.
fn numbered<T: Eq + Hash>(things: impl Iterator<Item = T>) -> Vec<usize> {
    let mut numbers: HashMap<T, usize> = HashMap::new();
    things
        .map(|thing| {
            let next = numbers.len();
            *numbers.entry(thing).or_insert(next)
        })
        .collect()
}

/// A table for reading, the model beside the baselines.
impl Display for EvaluationReport {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (all, overlap) = (&self.baselines.all_positive, &self.baselines.word_overlap);
        let defined = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"));
        writeln!(
            formatter,
            "{} rows, threshold {}; {} sentences with both a true and a false candidate",
            self.rows, self.threshold, self.ranking.sentences
        )?;
        writeln!(
            formatter,
            "{:<18} {:>6} {:>16} {:>13} {:>12}",
            "", "model", "95 % interval", "all positive", "word overlap"
        )?;
        let interval = |interval: Option<Interval>| {
            interval.map_or_else(|| "-".to_owned(), |it| format!("[{:.3}, {:.3}]", it.low, it.high))
        };
        let own = &self.intervals;
        let (m, a, o) = (&self.metrics, &all.metrics, &overlap.metrics);
        let figures = [
            ("accuracy", Some(m.accuracy), own.accuracy, Some(a.accuracy), Some(o.accuracy)),
            ("precision", Some(m.precision), own.precision, Some(a.precision), Some(o.precision)),
            ("recall", Some(m.recall), own.recall, Some(a.recall), Some(o.recall)),
            ("F1", Some(m.f1), own.f1, Some(a.f1), Some(o.f1)),
            ("ROC AUC", self.roc_auc, own.roc_auc, all.roc_auc, overlap.roc_auc),
            (
                "average precision",
                self.average_precision,
                own.average_precision,
                all.average_precision,
                overlap.average_precision,
            ),
            ("top-1", Some(self.ranking.top1), own.top1, Some(all.ranking.top1), Some(overlap.ranking.top1)),
            ("MRR", Some(self.ranking.mrr), own.mrr, Some(all.ranking.mrr), Some(overlap.ranking.mrr)),
        ];
        for (name, model, spread, all, overlap) in figures {
            writeln!(
                formatter,
                "{name:<18} {:>6} {:>16} {:>13} {:>12}",
                defined(model),
                interval(spread),
                defined(all),
                defined(overlap)
            )?;
        }
        write!(
            formatter,
            "A random order reaches top-1 {:.3} and MRR {:.3}. Word overlap is cut at {:.3}, where its F1 on these rows is \
             highest.",
            self.ranking.chance_top1, self.ranking.chance_mrr, overlap.threshold
        )
    }
}
