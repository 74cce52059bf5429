//! One part's predictions with everything that does not depend on the threshold, computed once.

use crate::evaluation::{
    CurvePoint, Histogram, Metrics, PredictionsError, Sweep, ThresholdAnalysis, all_positive, histogram, linspace,
    read_prediction_rows, read_predictions, standard_thresholds,
};
use egui_plot::PlotPoint;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Bars of the histogram.
const BINS: usize = 25;
/// Points that are drawn of a curve at most: more cannot be told apart, and cost time each frame.
const DRAWN: usize = 500;

/// Which rows and papers the predictions are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    /// Position of each row among the dataset's records.
    pub rows: Vec<usize>,
    /// The number of each row's citing paper; equal numbers are one paper.
    pub papers: Vec<usize>,
    pub paper_count: usize,
}

/// A curve as it is drawn, with the threshold of each point.
#[derive(Debug, Clone)]
pub(super) struct DrawnCurve {
    pub points: Vec<PlotPoint>,
    pub thresholds: Vec<f64>,
}

/// The four metrics against the threshold.
#[derive(Debug, Clone)]
pub(super) struct DrawnMetrics {
    pub precision: Vec<PlotPoint>,
    pub recall: Vec<PlotPoint>,
    pub f1: Vec<PlotPoint>,
    pub accuracy: Vec<PlotPoint>,
}

/// The predictions of one part.
#[derive(Debug, Clone)]
pub(super) struct Study {
    pub path: PathBuf,
    pub labels: Vec<bool>,
    pub probabilities: Vec<f64>,
    /// None for a file that names no papers.
    pub origins: Option<Origins>,
    pub analysis: ThresholdAnalysis,
    /// The 33 points.
    pub sweep: Sweep,
    pub all_positive: Metrics,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub histogram: Histogram,
    pub metrics: DrawnMetrics,
    pub roc: DrawnCurve,
    pub precision_recall: DrawnCurve,
}

impl Study {
    /// Reads a predictions file; its papers are known only where it has all columns of a run's file.
    pub(super) fn read(path: &Path) -> Result<Self, PredictionsError> {
        match read_prediction_rows(path) {
            Ok(predictions) if predictions.is_empty() => Err(PredictionsError::Empty { path: path.to_owned() }),
            Ok(predictions) => {
                let mut numbers: HashMap<&str, usize> = HashMap::new();
                let papers = predictions
                    .iter()
                    .map(|prediction| {
                        let next = numbers.len();
                        *numbers.entry(&prediction.original_paper_id).or_insert(next)
                    })
                    .collect();
                let paper_count = numbers.len();
                let rows = predictions.iter().map(|prediction| prediction.row).collect();
                let labels = predictions.iter().map(|prediction| prediction.label == 1).collect();
                let probabilities = predictions.iter().map(|prediction| prediction.probability).collect();
                Ok(Self::of(path, labels, probabilities, Some(Origins { rows, papers, paper_count })))
            }
            Err(PredictionsError::MissingColumn { .. }) => {
                let (labels, probabilities) = read_predictions(path)?;
                Ok(Self::of(path, labels, probabilities, None))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Computes everything that no threshold changes.
    pub(super) fn of(path: &Path, labels: Vec<bool>, probabilities: Vec<f64>, origins: Option<Origins>) -> Self {
        let analysis = ThresholdAnalysis::new(&labels, &probabilities);
        Self {
            path: path.to_owned(),
            sweep: analysis.sweep(&standard_thresholds()),
            all_positive: all_positive(&labels),
            roc_auc: analysis.roc_auc(),
            average_precision: analysis.average_precision(),
            histogram: histogram(&labels, &probabilities, BINS),
            metrics: draw_metrics(&analysis),
            roc: draw_curve(&analysis.roc_curve()),
            precision_recall: draw_curve(&analysis.precision_recall_curve()),
            analysis,
            labels,
            probabilities,
            origins,
        }
    }

    /// The share of rows that are citations.
    pub(super) fn positive_share(&self) -> f64 {
        self.analysis.positives() as f64 / self.analysis.rows() as f64
    }
}

impl DrawnCurve {
    /// The threshold of the drawn point nearest to a place in the plot; None where no point has one.
    pub(super) fn nearest_threshold(&self, place: PlotPoint) -> Option<f64> {
        let distance = |point: &PlotPoint| (point.x - place.x).powi(2) + (point.y - place.y).powi(2);
        self.points
            .iter()
            .zip(&self.thresholds)
            .filter(|(_, threshold)| threshold.is_finite())
            .min_by(|one, other| distance(one.0).total_cmp(&distance(other.0)))
            .map(|(_, &threshold)| threshold)
    }
}

/// The metrics at distinct probabilities (spread evenly over the rows where there are many) and on an even grid, so that
/// neither a crowd of probabilities nor an empty stretch is drawn coarsely.
fn draw_metrics(analysis: &ThresholdAnalysis) -> DrawnMetrics {
    let distinct = analysis.distinct();
    let mut thresholds = linspace(0.0, 1.0, 101);
    let step = distinct.len().div_ceil(DRAWN).max(1);
    // Just above a probability its row is no longer called a citation: the curves are stairs.
    thresholds.extend(distinct.iter().step_by(step).flat_map(|&probability| [probability, probability.next_up()]));
    thresholds.retain(|threshold| (0.0..=1.0).contains(threshold));
    thresholds.sort_unstable_by(f64::total_cmp);
    thresholds.dedup();
    let points: Vec<_> = thresholds.iter().map(|&threshold| analysis.point(threshold)).collect();
    let curve = |of: fn(&Metrics) -> f64| {
        points.iter().map(|point| PlotPoint::new(point.threshold, of(&point.metrics))).collect()
    };
    DrawnMetrics {
        precision: curve(|metrics| metrics.precision),
        recall: curve(|metrics| metrics.recall),
        f1: curve(|metrics| metrics.f1),
        accuracy: curve(|metrics| metrics.accuracy),
    }
}

fn draw_curve(curve: &[CurvePoint]) -> DrawnCurve {
    let step = curve.len().div_ceil(DRAWN).max(1);
    let last = curve.len().saturating_sub(1);
    let kept = curve.iter().enumerate().filter(|(place, _)| place % step == 0 || *place == last);
    let (points, thresholds) = kept.map(|(_, point)| (PlotPoint::new(point.x, point.y), point.threshold)).unzip();
    DrawnCurve { points, thresholds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_drawn_with_few_points() {
        let labels: Vec<bool> = (0..20_000).map(|row| row % 3 == 0).collect();
        let probabilities: Vec<f64> = (0..20_000).map(|row| f64::from(row) / 20_000.0).collect();
        let study = Study::of(Path::new("p.csv"), labels, probabilities, None);
        assert!(study.metrics.f1.len() <= 2 * DRAWN + 101, "{}", study.metrics.f1.len());
        assert!(study.roc.points.len() <= DRAWN + 1);
        assert_eq!(study.roc.points.last().map(|point| (point.x, point.y)), Some((1.0, 1.0)));
    }

    #[test]
    fn a_file_without_papers_has_no_origins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        std::fs::write(&path, "label,probability\n1,0.9\n0,0.2\n").unwrap();
        assert!(Study::read(&path).unwrap().origins.is_none());
        let full = "row,original_paper_id,ref_paper_id,label,logit_0,logit_1,probability\n\
                    4,a,x,1,0,1,0.73\n5,b,y,0,0,1,0.73\n9,a,z,0,1,0,0.27\n";
        std::fs::write(&path, full).unwrap();
        let origins = Study::read(&path).unwrap().origins.unwrap();
        assert_eq!(origins, Origins { rows: vec![4, 5, 9], papers: vec![0, 1, 0], paper_count: 2 });
    }

    #[test]
    fn a_place_on_a_curve_gives_its_threshold() {
        let study = Study::of(Path::new("p.csv"), vec![true, false, true], vec![0.9, 0.5, 0.2], None);
        assert_eq!(study.roc.nearest_threshold(PlotPoint::new(0.95, 0.98)), Some(0.2));
        assert_eq!(study.roc.nearest_threshold(PlotPoint::new(0.0, 0.45)), Some(0.9));
    }
}
