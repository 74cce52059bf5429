//! Training from start to end, through the public interface.

mod tiny;

use citelink::model::{BertConfig, Weights};
use citelink::training::{
    Control, Evaluation, Examples, Hyperparameters, Observer, ObserverError, Outcome, StepReport, Trainer,
    TrainerState, TrainingError,
};
use std::time::{Duration, Instant};

/// Keeps everything, and stops after a step or within an evaluation.
#[derive(Default)]
struct Recorder {
    reports: Vec<StepReport>,
    evaluations: Vec<Evaluation>,
    stop_after: Option<u64>,
    /// Once so many validation examples of the first epoch are scored.
    stop_evaluation_at: Option<usize>,
    /// The last number of scored validation examples heard of.
    scored: usize,
    /// How long it takes to hear of an evaluation's batch.
    pause: Duration,
    state: Option<TrainerState>,
}

impl Recorder {
    /// The reports but for their times.
    fn losses(&self) -> Vec<StepReport> {
        self.reports.iter().map(|report| StepReport { seconds: 0.0, ..*report }).collect()
    }
}

impl Observer for Recorder {
    fn logged(&mut self, report: &StepReport) -> Result<(), ObserverError> {
        self.reports.push(*report);
        Ok(())
    }

    fn evaluated(&mut self, evaluation: &Evaluation, _trainer: &Trainer) -> Result<(), ObserverError> {
        self.evaluations.push(evaluation.clone());
        Ok(())
    }

    fn between_steps(&mut self, trainer: &Trainer) -> Result<Control, ObserverError> {
        let within_evaluation = self.stop_evaluation_at.is_some_and(|at| self.scored >= at);
        if within_evaluation || self.stop_after == Some(trainer.step()) {
            self.state = Some(trainer.state()?);
            return Ok(Control::Stop);
        }
        Ok(Control::Continue)
    }

    fn evaluating(&mut self, done: usize, _total: usize) -> Control {
        self.scored = done;
        std::thread::sleep(self.pause);
        if self.stop_evaluation_at.is_some_and(|at| done >= at) { Control::Stop } else { Control::Continue }
    }
}

fn config() -> BertConfig {
    BertConfig { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ..tiny::config() }
}

fn examples(count: usize, seed: usize) -> Examples {
    let pairs = (0..count).map(|index| tiny::pair(9 + (index * 7 + seed) % 23, index * 3 + seed)).collect();
    let labels = (0..count).map(|index| u8::from((index + seed).is_multiple_of(3))).collect();
    Examples { pairs, labels }
}

fn hyperparameters() -> Hyperparameters {
    Hyperparameters {
        learning_rate: 1e-3,
        epochs: 2,
        batch_size: 3,
        accumulation: 2,
        log_every: 3,
        ..Default::default()
    }
}

fn trainer(hyperparameters: Hyperparameters) -> Trainer {
    Trainer::new(tiny::model(&config()), hyperparameters, [0.75, 1.5], 0).unwrap()
}

fn numbers(weights: &Weights) -> Vec<(String, Vec<u32>)> {
    weights
        .tensors
        .iter()
        .map(|(name, tensor)| {
            let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
            (name.clone(), values.into_iter().map(f32::to_bits).collect())
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let run = || {
        let mut trainer = trainer(hyperparameters());
        let mut recorder = Recorder::default();
        let outcome = trainer.fit(&examples(20, 0), &examples(11, 5), &mut recorder).unwrap();
        assert_eq!(outcome, Outcome::Finished);
        (numbers(&trainer.model().weights().unwrap()), recorder)
    };
    let (first, recorder) = run();
    let (second, _) = run();
    assert!(first == second);
    assert!(first != numbers(&tiny::weights(&config())));
    // 20 examples in batches of 3 are 7, in groups of 2 are 4 steps an epoch.
    assert_eq!(recorder.reports.iter().map(|report| report.step).collect::<Vec<_>>(), [3, 6, 8]);
    assert_eq!(recorder.reports.iter().map(|report| report.examples).sum::<u64>(), 40);
    assert_eq!(recorder.evaluations.iter().map(|evaluation| evaluation.step).collect::<Vec<_>>(), [4, 8]);
    assert!(recorder.evaluations[0].improved);
}

#[test]
fn a_resumed_training_ends_where_an_uninterrupted_one_does() {
    let (train, validation) = (examples(20, 0), examples(11, 5));
    let mut whole = trainer(hyperparameters());
    let mut whole_recorder = Recorder::default();
    whole.fit(&train, &validation, &mut whole_recorder).unwrap();
    let expected = numbers(&whole.model().weights().unwrap());
    for stop_after in 1..8 {
        let mut recorder = Recorder { stop_after: Some(stop_after), ..Default::default() };
        let mut first = trainer(hyperparameters());
        assert_eq!(first.fit(&train, &validation, &mut recorder).unwrap(), Outcome::Stopped);
        let mut state = recorder.state.take().unwrap();
        // Through text, as a file would keep it.
        state.position = serde_json::from_str(&state.position.to_string()).unwrap();
        let mut second = trainer(hyperparameters());
        second.restore(&state).unwrap();
        recorder.stop_after = None;
        assert_eq!(second.fit(&train, &validation, &mut recorder).unwrap(), Outcome::Finished);
        assert!(numbers(&second.model().weights().unwrap()) == expected, "stopped after {stop_after}");
        assert_eq!(recorder.losses(), whole_recorder.losses());
        assert_eq!(recorder.evaluations, whole_recorder.evaluations);
    }
}

#[test]
fn a_stop_within_an_evaluation_does_not_wait_for_its_end() {
    let (train, validation) = (examples(20, 0), examples(43, 5));
    let mut whole = trainer(hyperparameters());
    let mut whole_recorder = Recorder::default();
    whole.fit(&train, &validation, &mut whole_recorder).unwrap();
    // In batches of 8.
    for (stop_at, scored) in [(1, 8), (17, 24)] {
        let mut recorder = Recorder { stop_evaluation_at: Some(stop_at), ..Default::default() };
        let mut first = trainer(hyperparameters());
        assert_eq!(first.fit(&train, &validation, &mut recorder).unwrap(), Outcome::Stopped);
        assert_eq!((recorder.scored, recorder.evaluations.len()), (scored, 0));
        let mut second = trainer(hyperparameters());
        second.restore(&recorder.state.take().unwrap()).unwrap();
        assert_eq!(second.step(), 4);
        recorder.stop_evaluation_at = None;
        assert_eq!(second.fit(&train, &validation, &mut recorder).unwrap(), Outcome::Finished);
        assert!(numbers(&second.model().weights().unwrap()) == numbers(&whole.model().weights().unwrap()));
        assert_eq!(recorder.evaluations, whole_recorder.evaluations);
        assert_eq!(recorder.losses(), whole_recorder.losses());
    }
}

#[test]
fn logged_seconds_are_of_training_alone() {
    let (train, validation) = (examples(20, 0), examples(43, 5));
    let mut recorder = Recorder { pause: Duration::from_millis(40), ..Default::default() };
    let began = Instant::now();
    trainer(hyperparameters()).fit(&train, &validation, &mut recorder).unwrap();
    let pauses = recorder.pause * 2 * 43_u32.div_ceil(8);
    let seconds: f64 = recorder.reports.iter().map(|report| report.seconds).sum();
    assert!(seconds > 0.0 && seconds + pauses.as_secs_f64() <= began.elapsed().as_secs_f64(), "{seconds}");
}

#[test]
fn accumulation_changes_nothing_but_rounding() {
    let (train, validation) = (examples(24, 0), examples(11, 5));
    let losses = |batch_size: usize, accumulation: usize| {
        let settings = Hyperparameters { batch_size, accumulation, log_every: 1, ..hyperparameters() };
        let mut trainer = Trainer::new(tiny::model(&tiny::config()), settings, [0.75, 1.5], 0).unwrap();
        let mut recorder = Recorder::default();
        trainer.fit(&train, &validation, &mut recorder).unwrap();
        recorder.reports.iter().map(|report| report.loss).collect::<Vec<_>>()
    };
    let (whole, parts) = (losses(8, 1), losses(2, 4));
    assert_eq!(whole.len(), 6);
    assert!(whole.iter().zip(&parts).all(|(whole, part)| (whole - part).abs() < 1e-4), "{whole:?} {parts:?}");
}

#[test]
fn a_loss_that_is_no_number_ends_it() {
    let settings = Hyperparameters { learning_rate: 1e30, ..hyperparameters() };
    let failure = trainer(settings).fit(&examples(20, 0), &examples(3, 1), &mut Recorder::default()).unwrap_err();
    assert!(matches!(failure, TrainingError::Diverged { .. } | TrainingError::GradientDiverged { .. }), "{failure}");
}

#[test]
fn a_state_of_another_run_is_refused() {
    let mut first = trainer(hyperparameters());
    let mut recorder = Recorder { stop_after: Some(2), ..Default::default() };
    first.fit(&examples(20, 0), &examples(11, 5), &mut recorder).unwrap();
    let mut state = recorder.state.unwrap();
    let mut second = trainer(hyperparameters());
    second.restore(&state).unwrap();
    let failure = second.fit(&examples(21, 0), &examples(11, 5), &mut Recorder::default()).unwrap_err();
    assert!(failure.to_string().contains("20 training examples"), "{failure}");
    state.tensors.remove("parameter.classifier.bias");
    let failure = trainer(hyperparameters()).restore(&state).unwrap_err();
    assert!(failure.to_string().contains("parameter.classifier.bias"), "{failure}");
}

fn golden() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/bert.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// 50 steps on the batches that Hugging Face's `Trainer` was given in `goldens/bert.py`.
#[test]
fn the_loss_curve_agrees_with_hugging_face() {
    let golden = golden();
    let settings =
        Hyperparameters { learning_rate: 1e-3, epochs: 10, batch_size: 8, log_every: 1, ..Default::default() };
    let mut trainer = Trainer::new(tiny::model(&tiny::config()), settings, [0.75, 1.5], 0).unwrap();
    let mut recorder = Recorder::default();
    trainer.fit(&examples(37, 0), &examples(19, 5), &mut recorder).unwrap();

    let steps = golden["curve"]["steps"].as_array().unwrap();
    assert_eq!((recorder.reports.len(), steps.len()), (50, 50));
    for (report, expected) in recorder.reports.iter().zip(steps) {
        let expected = |field: &str| expected[field].as_f64().unwrap();
        let near = |found: f64, field: &str, share: f64| {
            let expected = expected(field);
            assert!((found - expected).abs() <= share * expected.abs(), "{field} {found} {expected}: {report:?}");
        };
        near(report.step as f64, "step", 0.0);
        near(report.epoch, "epoch", 1e-9);
        near(report.learning_rate, "learning_rate", 1e-9);
        near(report.loss, "loss", 0.01);
        near(report.gradient_norm, "gradient_norm", 0.02);
    }
    let losses = golden["curve"]["validation_losses"].as_array().unwrap();
    assert_eq!(recorder.evaluations.len(), losses.len());
    for (evaluation, expected) in recorder.evaluations.iter().zip(losses) {
        let expected = expected.as_f64().unwrap();
        assert!((evaluation.loss - expected).abs() < 0.01 * expected, "{} {expected}", evaluation.loss);
    }
    let best = recorder.evaluations.iter().rposition(|evaluation| evaluation.improved).unwrap();
    let lowest = losses.iter().map(|loss| loss.as_f64().unwrap()).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    assert_eq!(best, lowest.unwrap().0);
}

#[test]
fn steps_are_counted_as_hugging_face_counts_them() {
    for count in golden()["step_counts"].as_array().unwrap() {
        let number = |field: &str| count[field].as_u64().unwrap();
        let settings = Hyperparameters {
            epochs: 2,
            batch_size: 8,
            accumulation: number("accumulation") as usize,
            ..Default::default()
        };
        assert_eq!(trainer(settings).total_steps(number("examples") as usize), number("steps"));
    }
}
