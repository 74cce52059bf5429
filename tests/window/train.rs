//! The Train page: a tiny model is trained through it to its end, stopped, resumed, killed; and what fails is told.

use crate::harness::Window;
use citelink::app::command::Command;
use citelink::app::dialogs::Dialogs;
use citelink::app::pages::Page;
use citelink::app::settings::Settings;
use citelink::dataset::Dataset;
use citelink::evaluation::{Confusion, read_predictions};
use citelink::model::{CreateSettings, create_model};
use citelink::progress::Unwatched;
use citelink::runs::{EventKind, PROGRAM_VARIABLE, read_events};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use tempfile::TempDir;

/// A folder with a tiny base model, and the program that trains.
struct Workbench {
    folder: TempDir,
}

impl Workbench {
    fn new() -> Self {
        static PROGRAM: Once = Once::new();
        // SAFETY: runs once, before the first window of these tests is there to start a process; nothing else in this
        // program reads or writes this variable.
        PROGRAM.call_once(|| unsafe { std::env::set_var(PROGRAM_VARIABLE, env!("CARGO_BIN_EXE_citelink")) });
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let settings = CreateSettings { vocabulary: 300, layers: 1, hidden: 16, heads: 2, intermediate: 32, seed: 7 };
        let model = create_model(&[sample()], settings, &Unwatched).unwrap();
        std::fs::create_dir(bench.base()).unwrap();
        model.save(&bench.base()).unwrap();
        std::fs::copy(sample(), bench.data()).unwrap();
        bench
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("tiny")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("pairs.jsonl")
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// The Train page with the dataset loaded and the tiny model chosen.
    fn train_page(&self, epochs: &str) -> Window {
        self.page_with(&self.base(), &self.runs(), epochs)
    }

    fn page_with(&self, base: &Path, runs: &Path, epochs: &str) -> Window {
        self.page_remembering(base, runs, epochs, &json!({}))
    }

    /// The page with what a grid compares as well.
    fn page_remembering(&self, base: &Path, runs: &Path, epochs: &str, grid: &serde_json::Value) -> Window {
        let form = json!({
            "base": "Folder",
            "base_folder": base,
            "runs_folder": runs,
            "texts": {"Epochs": epochs, "MaxLength": "48", "LogEvery": "2", "Threads": "1"},
        });
        let mut settings = Settings::default();
        settings.pages.insert("train".to_owned(), json!({ "form": form, "grid": grid }));
        let mut window = Window::open_remembering(&[], settings);
        let dataset = Dataset::read(&self.data(), &Unwatched).unwrap();
        window.app().shared_mut().dataset = Some(Arc::new(dataset));
        window.app().shared_mut().send(Command::ShowPage(Page::Train));
        window.wait_for("New run", 10);
        window
    }

    /// The only run below the runs folder.
    fn run(&self) -> PathBuf {
        let mut runs = std::fs::read_dir(self.runs()).unwrap().map(|entry| entry.unwrap().path());
        let run = runs.next().unwrap();
        assert_eq!(runs.next(), None);
        run
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/sample.jsonl")
}

/// The process that trains in a run folder.
fn process_of(run: &Path) -> u32 {
    let events = read_events(&run.join("events.jsonl")).unwrap();
    let started = events.into_iter().rev().find_map(|event| match event.kind {
        EventKind::Started { process, .. } => Some(process),
        _ => None,
    });
    started.unwrap()
}

#[test]
fn a_tiny_model_is_trained_to_its_end() {
    let bench = Workbench::new();
    let mut window = bench.train_page("2");
    window.wait_for("1 layer of width 16", 10);
    window.wait_for("training rows from", 10);
    window.click("Start training");
    window.wait_for("✔ Finished", 60);
    window.wait_for("Validation after each epoch", 10);
    window.wait_for("★ lowest loss", 1);
    window.wait_for("Result at threshold", 1);
    let run = bench.run();
    assert!(run.join("best/model.safetensors").is_file());

    // The list at the side has it, and a new window finds it there.
    let name = run.file_name().unwrap().to_string_lossy().into_owned();
    window.wait_for(&format!("{name}, ✔ Finished"), 10);
    let mut again = bench.train_page("2");
    again.wait_for(&format!("{name}, ✔ Finished"), 10);

    window.click("Choose the threshold");
    assert_eq!(window.app().shared().page, Page::Threshold);
}

#[test]
fn a_grid_is_trained_to_its_end_and_compared() {
    let bench = Workbench::new();
    let compared = json!({"learning_rates": "1e-3, 2e-2", "epochs": "1, 2", "threshold": "0.4"});
    let mut window = bench.page_remembering(&bench.base(), &bench.runs(), "2", &compared);
    window.wait_for("1 layer of width 16", 10);
    window.app().shared_mut().send(Command::ShowGrid);
    window.wait_for("4 runs: ", 10);
    window.click("Start the grid");
    window.wait_for("All 4 runs finished", 120);
    window.wait_for("★ Best", 5);
    assert!(window.errors().is_empty(), "{:?}", window.errors());

    // The table, as it is taken away, holds every combination, best first, and what the runs' own predictions say.
    let saved = bench.folder.path().join("grid.csv");
    window.app().shared_mut().dialogs = Dialogs::Answered { open: Vec::new(), save: Some(saved.clone()) };
    window.click("Copy or save “Validation at threshold 0.4, best F1 first”");
    window.click("Save as CSV…");
    window.wait("a file", 10, |_| saved.exists());
    let table = std::fs::read_to_string(&saved).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let mut combinations: Vec<(&str, &str)> = rows.iter().map(|row| (row[1], row[2])).collect();
    combinations.sort_unstable();
    assert_eq!(combinations, [("0.001", "1"), ("0.001", "2"), ("0.02", "1"), ("0.02", "2")]);
    let grid = bench.run();
    let mut last = f64::INFINITY;
    for row in &rows {
        let (labels, probabilities) = read_predictions(&grid.join(row[0]).join("validation.csv")).unwrap();
        let f1 = Confusion::at(&labels, &probabilities, 0.4).metrics().f1;
        assert_eq!(row[6].parse(), Ok(f1), "{row:?}");
        assert!(f1 <= last, "{table}");
        last = f1;
        assert!(window.texts().contains(&format!("Open {}", row[0])), "{:?}", window.texts());
    }
    // From the table to a run and back to the grid, which another window finds in the list as well.
    window.click(&format!("Open {}", rows[0][0]));
    window.wait_for("Validation after each epoch", 10);
    let name = grid.file_name().unwrap().to_string_lossy().into_owned();
    let mut again = bench.train_page("2");
    again.wait_for(&name, 10);
}

#[test]
fn a_run_is_stopped_resumed_and_killed() {
    let bench = Workbench::new();
    let mut window = bench.train_page("1000");
    window.wait_for("1 layer of width 16", 10);
    window.wait_for("training rows from", 10);
    window.click("Start training");
    window.wait_for("Step ", 60);
    window.click("Stop");
    window.wait_for("Stopped at step", 30);
    window.click("Resume");
    window.wait_for("▶ Running", 30);
    window.wait("the resumed process", 30, |_| {
        let events = read_events(&bench.run().join("events.jsonl")).unwrap();
        matches!(events.last().map(|event| &event.kind), Some(EventKind::Step(_)))
    });

    // Another window finds the run that goes on; closing either asks first.
    let mut other = bench.train_page("3");
    other.wait_for("is still running", 10);
    other.wait_for("Step ", 10);
    other.close();
    assert!(other.shows("A training run goes on"));
    other.click("Keep the window open");
    assert!(!other.shows("A training run goes on"));

    let killed = std::process::Command::new("kill").args(["-9", &process_of(&bench.run()).to_string()]).status();
    assert!(killed.unwrap().success());
    for window in [&mut window, &mut other] {
        window.wait_for("The training process is gone", 30);
        window.wait_for("Resume", 5);
    }
    other.close();
    assert!(!other.shows("A training run goes on"));
}

#[test]
fn closing_can_stop_the_run_or_leave_it() {
    let bench = Workbench::new();
    let mut window = bench.train_page("1000");
    window.wait_for("1 layer of width 16", 10);
    window.wait_for("training rows from", 10);
    window.click("Start training");
    window.wait_for("Step ", 60);
    window.close();
    window.click("Leave it running");
    drop(window);
    let mut again = bench.train_page("3");
    again.wait_for("Step ", 20);
    again.close();
    again.click("Stop it and close");
    again.wait_for("Stopped at step", 30);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let bench = Workbench::new();
    let file = bench.folder.path().join("a file");
    std::fs::write(&file, "in the way").unwrap();
    let mut window = bench.page_with(&bench.base(), &file.join("runs"), "2");
    window.wait_for("1 layer of width 16", 10);
    window.wait_for("training rows from", 10);
    window.click("Start training");
    window.wait_for("The training was not started: cannot use", 10);
    assert!(window.shows("Train a model"));
}

#[test]
fn a_process_that_gives_up_says_why() {
    let bench = Workbench::new();
    let mut window = bench.train_page("2");
    window.wait_for("1 layer of width 16", 10);
    window.wait_for("training rows from", 10);
    std::fs::remove_file(bench.data()).unwrap();
    window.click("Start training");
    window.wait_for("pairs.jsonl", 20);
    window.wait("the message of the process", 20, |window| {
        window.texts().iter().any(|text| text.starts_with('✖') && text.contains("pairs.jsonl"))
    });
    window.click("Show the log");
    window.wait_for("citelink:", 5);
}

#[test]
fn mistakes_stand_beside_their_fields_and_nothing_starts() {
    let bench = Workbench::new();
    let mut window = bench.train_page("0");
    window.wait_for("Epochs: a whole number from 1 to 1000", 10);
    window.wait_for("Correct epochs", 10);
    window.app().shared_mut().send(Command::StartTraining);
    window.steps(5);
    assert!(window.shows("Train a model") && !bench.runs().exists());
}

#[test]
fn without_a_dataset_the_page_says_what_to_do() {
    let mut window = Window::open(&[]);
    window.app().shared_mut().send(Command::ShowPage(Page::Train));
    window.wait_for("Nothing to train on yet", 10);
    window.wait_for("Open a dataset…", 1);
}

#[test]
fn a_base_model_without_weights_is_told() {
    let bench = Workbench::new();
    std::fs::remove_file(bench.base().join("model.safetensors")).unwrap();
    let mut window = bench.train_page("2");
    window.wait_for("has no weights", 10);
    window.app().shared_mut().send(Command::StartTraining);
    window.steps(5);
    assert!(!bench.runs().exists());
}
