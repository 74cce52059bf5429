//! One honest sentence on whether the model has learned anything.

use crate::evaluation::Interval;

/// Says how F1 at the chosen threshold compares with calling everything a citation.
pub(super) fn verdict(f1: f64, interval: Option<Interval>, all_positive: f64) -> String {
    let Some(Interval { low, high }) = interval else {
        let relation = if f1 > all_positive { "above" } else { "no better than" };
        return format!(
            "F1 {f1:.3}, {relation} {all_positive:.3}, what calling everything a citation reaches; how sure that is \
             cannot be said without papers to resample"
        );
    };
    let figures = format!("F1 {f1:.3} [{low:.2}, {high:.2}]");
    if low > all_positive {
        format!("{figures}: clearly above {all_positive:.3}, what calling everything a citation reaches")
    } else if high < all_positive {
        format!("{figures}: clearly below {all_positive:.3}, what calling everything a citation reaches")
    } else {
        format!("{figures}: the interval includes {all_positive:.3}, what calling everything a citation reaches")
    }
}

/// Says whether the order of the probabilities carries anything, whatever the threshold.
pub(super) fn order_verdict(roc_auc: f64, interval: Option<Interval>) -> String {
    let Some(Interval { low, high }) = interval else { return format!("ROC AUC {roc_auc:.3}; chance is 0.500") };
    let figures = format!("ROC AUC {roc_auc:.3} [{low:.2}, {high:.2}]");
    if low > 0.5 {
        format!("{figures}: the order of the probabilities is better than chance")
    } else if high < 0.5 {
        format!("{figures}: the order of the probabilities is worse than chance")
    } else {
        format!("{figures}: the order of the probabilities cannot be told from chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_does_not_flatter() {
        let interval = |low, high| Some(Interval { low, high });
        let includes = "F1 0.535 [0.48, 0.59]: the interval includes 0.495, what calling everything a citation reaches";
        assert_eq!(verdict(0.535, interval(0.48, 0.59), 0.495), includes);
        assert!(verdict(0.7, interval(0.65, 0.75), 0.495).contains("clearly above"));
        assert!(verdict(0.2, interval(0.15, 0.25), 0.495).contains("clearly below"));
        assert!(verdict(0.7, None, 0.495).contains("cannot be said"));
        assert!(order_verdict(0.52, interval(0.47, 0.57)).ends_with("cannot be told from chance"));
        assert!(order_verdict(0.62, interval(0.57, 0.67)).ends_with("better than chance"));
    }
}
