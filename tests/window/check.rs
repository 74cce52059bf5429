//! The Check page: pasting, ranking, and a model that cannot be loaded.

use crate::harness::Window;
use citelink::app::command::Command;
use citelink::app::pages::Page;
use citelink::model::{CreateSettings, create_model};
use citelink::progress::Unwatched;
use egui_kittest::kittest::{NodeT, Queryable};
use std::path::{Path, PathBuf};

const SENTENCE: &str = "Tides were measured with floats in wells.";
const PASTED: &str = "Floats in wells as tide gauges\nA. Moreau, B. Singh\nA float in a stilling well follows the tide.\n\n\
                      Songs of the reed warbler\nC. Dahl\nRecordings from three marshes.\n\n\
                      A title without a text";

/// A very small model that was never trained.
fn small_model(folder: &Path) -> PathBuf {
    let text = folder.join("text.txt");
    std::fs::write(&text, format!("{SENTENCE}\n{PASTED}\n")).unwrap();
    let settings = CreateSettings { vocabulary: 200, layers: 1, hidden: 16, heads: 2, intermediate: 32, seed: 1 };
    let model = create_model(&[text], settings, &Unwatched).unwrap();
    let path = folder.join("model");
    model.save(&path).unwrap();
    path
}

fn paste_into(window: &mut Window, label: &str, text: &str) {
    window.harness.get_by_label(label).focus();
    window.steps(2);
    window.harness.event(egui::Event::Paste(text.to_owned()));
    window.steps(2);
}

fn ranked(window: &Window) -> Vec<String> {
    let rows = window.harness.query_all_by_label_contains("Rank ");
    rows.filter_map(|row| row.accesskit_node().label()).filter(|label| label.contains("probability")).collect()
}

#[test]
fn pasted_references_are_ranked() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::open(&[&small_model(folder.path())]);
    window.wait_for("Threshold 0.500", 30);
    paste_into(&mut window, "Sentence to check", SENTENCE);
    paste_into(&mut window, "Paste references", PASTED);
    window.wait("three ranked candidates", 30, |window| ranked(window).len() == 3);
    assert!(window.shows("3 candidates added"));
    assert!(window.shows("Only a title"));
    // The split can be corrected: the third candidate is joined with the second.
    window.click("Edit candidate 3: A title without a text");
    window.click("Join with the one above");
    window.wait("two ranked candidates", 30, |window| ranked(window).len() == 2);
    window.click("Clear");
    window.wait_for("Does this sentence cite that paper?", 10);
    window.click("Undo");
    window.wait("the candidates again", 30, |window| ranked(window).len() == 2);
    assert!(window.errors().is_empty(), "{:?}", window.errors());
}

#[test]
fn the_bundled_model_ranks_the_example() {
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::ShowPage(Page::Check));
    window.steps(3);
    window.click("Try the example");
    window.wait("ranked candidates", 60, |window| ranked(window).len() >= 3);
    assert!(window.shows("labelled CITATION"));
    // What it reaches stands beside its name, and no warning, as it does better than counting shared words.
    assert!(window.shows("On sentences it has not seen, it ranks a true reference first for 0.7"));
    assert!(!window.shows("on its test data"));
}

#[test]
fn a_broken_model_is_explained_and_the_page_stays_usable() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path());
    let weights = model.join("model.safetensors");
    let mut tensors = candle_core::safetensors::load(&weights, &candle_core::Device::Cpu).unwrap();
    let missing = "bert.encoder.layer.0.output.dense.weight";
    tensors.remove(missing).unwrap();
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    let mut window = Window::open(&[&model]);
    window.wait_for("The model could not be loaded", 30);
    assert!(window.shows(missing), "{:?}", window.texts());
    paste_into(&mut window, "Sentence to check", SENTENCE);
    assert_eq!(window.harness.get_by_label("Sentence to check").value().as_deref(), Some(SENTENCE));
    assert!(window.harness.query_by_label("Use the bundled model").is_some());
    assert!(window.harness.query_by_label("Try again").is_some());
}

#[test]
fn a_sentence_is_taken_from_the_dataset() {
    let mut window = Window::open(&[]);
    let sample = std::sync::Arc::new(citelink::dataset::Dataset::sample().unwrap());
    window.app().shared_mut().dataset = Some(sample);
    window.app().shared_mut().send(Command::TakeFromDataset);
    window.wait_for(" cited", 10);
    let sentence = window.harness.get_all_by_label_contains(" cited").next().unwrap();
    sentence.click();
    window.wait_for("labelled ", 10);
    assert!(!window.harness.get_by_label("Sentence to check").value().unwrap().is_empty());
}
