//! How good predictions are: metrics, the threshold sweep, curves, ranking, and the baselines to beat.
//!
//! A prediction is a label (`true` is class 1, a citation) and the probability of class 1; a row is called a citation
//! where `probability ≥ threshold`. [`ThresholdAnalysis`] sorts predictions once and then answers for any threshold.

mod analysis;
mod baselines;
mod calibration;
mod curves;
mod intervals;
mod metrics;
mod predictions;
mod ranking;
mod stop_words;
mod sweep;

pub use analysis::ThresholdAnalysis;
pub use baselines::{all_positive, word_overlap};
pub use calibration::{Histogram, ReliabilityBin, brier_score, histogram, reliability};
pub use curves::{CurvePoint, average_precision, precision_recall_curve, roc_auc, roc_curve};
pub use intervals::{Interval, bootstrap_by_group, bootstrap_figures};
pub use metrics::{Confusion, Metrics};
pub use predictions::{
    Prediction, PredictionsError, probability_of, read_prediction_rows, read_predictions, write_predictions,
};
pub use ranking::{RankedGroup, Ranking, RankingIntervals, rank_each_group, rank_groups, ranking_intervals};
pub use sweep::{Sweep, SweepPoint, linspace, standard_thresholds};
