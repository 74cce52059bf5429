//! The Threshold page: dragging the line, choosing, saving, and files that are no predictions.

use crate::harness::{Window, processor_time};
use citelink::app::command::Command;
use citelink::evaluation::{
    Confusion, Prediction, ThresholdAnalysis, probability_of, read_predictions, write_predictions,
};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use std::path::{Path, PathBuf};

const LINE: &str = "Threshold line";

/// A finished run of 200 rows in 40 papers, as far as this page needs it.
fn run_folder(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    let best = run.join("best");
    std::fs::create_dir_all(&best).unwrap();
    std::fs::write(run.join("run.json"), "{}").unwrap();
    std::fs::write(best.join("config.json"), "{}").unwrap();
    std::fs::write(best.join("inference_config.json"), r#"{"threshold": 0.25, "batch_size": 8, "note": "kept"}"#)
        .unwrap();
    for (part, shift) in [("validation", 0), ("test", 13)] {
        let predictions: Vec<Prediction> = (0..200_u16)
            .map(|row| {
                let label = row % 3 == 0;
                let noise = f32::from((row * 37 + shift) % 101) / 25.0 - 2.0;
                let logit = noise + if label { 0.8 } else { 0.0 };
                Prediction {
                    row: usize::from(row),
                    original_paper_id: format!("paper {}", row / 5),
                    ref_paper_id: row.to_string(),
                    label: u8::from(label),
                    logit_0: 0.0,
                    logit_1: logit,
                    probability: probability_of([0.0, logit]),
                }
            })
            .collect();
        write_predictions(&run.join(format!("{part}.csv")), &predictions).unwrap();
    }
    run
}

fn open(run: &Path) -> Window {
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::ShowThreshold(run.to_owned()));
    window.wait_for("95 % intervals by drawing", 20);
    window.wait_for("F1 0.", 20);
    window
}

fn threshold(window: &Window) -> f64 {
    window.harness.get_by_label(LINE).accesskit_node().numeric_value().unwrap()
}

/// The counts and F1 on screen are those of the threshold on screen.
fn figures_follow(window: &mut Window, run: &Path) {
    let (labels, probabilities) = read_predictions(&run.join("validation.csv")).unwrap();
    let at = threshold(window);
    let counts = Confusion::at(&labels, &probabilities, at);
    let texts = window.texts();
    for count in [counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative] {
        assert!(texts.contains(&count.to_string()), "{count} at {at} in {texts:?}");
    }
    let f1 = format!("{:.3}", counts.metrics().f1);
    assert!(texts.contains(&f1), "F1 {f1} at {at} in {texts:?}");
}

#[test]
fn the_line_is_dragged_and_the_threshold_saved() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_folder(folder.path());
    let mut window = open(&run);
    assert_eq!(threshold(&window), 0.25);
    figures_follow(&mut window, &run);

    let from = window.harness.get_by_label(LINE).rect().center();
    window.harness.drag_at(from);
    window.steps(2);
    for step in 1..=5_u8 {
        window.harness.hover_at(from + egui::vec2(f32::from(step) * 20.0, 0.0));
        window.steps(2);
        figures_follow(&mut window, &run);
    }
    window.harness.drop_at(from + egui::vec2(100.0, 0.0));
    window.steps(2);
    let dragged = threshold(&window);
    assert!((0.4..0.7).contains(&dragged), "{dragged}");

    for _ in 0..4 {
        window.press(Modifiers::NONE, Key::ArrowRight);
    }
    let moved = threshold(&window);
    assert!((moved - dragged - 0.02).abs() < 1e-9, "{dragged} {moved}");
    figures_follow(&mut window, &run);
    window.press(Modifiers::SHIFT, Key::ArrowLeft);
    let (_, probabilities) = read_predictions(&run.join("validation.csv")).unwrap();
    let stepped = threshold(&window);
    assert!(stepped < moved && probabilities.contains(&stepped), "{stepped}");

    window.click("Save threshold");
    window.wait_for("The threshold was saved in", 10);
    let saved = std::fs::read(run.join("best/inference_config.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(saved["threshold"].as_f64(), Some(stepped));
    assert_eq!((saved["note"].as_str(), saved["batch_size"].as_u64()), (Some("kept"), Some(8)));
}

#[test]
fn a_threshold_is_chosen_by_recall_f_beta_and_f1() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_folder(folder.path());
    let mut window = open(&run);
    let (labels, probabilities) = read_predictions(&run.join("validation.csv")).unwrap();
    let analysis = ThresholdAnalysis::new(&labels, &probabilities);
    window.click("Recall of at least");
    assert_eq!(Some(threshold(&window)), analysis.highest_with_recall(0.9).map(|point| point.threshold));
    figures_follow(&mut window, &run);
    window.click("Highest F-beta, beta");
    assert_eq!(Some(threshold(&window)), analysis.best_f_beta(2.0).map(|point| point.threshold));
    window.click("Highest F1");
    let best = analysis.sweep(&citelink::evaluation::standard_thresholds()).best;
    assert_eq!(threshold(&window), best.threshold);
    figures_follow(&mut window, &run);
}

#[test]
fn the_test_part_is_shown_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(&run_folder(folder.path()));
    assert!(!window.texts().iter().any(|text| text == "Test"));
    window.click("Show the test part");
    window.wait("the test part", 10, |window| window.texts().iter().any(|text| text == "Test"));
    assert!(window.shows("Choose on validation alone"));
}

#[test]
fn a_file_without_probabilities_is_explained_and_the_page_stays_usable() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_folder(folder.path());
    let file = folder.path().join("scores.csv");
    std::fs::write(&file, "label,score\n1,0.5\n").unwrap();
    let mut window = Window::open(&[]);
    window.steps(3);
    window.drop_path(&file);
    window.wait_for("has no column named probability but label, score", 10);
    window.drop_path(&run.join("validation.csv"));
    window.wait_for("200 rows, 40 papers", 10);
}

#[test]
fn a_folder_that_cannot_take_the_threshold_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_folder(folder.path());
    let mut window = open(&run);
    window.click("Recall of at least");
    std::fs::remove_dir_all(run.join("best")).unwrap();
    window.click("Save threshold");
    window.wait_for("The threshold was not saved", 10);
    assert!(window.errors()[0].contains("best"), "{:?}", window.errors());
}

#[test]
fn the_sample_is_scored_with_the_bundled_model() {
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::ScoreWithBundled);
    window.wait_for("ranking counts the", 60);
    assert!(window.shows("calling everything a citation reaches"));
    assert!(window.errors().is_empty(), "{:?}", window.errors());
}

/// `cargo test --test window -- --ignored --nocapture dragging_300_000_rows`
#[test]
#[ignore = "a measurement"]
fn dragging_300_000_rows() {
    let folder = tempfile::tempdir().unwrap();
    let predictions: Vec<Prediction> = (0..300_000_u32)
        .map(|row| {
            let logit = (row.wrapping_mul(2_654_435_761) >> 8) as f32 / f32::from(2_u16).powi(22) - 2.0;
            let probability = probability_of([0.0, logit]);
            Prediction {
                row: row as usize,
                original_paper_id: (row / 46).to_string(),
                ref_paper_id: row.to_string(),
                label: u8::from(row % 3 == 0),
                logit_0: 0.0,
                logit_1: logit,
                probability,
            }
        })
        .collect();
    let path = folder.path().join("large.csv");
    write_predictions(&path, &predictions).unwrap();
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::ShowThreshold(path));
    window.wait_for("95 % intervals by drawing", 60);
    let from = window.harness.get_by_label(LINE).rect().center();
    window.harness.drag_at(from);
    window.steps(2);
    let mut milliseconds: Vec<f64> = (0..200_u8)
        .map(|step| {
            window.harness.hover_at(from + egui::vec2(f32::from(step), 0.0));
            let started = processor_time();
            window.steps(1);
            processor_time().saturating_sub(started).as_secs_f64() * 1000.0
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    eprintln!(
        "a frame takes {:.2} ms of processor time in the median, {:.2} ms at the 95th percentile",
        milliseconds[100], milliseconds[190]
    );
}
