//! Whole trainings in processes of their own: what a run leaves behind, and that it survives being killed, stopped,
//! started twice and run out of disk.

use citelink::model::{CreateSettings, create_model};
use citelink::progress::{Progress, Unwatched};
use citelink::runs::{
    CHECKPOINT_VARIABLE, EventKind, Follower, PROGRAM_VARIABLE, RunFolder, RunProcess, RunSettings, RunState,
    TrainRequest, launch_resume, launch_train, list_runs, read_events,
};
use citelink::training::{Hyperparameters, Outcome};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_citelink");

/// Nothing here takes as long, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A small generator, so that the moments of kills are random and the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// A dataset and a base model, made once.
struct Materials {
    folder: TempDir,
}

impl Materials {
    fn get() -> &'static Self {
        static MATERIALS: OnceLock<Materials> = OnceLock::new();
        MATERIALS.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            write_dataset(&folder.path().join("pairs.jsonl"));
            let settings =
                CreateSettings { vocabulary: 200, layers: 1, hidden: 32, heads: 2, intermediate: 64, seed: 42 };
            let model = create_model(&[folder.path().join("pairs.jsonl")], settings, &Unwatched).unwrap();
            model.save(&folder.path().join("base")).unwrap();
            Self { folder }
        })
    }

    fn dataset(&self) -> PathBuf {
        self.folder.path().join("pairs.jsonl")
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("base")
    }
}

/// Forty papers with a few sentences each, which cite the reference that shares their topic.
fn write_dataset(path: &Path) {
    const TOPICS: [&str; 6] = ["graph", "protein", "planet", "language", "battery", "vaccine"];
    let mut random = Random(1);
    let mut file = std::fs::File::create(path).unwrap();
    for paper in 0..40 {
        for sentence in 0..5 {
            let topic = TOPICS[random.below(6) as usize];
            let other = TOPICS[random.below(6) as usize];
            let label = u8::from(topic == other || sentence == 0);
            let reference = if label == 1 { topic } else { other };
            writeln!(
                file,
                r#"{{"original_paper_id": {paper}, "sentence": "Earlier work on the {topic} number {sentence} is used here", "ref_paper_id": "r{paper}-{sentence}", "ref_paper_title": "On the {reference}", "ref_paper_authors": "A. Author", "ref_paper_text": "We study the {reference} and what it does to number {sentence}", "label": {label}}}"#
            )
            .unwrap();
        }
    }
}

/// A training on one thread of the processor, with the defaults of everything else.
fn request(dataset: PathBuf) -> TrainRequest {
    TrainRequest {
        dataset,
        base: Materials::get().base().display().to_string(),
        hyperparameters: Hyperparameters::default(),
        split: citelink::dataset::SplitSettings::default(),
        cleaning: citelink::dataset::Cleaning::default(),
        device: citelink::model::DeviceChoice::Cpu,
        precision: None,
        threads: Some(1),
    }
}

/// `citelink train` with a checkpoint after every step, and its output kept.
fn train(folder: &Path) -> Command {
    let materials = Materials::get();
    let mut command = Command::new(PROGRAM);
    command.arg("train").arg(materials.dataset()).arg("--base").arg(materials.base()).arg("--run").arg(folder);
    command.args(["--epochs", "3", "--max-length", "48", "--log-every", "7", "--learning-rate", "1e-3"]);
    command.args(["--threads", "1", "--device", "cpu"]);
    quiet(&mut command);
    command
}

fn resume(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("resume").arg(folder);
    quiet(&mut command);
    command
}

fn quiet(command: &mut Command) {
    command.env(CHECKPOINT_VARIABLE, "0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs a command that has to fail and returns what it said.
fn failed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    said.lines().last().unwrap_or_default().to_owned()
}

/// Everything that a run ends with and that must not depend on how often it was interrupted.
fn results(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    ["best/model.safetensors", "best/inference_config.json", "validation.csv", "test.csv"]
        .map(|name| (name, std::fs::read(folder.join(name)).unwrap()))
        .into()
}

/// The same for a run that nothing interrupted.
fn reference() -> &'static [(&'static str, Vec<u8>)] {
    static REFERENCE: OnceLock<Vec<(&str, Vec<u8>)>> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("run");
        done(train(&folder).env_remove(CHECKPOINT_VARIABLE));
        results(&folder)
    })
}

fn assert_as_uninterrupted(folder: &Path) {
    for (found, expected) in results(folder).iter().zip(reference()) {
        assert!(found == expected, "{} differs from an uninterrupted run's", found.0);
    }
    assert!(!folder.join("checkpoint.safetensors").exists());
    let leftovers: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.') && name != ".lock")
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

/// Waits until `ready` says so, or the process ends; false in the second case.
fn wait_for(child: &mut Child, mut ready: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if ready() {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    panic!("nothing happened for {PATIENCE:?}");
}

/// Kill -9, on Unix.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_run_leaves_what_it_should_and_is_not_overwritten() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("some/where/run");
    let output = done(&mut train(&folder));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("validation") && printed.contains("test"), "{printed}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("step 7 of 54"));

    let settings = RunSettings::read(&RunFolder::at(&folder)).unwrap();
    assert!(settings.request.dataset.is_absolute());
    assert_eq!(settings.dataset_sha256.len(), 64);
    assert_eq!((settings.threads_used, settings.device_used.as_str()), (1, "cpu"));

    let events = read_events(&folder.join("events.jsonl")).unwrap();
    let EventKind::Finished { step, best_epoch, threshold, validation, test } = &events.last().unwrap().kind else {
        panic!("the last event is {:?}", events.last());
    };
    assert_eq!(*step, 54);
    let steps = events.iter().filter(|event| matches!(event.kind, EventKind::Step(_))).count();
    assert_eq!(steps, 8, "seven and the last step");

    // The last table follows from the files.
    let (labels, probabilities) = citelink::evaluation::read_predictions(&folder.join("validation.csv")).unwrap();
    let sweep =
        citelink::evaluation::Sweep::over(&labels, &probabilities, &citelink::evaluation::standard_thresholds());
    assert_eq!((*threshold, *validation), (sweep.best.threshold, sweep.best.metrics));
    let (labels, probabilities) = citelink::evaluation::read_predictions(&folder.join("test.csv")).unwrap();
    assert_eq!(test.unwrap(), citelink::evaluation::Confusion::at(&labels, &probabilities, *threshold).metrics());
    let best = citelink::model::SavedModel::open(&folder.join("best")).unwrap();
    assert!((best.threshold() - threshold).abs() < 1e-12);
    assert_eq!(best.max_length(), 48);

    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("trainer_state.json")).unwrap()).unwrap();
    assert_eq!(state["global_step"], 54);
    let evaluated: Vec<f64> =
        state["log_history"].as_array().unwrap().iter().filter_map(|entry| entry["eval_loss"].as_f64()).collect();
    assert_eq!(evaluated.len(), 3);
    assert_eq!(state["best_metric"].as_f64().unwrap(), evaluated[best_epoch - 1]);
    assert!(evaluated.iter().all(|loss| *loss >= evaluated[best_epoch - 1]));

    let before = std::fs::read(folder.join("events.jsonl")).unwrap();
    assert!(failed(&mut train(&folder)).contains("already holds a run"));
    done(&mut resume(&folder));
    assert_eq!(std::fs::read(folder.join("events.jsonl")).unwrap(), before);
    assert_as_uninterrupted(&folder);
}

#[test]
fn a_run_killed_at_random_moments_ends_with_the_same_weights() {
    let temporary = tempfile::tempdir().unwrap();
    let began = Instant::now();
    done(&mut train(&temporary.path().join("run")));
    let whole = began.elapsed().as_micros() as u64;
    let mut kills = 0;
    for seed in 0..4 {
        let mut random = Random(seed);
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("run");
        for _ in 0..8 {
            let is_run = folder.join("run.json").exists();
            let mut child = if is_run { resume(&folder) } else { train(&folder) }.spawn().unwrap();
            let moment = Instant::now() + Duration::from_micros(random.below(whole));
            if wait_for(&mut child, || Instant::now() >= moment) {
                kill(child);
                kills += 1;
            }
        }
        if folder.join("run.json").exists() {
            done(&mut resume(&folder));
        } else {
            done(&mut train(&folder));
        }
        assert_as_uninterrupted(&folder);
    }
    assert!(kills > 0, "every process ended before it could be killed");
}

/// A moment to kill a run at, and how it is recognised from its folder.
type Moment<'a> = (&'a str, &'a dyn Fn(&Path) -> bool);

#[test]
fn a_run_killed_while_it_writes_ends_with_the_same_weights() {
    let has_file = |folder: &Path, start: &str| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(start)))
        })
    };
    let said = |folder: &Path, text: &str| {
        std::fs::read_to_string(folder.join("events.jsonl")).is_ok_and(|events| events.contains(text))
    };
    let moments: [Moment<'_>; 7] = [
        ("while run.json is new", &|folder| folder.join("run.json").exists()),
        ("while a checkpoint is written", &|folder| said(folder, "\"checkpoint\"") && has_file(folder, ".citelink-")),
        ("while the first best model is written", &|folder| folder.join(".best-new").exists()),
        ("while the best model is swapped", &|folder| folder.join(".best-old").exists()),
        ("after the last epoch", &|folder| said(folder, "\"evaluated\",\"epoch\":3")),
        ("while the test part is scored", &|folder| {
            std::fs::read_to_string(folder.join("progress.json")).is_ok_and(|progress| progress.contains("\"test\""))
        }),
        ("after the last event", &|folder| said(folder, "\"finished\"")),
    ];
    let mut hit = Vec::new();
    for (name, is_now) in moments {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("run");
        let mut child = train(&folder).spawn().unwrap();
        if wait_for(&mut child, || is_now(&folder)) {
            kill(child);
            hit.push(name);
        }
        done(&mut resume(&folder));
        assert_as_uninterrupted(&folder);
    }
    // The others are so short that a busy machine may miss them.
    for name in ["while run.json is new", "while the first best model is written", "after the last epoch"] {
        assert!(hit.contains(&name), "no kill came {name}");
    }
}

#[test]
fn a_second_process_is_refused_and_stop_stops() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut long = train_long(&folder).spawn().unwrap();
    assert!(wait_for(&mut long, || folder.join("checkpoint.safetensors").exists()));
    let mut follower = Follower::open(RunFolder::at(&folder)).unwrap();
    assert_eq!(follower.view().state, RunState::Running);
    assert!(failed(&mut resume(&folder)).contains("in use by another process"));
    assert!(failed(&mut train(&folder)).contains("already holds a run"));
    // Looking again and again costs little and does the run no harm.
    let began = Instant::now();
    for _ in 0..200 {
        follower.poll().unwrap();
    }
    let each = began.elapsed() / 200;
    eprintln!("a look at a running run takes {each:?}");
    assert!(each < Duration::from_millis(5), "{each:?}");
    RunFolder::at(&folder).request_stop().unwrap();
    assert!(long.wait().unwrap().success());
    follower.poll().unwrap();
    assert_eq!(follower.view().state, RunState::Stopped);
    assert!(folder.join("checkpoint.safetensors").exists());

    // Resuming removes `stop`, and goes on from where it stopped.
    let stopped_at = follower.view().step();
    let mut child = resume(&folder).spawn().unwrap();
    assert!(wait_for(&mut child, || {
        follower.poll().unwrap();
        follower.view().state == RunState::Running && follower.view().step() > stopped_at
    }));
    assert!(!folder.join("stop").exists());
    terminate(&child);
    assert!(child.wait().unwrap().success());
    follower.poll().unwrap();
    assert_eq!(follower.view().state, RunState::Stopped);
}

/// A training that does not end by itself.
fn train_long(folder: &Path) -> Command {
    let materials = Materials::get();
    let mut command = Command::new(PROGRAM);
    command.arg("train").arg(materials.dataset()).arg("--base").arg(materials.base()).arg("--run").arg(folder);
    command.args(["--epochs", "5000", "--max-length", "48", "--threads", "1", "--log-every", "1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env(CHECKPOINT_VARIABLE, "1");
    command
}

/// Asks a process to end, as a closing session does.
fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_stopped_run_ends_with_the_same_weights() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    // A stop that was asked for before the process came that far counts, too.
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("stop"), "").unwrap();
    done(&mut train(&folder));
    let follower = Follower::open(RunFolder::at(&folder)).unwrap();
    assert_eq!(follower.view().state, RunState::Stopped);
    let mut child = resume(&folder).spawn().unwrap();
    if wait_for(&mut child, || std::fs::read_to_string(folder.join("events.jsonl")).unwrap().contains("\"step\":14,")) {
        terminate(&child);
    }
    assert!(child.wait().unwrap().success());
    done(&mut resume(&folder));
    assert_as_uninterrupted(&folder);
}

/// Asks to stop when it is asked the `left`th time whether to.
struct StopAfterLooks {
    left: AtomicI64,
}

impl Progress for StopAfterLooks {
    fn report(&self, _done: u64, _total: u64) {}

    fn cancelled(&self) -> bool {
        self.left.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_run_stopped_within_an_evaluation_repeats_it() {
    let materials = Materials::get();
    let temporary = tempfile::tempdir().unwrap();
    let request = TrainRequest {
        hyperparameters: Hyperparameters { epochs: 2, learning_rate: 1e-3, max_length: 48, ..Default::default() },
        ..request(materials.dataset())
    };
    let whole = RunFolder::at(temporary.path().join("whole"));
    citelink::runs::train(&request, &whole, &Unwatched).unwrap();
    let mut within = 0;
    // One look for each of the 18 steps of an epoch and for each of the 4 batches of its evaluation, after some looks
    // while everything is prepared.
    for looks in 18..34 {
        let folder = RunFolder::at(temporary.path().join(format!("stopped-{looks}")));
        let stopping = StopAfterLooks { left: AtomicI64::new(looks) };
        assert_eq!(citelink::runs::train(&request, &folder, &stopping).unwrap(), Outcome::Stopped);
        let follower = Follower::open(folder.clone()).unwrap();
        // Not the state: a process that another test is just starting may hold a copy of the lock for a moment.
        let last = follower.view().last.as_ref().map(|event| &event.kind);
        assert!(matches!(last, Some(EventKind::Stopped { .. })), "{last:?}");
        if follower.view().step() != 18 || !follower.view().evaluations.is_empty() {
            continue;
        }
        within += 1;
        assert_eq!(citelink::runs::resume(&folder, &Unwatched).unwrap(), Outcome::Finished);
        assert!(results(folder.path()) == results(whole.path()), "stopped at look {looks}");
    }
    // The first of them is the stop after the last step, and the stop at the last batch comes after the evaluation.
    assert_eq!(within, 4, "no stop came within the evaluation");
}

#[test]
fn a_torn_last_event_does_no_harm() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut child = train(&folder).spawn().unwrap();
    assert!(wait_for(&mut child, || folder.join("checkpoint.safetensors").exists()));
    kill(child);
    let events = folder.join("events.jsonl");
    let mut file = std::fs::File::options().append(true).open(&events).unwrap();
    file.write_all(br#"{"time":"2026-11-23T10:15:00Z","kind":"st"#).unwrap();
    assert_eq!(Follower::open(RunFolder::at(&folder)).unwrap().view().state, RunState::Interrupted);
    done(&mut resume(&folder));
    for line in std::fs::read_to_string(&events).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert_as_uninterrupted(&folder);
}

/// A limit on the size of files stands for a full disk: writing a checkpoint fails in the same way.
#[test]
#[cfg(unix)]
fn a_full_disk_is_a_clear_failure_and_the_earlier_checkpoint_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let mut child = train(&folder).spawn().unwrap();
    assert!(wait_for(&mut child, || folder.join("checkpoint.safetensors").exists()));
    kill(child);
    let checkpoint = std::fs::read(folder.join("checkpoint.safetensors")).unwrap();
    let blocks = checkpoint.len() / 512 / 2;
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" resume \"$1\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited).arg(PROGRAM).arg(&folder).env(CHECKPOINT_VARIABLE, "0");
    let said = failed(&mut command);
    assert!(said.contains("checkpoint.safetensors") && said.contains("too large"), "{said}");
    assert_eq!(std::fs::read(folder.join("checkpoint.safetensors")).unwrap(), checkpoint);
    let follower = Follower::open(RunFolder::at(&folder)).unwrap();
    let RunState::Failed(message) = &follower.view().state else { panic!("{:?}", follower.view().state) };
    assert!(message.contains("make room on the disk"), "{message}");
    done(&mut resume(&folder));
    assert_as_uninterrupted(&folder);
}

#[test]
fn a_changed_dataset_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let dataset = temporary.path().join("pairs.jsonl");
    std::fs::copy(Materials::get().dataset(), &dataset).unwrap();
    let mut command = Command::new(PROGRAM);
    // Relative paths, to be found again from anywhere.
    command.current_dir(temporary.path()).args(["train", "pairs.jsonl", "--run", "run", "--epochs", "1"]);
    command.arg("--base").arg(Materials::get().base()).args(["--max-length", "48", "--threads", "1"]);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("stop"), "").unwrap();
    done(&mut command);
    let mut file = std::fs::File::options().append(true).open(&dataset).unwrap();
    file.write_all(b"\n").unwrap();
    assert!(failed(resume(&folder).current_dir("/")).contains("has changed since the run started"));
    std::fs::copy(Materials::get().dataset(), &dataset).unwrap();
    done(resume(&folder).current_dir("/"));
    assert_eq!(Follower::open(RunFolder::at(&folder)).unwrap().view().state, RunState::Finished);
}

#[test]
fn what_cannot_be_trained_leaves_no_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let refused = |extra: &[&str], base: Option<&Path>, expected: &str| {
        let mut command = Command::new(PROGRAM);
        command.arg("train").arg(Materials::get().dataset()).arg("--run").arg(&folder);
        command.arg("--base").arg(base.unwrap_or(&Materials::get().base())).args(extra);
        let said = failed(&mut command);
        assert!(said.contains(expected), "{said}");
        assert!(!folder.exists());
    };
    refused(&["--max-length", "513"], None, "from 8 to the base model's 512");
    refused(&["--epochs", "0"], None, "at least 1");
    refused(&["--learning-rate", "0"], None, "learning rate");
    refused(&["--train", "0.001"], None, "train part");
    refused(&[], Some(Path::new("/no/such/model")), "no such folder");
    if cfg!(not(feature = "cuda")) {
        refused(&["--device", "cuda"], None, "--features cuda");
    }
    assert!(failed(&mut resume(&folder)).contains("holds no run"));
}

#[test]
fn without_a_test_part_there_are_no_test_figures() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    done(train(&folder).args(["--train", "0.75", "--validation", "0.25"]));
    assert!(!folder.join("test.csv").exists());
    let follower = Follower::open(RunFolder::at(&folder)).unwrap();
    assert_eq!(follower.view().finished.unwrap().test, None);
}

#[test]
fn a_grid_keeps_what_is_finished_and_goes_on_with_the_rest() {
    let materials = Materials::get();
    let temporary = tempfile::tempdir().unwrap();
    let runs = temporary.path().join("runs");
    let grid = |extra: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg("grid").arg(materials.dataset()).arg("--base").arg(materials.base()).arg("--runs").arg(&runs);
        command.args(["--max-length", "48", "--threads", "1", "--epochs", "1,2", "--threshold", "0.4", "--json"]);
        command.args(extra);
        quiet(&mut command);
        command
    };
    let mut child = grid(&["--learning-rates", "1e-3,1e-4"]).spawn().unwrap();
    let third = runs.join("lr-1e-4-epochs-1");
    assert!(wait_for(&mut child, || third.join("checkpoint.safetensors").exists()));
    kill(child);
    let first = runs.join("lr-1e-3-epochs-1/events.jsonl");
    let finished = std::fs::read(&first).unwrap();

    let output = done(&mut grid(&["--learning-rates", "1e-3,1e-4"]));
    assert_eq!(std::fs::read(&first).unwrap(), finished);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.windows(2).all(|pair| pair[0]["val_f1_t"].as_f64() >= pair[1]["val_f1_t"].as_f64()));
    for row in &rows {
        let run = PathBuf::from(row["run"].as_str().unwrap());
        let (labels, probabilities) = citelink::evaluation::read_predictions(&run.join("validation.csv")).unwrap();
        let metrics = citelink::evaluation::Confusion::at(&labels, &probabilities, 0.4).metrics();
        assert!((row["val_f1_t"].as_f64().unwrap() - metrics.f1).abs() < 1e-12);
        let settings = RunSettings::read(&RunFolder::at(&run)).unwrap().request.hyperparameters;
        assert_eq!(row["learning_rate"].as_f64(), Some(settings.learning_rate));
        assert_eq!(row["num_epochs"].as_u64(), Some(settings.epochs as u64));
    }
    assert_eq!(list_runs(&runs).len(), 4);
    assert!(failed(&mut grid(&["--learning-rates", "1e-3", "--seed", "7"])).contains("other settings"));
}

/// Tells the library which program to start, since this one is no `citelink`.
fn name_the_program() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // SAFETY: the other tests' threads read the environment only through the standard library, which locks it.
        unsafe { std::env::set_var(PROGRAM_VARIABLE, PROGRAM) };
    });
}

/// How a launched process ended.
fn end_of(process: &mut RunProcess) -> Result<(), String> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(ended) = process.ended() {
            return ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the process did not end within {PATIENCE:?}");
}

#[test]
fn a_run_is_launched_followed_stopped_and_taken_up_again() {
    name_the_program();
    let materials = Materials::get();
    let temporary = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(temporary.path().join("run"));
    let request = TrainRequest {
        hyperparameters: Hyperparameters { epochs: 5000, max_length: 48, log_every: 1, ..Default::default() },
        ..request(materials.dataset())
    };
    let mut follower = Follower::open(folder.clone()).unwrap();
    assert_eq!(follower.view().state, RunState::Absent);
    let mut process = launch_train(&request, &folder).unwrap();
    assert!(wait_for(&mut process.child, || {
        follower.poll().unwrap();
        follower.view().steps.len() > 3
    }));
    let view = follower.view();
    assert_eq!(view.state, RunState::Running);
    assert_eq!(view.settings.as_ref().unwrap().request, request);
    assert_eq!(view.process, Some(process.child.id()));
    assert!(view.examples_per_second().unwrap() > 0.0 && view.time_left().unwrap() > Duration::ZERO);
    if cfg!(target_os = "linux") {
        // A process group of its own: field 5 of `stat`, counted from behind the program's name.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.child.id())).unwrap();
        let group = stat.rsplit(')').next().unwrap().split_whitespace().nth(2).unwrap();
        assert_eq!(group, process.child.id().to_string());
    }
    folder.request_stop().unwrap();
    assert_eq!(end_of(&mut process), Ok(()));
    follower.poll().unwrap();
    assert_eq!(follower.view().state, RunState::Stopped);
    assert!(std::fs::read_to_string(folder.log()).unwrap().contains("stopped at step"));

    let mut process = launch_resume(&folder).unwrap();
    let id = process.child.id();
    assert!(wait_for(&mut process.child, || {
        follower.poll().unwrap();
        follower.view().state == RunState::Running && follower.view().process == Some(id)
    }));
    kill(process.child);
    follower.poll().unwrap();
    assert_eq!(follower.view().state, RunState::Interrupted);
}

#[test]
fn a_launch_that_fails_says_why() {
    name_the_program();
    let temporary = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(temporary.path().join("run"));
    let request = request(temporary.path().join("missing.jsonl"));
    let mut process = launch_train(&request, &folder).unwrap();
    assert!(end_of(&mut process).unwrap_err().contains("missing.jsonl"));
    assert_eq!(Follower::open(folder).unwrap().view().state, RunState::Absent);
}
