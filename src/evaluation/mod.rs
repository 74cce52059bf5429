//! How good predictions are: metrics, the threshold sweep, curves, ranking, and the baselines to beat.

mod baselines;
mod curves;
mod intervals;
mod metrics;
mod predictions;
mod ranking;
mod sweep;

pub use baselines::{all_positive, word_overlap};
pub use curves::{CurvePoint, average_precision, precision_recall_curve, roc_auc, roc_curve};
pub use intervals::{Interval, bootstrap_by_group};
pub use metrics::{Confusion, Metrics};
pub use predictions::{Prediction, PredictionsError, probability_of, read_predictions, write_predictions};
pub use ranking::{Ranking, rank_groups};
pub use sweep::{Sweep, SweepPoint, linspace, standard_thresholds};
