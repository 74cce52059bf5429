//! Figures that need the dataset's texts: word overlap, and ranking within a sentence.

use super::intervals::{SEED, resamples};
use super::study::Study;
use crate::dataset::{Dataset, DatasetError, ReferenceBlock, reference_block};
use crate::evaluation::{
    Metrics, Ranking, RankingIntervals, ThresholdAnalysis, rank_each_group, rank_groups, ranking_intervals,
    standard_thresholds, word_overlap,
};
use crate::progress::Progress;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What the texts add to one part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextFigures {
    /// The model's ranking.
    pub ranking: Ranking,
    pub ranking_intervals: RankingIntervals,
    /// Word overlap at the threshold that validation chooses for it.
    pub overlap: Metrics,
    pub overlap_threshold: f64,
    pub overlap_roc_auc: Option<f64>,
    pub overlap_average_precision: Option<f64>,
    pub overlap_ranking: Ranking,
}

/// What the texts add to validation and test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Texts {
    pub validation: TextFigures,
    pub test: Option<TextFigures>,
}

/// Why the texts are not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum TextsError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("{path} has changed since the run")]
    Changed { path: PathBuf },
    #[error("{path} has no row {row}, which the predictions name")]
    MissingRow { path: PathBuf, row: usize },
    #[error("the predictions do not say which rows of a dataset they are of")]
    NoRows,
    #[error("cancelled")]
    Cancelled,
}

/// Where the texts come from.
#[derive(Debug, Clone)]
pub(super) enum TextSource {
    /// Loaded already.
    Loaded(Arc<Dataset>),
    /// A run's dataset, with the SHA-256 it had then.
    File { path: PathBuf, sha256: String },
}

/// Computes them (progress in bytes while the dataset is read, then in rows).
pub(super) fn compute(
    source: &TextSource,
    validation: &Study,
    test: Option<&Study>,
    progress: &dyn Progress,
) -> Result<Texts, TextsError> {
    let dataset = match source {
        TextSource::Loaded(dataset) => Arc::clone(dataset),
        TextSource::File { path, sha256 } => {
            let dataset = Dataset::read(path, progress)?;
            if dataset.sha256 != *sha256 {
                return Err(TextsError::Changed { path: path.clone() });
            }
            Arc::new(dataset)
        }
    };
    let of_validation = overlaps(&dataset, validation, progress)?;
    let best = ThresholdAnalysis::new(&validation.labels, &of_validation.scores).sweep(&standard_thresholds()).best;
    let test = match test {
        Some(test) => Some(overlaps(&dataset, test, progress)?.figures(test, best.threshold)),
        None => None,
    };
    Ok(Texts { validation: of_validation.figures(validation, best.threshold), test })
}

/// The word overlap of each row, and which rows share a sentence and a paper.
struct Overlaps {
    scores: Vec<f64>,
    sentences: Vec<usize>,
    papers: Vec<usize>,
}

impl Overlaps {
    fn figures(&self, study: &Study, threshold: f64) -> TextFigures {
        let analysis = ThresholdAnalysis::new(&study.labels, &self.scores);
        let ranked = rank_each_group(&self.sentences, &study.labels, &study.probabilities);
        TextFigures {
            ranking: Ranking::of(&ranked),
            ranking_intervals: ranking_intervals(
                &ranked,
                &self.sentences,
                &self.papers,
                resamples(study.labels.len()),
                SEED,
            ),
            overlap: analysis.metrics(threshold),
            overlap_threshold: threshold,
            overlap_roc_auc: analysis.roc_auc(),
            overlap_average_precision: analysis.average_precision(),
            overlap_ranking: rank_groups(&self.sentences, &study.labels, &self.scores),
        }
    }
}

fn overlaps(dataset: &Dataset, study: &Study, progress: &dyn Progress) -> Result<Overlaps, TextsError> {
    let origins = study.origins.as_ref().ok_or(TextsError::NoRows)?;
    if let Some(&row) = origins.rows.iter().find(|&&row| row >= dataset.records.len()) {
        return Err(TextsError::MissingRow { path: dataset.path.clone(), row });
    }
    let records = || origins.rows.iter().map(|&row| &dataset.records[row]);
    let mut numbers: HashMap<(usize, Option<&str>), usize> = HashMap::new();
    let sentences = records()
        .zip(&origins.papers)
        .map(|(record, &paper)| {
            let next = numbers.len();
            *numbers.entry((paper, record.sentence.as_deref())).or_insert(next)
        })
        .collect();
    let mut scores = Vec::with_capacity(origins.rows.len());
    for rows in origins.rows.chunks(4096) {
        if progress.cancelled() {
            return Err(TextsError::Cancelled);
        }
        progress.report(scores.len() as u64, origins.rows.len() as u64);
        scores.par_extend(rows.par_iter().map(|&row| {
            let record = &dataset.records[row];
            let block = reference_block(ReferenceBlock::of(record));
            word_overlap(record.sentence.as_deref().unwrap_or_default(), &block)
        }));
    }
    Ok(Overlaps { scores, sentences, papers: origins.papers.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pages::threshold::study::Origins;
    use crate::app::pages::threshold::tables::{PartFigures, figures_text};
    use crate::progress::Unwatched;
    use std::fmt::Write;
    use std::path::Path;

    #[test]
    fn ranking_stands_between_its_interval_and_chance() {
        // Forty papers of one sentence each with three candidates, one of them true and mostly first.
        let mut lines = String::new();
        for row in 0..120 {
            let (paper, label) = (row / 3, u8::from(row % 3 == 0));
            writeln!(
                lines,
                r#"{{"original_paper_id": {paper}, "sentence": "A claim", "ref_paper_id": {row}, "ref_paper_title": "Title", "ref_paper_authors": "", "ref_paper_text": "Text", "label": {label}}}"#
            )
            .unwrap();
        }
        let dataset = Dataset::from_bytes(Path::new("pairs.jsonl"), lines.as_bytes()).unwrap();
        let labels: Vec<bool> = (0..120).map(|row| row % 3 == 0).collect();
        let probabilities: Vec<f64> =
            (0..120).map(|row| if (row % 3 == 0) == (row / 3 % 4 > 0) { 0.9 } else { 0.2 }).collect();
        let origins =
            Origins { rows: (0..120).collect(), papers: (0..120).map(|row| row / 3).collect(), paper_count: 40 };
        let study = Study::of(Path::new("p.csv"), labels, probabilities, Some(origins));
        let source = TextSource::Loaded(Arc::new(dataset));
        let texts = compute(&source, &study, None, &Unwatched).unwrap().validation;
        assert_eq!((texts.ranking.sentences, texts.ranking.top1), (40, 0.75));
        let RankingIntervals { top1, mrr } = texts.ranking_intervals;
        for (figure, interval) in [(0.75, top1.unwrap()), (texts.ranking.mrr, mrr.unwrap())] {
            assert!(0.5 < interval.low && interval.low < figure && figure < interval.high, "{figure} {interval:?}");
        }
        let part = PartFigures {
            part: "Validation",
            study: &study,
            metrics: study.analysis.metrics(0.5),
            at: None,
            areas: None,
            texts: Some(&texts),
        };
        let shown = figures_text(&[part], 0.5, "");
        // (1 + 1/2 + 1/3) / 3
        assert!(shown.contains("0.611"), "{shown}");
        let mrr = mrr.unwrap();
        assert!(shown.contains(&format!("[{:.2}, {:.2}]", mrr.low, mrr.high)), "{shown}");
    }
}
