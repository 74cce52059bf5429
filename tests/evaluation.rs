//! The evaluation room against NumPy and scikit-learn; `goldens/evaluation.py` makes the golden values.

use citelink::evaluation::{
    Confusion, CurvePoint, Metrics, Sweep, ThresholdAnalysis, brier_score, histogram, linspace, rank_groups,
    standard_thresholds,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What sums in another order, or a last division more, may differ by.
const ROUNDING: f64 = 1e-12;

fn goldens() -> Value {
    serde_json::from_str(include_str!("goldens/evaluation.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn counts(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|count| usize::try_from(count.as_u64().unwrap()).unwrap()).collect()
}

fn labels(value: &Value) -> Vec<bool> {
    counts(value).into_iter().map(|label| label == 1).collect()
}

fn assert_near(ours: f64, theirs: f64, what: &str) {
    assert!(ours == theirs || (ours - theirs).abs() <= ROUNDING, "{what}: {ours} where scikit-learn has {theirs}");
}

fn assert_curve(ours: &[CurvePoint], theirs: &[(f64, f64, f64)], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (ours, &(x, y, threshold)) in ours.iter().zip(theirs) {
        assert_eq!(ours.threshold, threshold, "{what}");
        assert_near(ours.x, x, what);
        assert_near(ours.y, y, what);
    }
}

fn points(curve: &Value, length: usize) -> Vec<(f64, f64, f64)> {
    let (x, y, thresholds) = (numbers(&curve["x"]), numbers(&curve["y"]), numbers(&curve["thresholds"]));
    (0..length).map(|position| (x[position], y[position], thresholds[position])).collect()
}

#[test]
fn linspace_is_numpys_bit_for_bit() {
    for case in goldens()["linspace"].as_array().unwrap() {
        let ours = linspace(number(&case["from"]), number(&case["to"]), case["count"].as_u64().unwrap() as usize);
        assert_eq!(ours.len() as u64, case["count"]);
        let bytes: Vec<u8> = ours.iter().flat_map(|number| number.to_le_bytes()).collect();
        let hash = Sha256::digest(&bytes)[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(hash, case["sha256"], "from {} to {}", case["from"], case["to"]);
    }
}

#[test]
fn sweeps_are_scikit_learns() {
    for case in goldens()["cases"].as_array().unwrap() {
        let (labels, probabilities) = (labels(&case["labels"]), numbers(&case["probabilities"]));
        let sweep = Sweep::over(&labels, &probabilities, &standard_thresholds());
        let theirs = case["sweep"].as_array().unwrap();
        assert_eq!(sweep.points.len(), theirs.len());
        for (ours, theirs) in sweep.points.iter().zip(theirs) {
            let theirs = numbers(theirs);
            let theirs = Metrics { accuracy: theirs[0], precision: theirs[1], recall: theirs[2], f1: theirs[3] };
            assert_eq!(ours.metrics, theirs, "{} at {}", case["name"], ours.threshold);
        }
        let best = usize::try_from(case["best"].as_u64().unwrap()).unwrap();
        assert_eq!(sweep.best, sweep.points[best], "{}", case["name"]);
        let at_half = Confusion::at(&labels, &probabilities, 0.5);
        for (beta, theirs) in case["f_beta"].as_object().unwrap() {
            assert_near(at_half.f_beta(beta.parse().unwrap()), number(theirs), "F-beta");
        }
    }
}

#[test]
fn curves_and_areas_are_scikit_learns() {
    for case in goldens()["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let analysis = ThresholdAnalysis::new(&labels(&case["labels"]), &numbers(&case["probabilities"]));
        match case.get("roc") {
            Some(curve) => {
                let length = curve["x"].as_array().unwrap().len();
                assert_curve(&analysis.roc_curve(), &points(curve, length), name);
                assert_near(analysis.roc_auc().unwrap(), number(&case["roc_auc"]), name);
            }
            None => assert_eq!((analysis.roc_auc(), analysis.roc_curve()), (None, Vec::new())),
        }
        match case.get("precision_recall") {
            Some(curve) => {
                // Theirs goes the other way and has a last point that no threshold gives.
                let length = curve["thresholds"].as_array().unwrap().len();
                let mut theirs = points(curve, length);
                theirs.reverse();
                assert_curve(&analysis.precision_recall_curve(), &theirs, name);
                assert_near(analysis.average_precision().unwrap(), number(&case["average_precision"]), name);
            }
            None => assert_eq!((analysis.average_precision(), analysis.precision_recall_curve()), (None, Vec::new())),
        }
    }
}

#[test]
fn histograms_and_brier_scores_are_numpys() {
    for case in goldens()["cases"].as_array().unwrap() {
        let (labels, probabilities) = (labels(&case["labels"]), numbers(&case["probabilities"]));
        let ours = histogram(&labels, &probabilities, 20);
        assert_eq!(ours.negatives, counts(&case["histogram"][0]), "{}", case["name"]);
        assert_eq!(ours.positives, counts(&case["histogram"][1]), "{}", case["name"]);
        assert_near(brier_score(&labels, &probabilities).unwrap(), number(&case["brier"]), "Brier score");
    }
}

#[test]
fn ranking_is_scipys_mean_ranks_and_its_chance_that_of_all_orders() {
    for case in goldens()["rankings"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let ours = rank_groups(&counts(&case["groups"]), &labels(&case["labels"]), &numbers(&case["scores"]));
        assert_eq!(ours.sentences as u64, case["sentences"].as_u64().unwrap(), "{name}");
        assert_near(ours.top1, number(&case["top1"]), name);
        assert_near(ours.mrr, number(&case["mrr"]), name);
        assert_near(ours.chance_top1, number(&case["chance_top1"]), name);
        assert_near(ours.chance_mrr, number(&case["chance_mrr"]), name);
    }
}
