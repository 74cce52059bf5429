//! The Dataset page: read the report, look at rows, change the split.

use crate::harness::{Window, processor_time};
use citelink::app::command::Command;
use citelink::app::dialogs::Dialogs;
use citelink::app::pages::Page;
use citelink::dataset::SplitSettings;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A dataset of 40 papers with two candidates each, one unusable line and one row without a text.
fn small_dataset(folder: &Path) -> PathBuf {
    let mut lines = String::new();
    for paper in 0..40 {
        for label in [0, 1] {
            let text = if paper == 7 && label == 0 { "" } else { "A study of how graphs are searched in practice." };
            writeln!(
                lines,
                r#"{{"original_paper_id": {paper}, "sentence": "Sentence number {paper} says that graphs can be searched quickly.", "ref_paper_id": "r{paper}-{label}", "ref_paper_title": "Reference {paper} {label}", "ref_paper_authors": "A. Author", "ref_paper_text": "{text}", "label": {label}}}"#
            )
            .unwrap();
        }
    }
    lines.push_str("this is no JSON\n");
    let path = folder.join("small.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

fn opened(folder: &Path) -> Window {
    let mut window = Window::open(&[]);
    window.steps(3);
    window.drop_path(&small_dataset(folder));
    // The token counts come last; after them nothing moves any more.
    window.wait_for("Tokens per pair", 60);
    window
}

#[test]
fn a_dropped_file_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    assert!(window.shows("small.jsonl"));
    for text in ["80", "40", "50.0 %", "79", "1 dropped", "Lines kept out", "Sentence lengths"] {
        assert!(window.shows(text), "{text} is not in {:?}", window.texts());
    }
    assert!(window.shows("81"), "the number of the unusable line");
    window.wait_for("Tokens per pair", 30);
    assert_eq!(window.app().shared().settings.recent.len(), 1);
    assert!(window.errors().is_empty());
}

#[test]
fn a_file_that_is_no_jsonl_is_explained_and_the_dataset_before_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    let wrong = folder.path().join("wrong.jsonl");
    std::fs::write(&wrong, "%PDF-1.7\nnothing\n").unwrap();
    window.drop_path(&wrong);
    window.wait("an error", 20, |window| !window.errors().is_empty());
    let error = window.errors().remove(0);
    assert!(error.contains("wrong.jsonl") && error.contains("expected one JSON object a line"), "{error}");
    assert!(window.shows("Usable rows"), "the report stays");
    window.click("Dismiss");
    assert!(window.errors().is_empty());
}

#[test]
fn reading_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.jsonl");
    let text = "graphs and trees ".repeat(120);
    let line = format!(r#"{{"original_paper_id": 1, "sentence": "{text}", "ref_paper_text": "{text}", "label": 1}}"#);
    std::fs::write(&large, [line.as_str(), "\n"].concat().repeat(20_000)).unwrap();
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::OpenDataset(large));
    window.wait_for("Reading large.jsonl…", 20);
    window.click("Cancel");
    window.wait_for("Open a labelled dataset", 20);
    assert!(window.errors().is_empty(), "{:?}", window.errors());
    assert!(window.app().shared().dataset.is_none());
}

#[test]
fn rows_are_searched_and_filtered() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    window.click("Rows");
    window.wait_for("80 rows", 10);
    window.focus("Search rows");
    window.type_text("number 12");
    window.wait_for("2 of 80 rows", 10);
    window.wait_for("[CLS]", 30);
    window.click("Clear filters");
    window.wait_for("80 rows", 10);
    window.choose("Missing field", "without ref_paper_text");
    window.wait_for("1 of 80 rows", 10);
    assert!(window.shows("dropped"));
    window.click("Rows of this paper");
    window.wait_for("2 of 80 rows", 10);
    window.click("Check these candidates");
    assert_eq!(window.app().shared().page, Page::Check);
}

#[test]
fn noise_leads_to_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    window.click("Noise (3)");
    window.wait_for("No reference text", 5);
    window.click("Show these rows: No reference text");
    window.wait_for("1 of 80 rows", 10);
}

#[test]
fn the_split_follows_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    window.click("Split");
    window.wait_for("Weight of CITATION", 5);
    // 40 papers: 28 train, 6 validation, 6 test.
    assert!(window.shows("28"));
    window.app().shared_mut().split = SplitSettings { train: 0.5, ..SplitSettings::default() };
    window.wait_for("14", 10);
    assert!(window.shows("20"));
    window.app().shared_mut().split = SplitSettings { train: 0.9, validation: 0.2, ..SplitSettings::default() };
    window.wait_for("the fractions 0.9 for training", 10);
    window.click("Back to the defaults");
    window.wait_for("28", 10);
    window.click("Keep title-only rows");
    window.wait_for("80", 10);
    assert!(window.app().shared().cleaning.keep_title_only);
}

#[test]
fn plots_tables_and_rows_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved.csv");
    let mut window = opened(folder.path());
    window.app().shared_mut().dialogs = Dialogs::Answered { open: Vec::new(), save: Some(saved.clone()) };
    let save = |window: &mut Window, menu: &str, item: &str| {
        window.click(menu);
        window.click(item);
        window.wait("a file", 10, |_| saved.exists());
        let text = std::fs::read_to_string(&saved).unwrap();
        std::fs::remove_file(&saved).unwrap();
        text
    };
    assert_eq!(save(&mut window, "Save “Labels”", "Save as CSV…"), "label,rows\nNOT_CITATION,40\nCITATION,40\n");
    assert!(save(&mut window, "Export", "Save report as CSV…").contains("\npapers,40\n"));
    let report: serde_json::Value = serde_json::from_str(&save(&mut window, "Export", "Save report as JSON…")).unwrap();
    assert_eq!(report["clean"]["rows"], 79);
    window.click("Rows");
    window.wait_for("80 rows", 10);
    assert_eq!(save(&mut window, "Copy or save “Rows”", "Save as CSV…").lines().count(), 81);
}

#[test]
fn saving_where_nothing_can_be_written_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(folder.path());
    let nowhere = folder.path().join("missing folder").join("saved.csv");
    window.app().shared_mut().dialogs = Dialogs::Answered { open: Vec::new(), save: Some(nowhere) };
    window.click("Save “Labels”");
    window.click("Save as CSV…");
    window.wait("an error", 10, |window| window.errors().iter().any(|error| error.contains("missing folder")));
}

/// `cargo test --test window -- --ignored --nocapture frames_with_the_real_dataset`
#[test]
#[ignore = "a measurement"]
fn frames_with_the_real_dataset() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/citations.jsonl");
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    let mut window = Window::open(&[&path]);
    window.wait_for("Tokens per pair", 60);
    for tab in ["Overview", "Rows", "Split", "Noise (9)"] {
        window.click(tab);
        window.steps(20);
        // The widgets that a screen reader sees, which the harness gathers as well, are a part of these times.
        let mut times: Vec<Duration> = (0..100)
            .map(|_| {
                let before = processor_time();
                window.steps(1);
                let output = window.harness.output();
                let context = &window.harness.ctx;
                context.tessellate(output.shapes.clone(), output.pixels_per_point);
                processor_time().saturating_sub(before)
            })
            .collect();
        times.sort_unstable();
        eprintln!("{tab}: median {:?}, 95 % within {:?}", times[50], times[94]);
    }
}

#[test]
fn the_real_dataset_opens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/citations.jsonl");
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return;
    }
    let mut window = Window::open(&[&path]);
    window.wait_for("2,057", 30);
    for tab in ["Split", "Rows", "Overview"] {
        window.click(tab);
        window.steps(5);
    }
    assert!(window.errors().is_empty(), "{:?}", window.errors());
}
