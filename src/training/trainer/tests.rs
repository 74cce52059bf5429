//! Training on a GPU, for which the emulator stands in, beside training on the processor.

use super::*;
use crate::model::{BertConfig, Compute, Precision, Weights};

fn config() -> BertConfig {
    BertConfig {
        vocab_size: 40,
        hidden_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 24,
        hidden_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.1,
        ..BertConfig::default()
    }
}

/// Pairs of 4 to 12 tokens, a third of them citations.
fn examples(count: usize) -> Examples {
    let pair = |index: usize| {
        let length = 4 + index * 5 % 9;
        EncodedPair {
            ids: (0..length).map(|place| ((index * 7 + place * 3) % 40) as u32).collect(),
            type_ids: (0..length).map(|place| u32::from(place * 2 >= length)).collect(),
            sentence_cut: false,
            reference_tokens_cut: 0,
        }
    };
    let labels = (0..count).map(|index| u8::from(index.is_multiple_of(3))).collect();
    Examples { pairs: (0..count).map(pair).collect(), labels }
}

/// Two micro-batches a step, five steps an epoch of 20 examples.
fn hyperparameters() -> Hyperparameters {
    Hyperparameters {
        learning_rate: 1e-3,
        epochs: 2,
        batch_size: 2,
        accumulation: 2,
        log_every: 4,
        ..Hyperparameters::default()
    }
}

fn on_processor(hyperparameters: Hyperparameters) -> Trainer {
    let config = config();
    let model = CrossEncoder::new(&config, &Weights::random(&config, 3), &Compute::processor()).unwrap();
    Trainer::new(model, hyperparameters, [0.75, 1.5], 0).unwrap()
}

/// None where there is no C++ compiler to build the emulator with.
fn on_gpu(hyperparameters: Hyperparameters) -> Option<Trainer> {
    let config = config();
    let model = CrossEncoder::emulated(&config, &Weights::random(&config, 3), Precision::F32).unwrap()?;
    Some(Trainer::new(model, hyperparameters, [0.75, 1.5], 0).unwrap())
}

/// Keeps everything, and stops after a step.
#[derive(Default)]
struct Recorder {
    reports: Vec<StepReport>,
    evaluations: Vec<Evaluation>,
    stop_after: Option<u64>,
    state: Option<Result<TrainerState, TrainingError>>,
}

impl Observer for Recorder {
    fn logged(&mut self, report: &StepReport) -> Result<(), ObserverError> {
        self.reports.push(StepReport { seconds: 0.0, ..*report });
        Ok(())
    }

    fn evaluated(&mut self, evaluation: &Evaluation, _trainer: &Trainer) -> Result<(), ObserverError> {
        self.evaluations.push(evaluation.clone());
        Ok(())
    }

    fn between_steps(&mut self, trainer: &Trainer) -> Result<Control, ObserverError> {
        if self.stop_after != Some(trainer.step()) {
            return Ok(Control::Continue);
        }
        self.state = Some(trainer.state());
        Ok(Control::Stop)
    }
}

fn fit(trainer: &mut Trainer, train: usize, stop_after: Option<u64>) -> Recorder {
    let mut recorder = Recorder { stop_after, ..Recorder::default() };
    let outcome = trainer.fit(&examples(train), &examples(5), &mut recorder).unwrap();
    assert_eq!(outcome, if stop_after.is_some() { Outcome::Stopped } else { Outcome::Finished });
    recorder
}

fn assert_close(found: &Recorder, expected: &Recorder) {
    assert_eq!(found.reports.len(), expected.reports.len());
    for (found, expected) in found.reports.iter().zip(&expected.reports) {
        assert!((found.loss - expected.loss).abs() < 1e-3, "{found:?} {expected:?}");
        assert!((found.gradient_norm / expected.gradient_norm - 1.0).abs() < 1e-2, "{found:?} {expected:?}");
        let counts = |report: &StepReport| (report.step, report.examples, report.tokens, report.learning_rate);
        assert_eq!(counts(found), counts(expected));
    }
    assert_eq!(found.evaluations.len(), expected.evaluations.len());
    for (found, expected) in found.evaluations.iter().zip(&expected.evaluations) {
        assert!((found.loss - expected.loss).abs() < 1e-3, "{found:?} {expected:?}");
    }
}

#[test]
fn a_gpu_trains_as_the_processor_does() {
    let Some(mut gpu) = on_gpu(hyperparameters()) else { return };
    let found = fit(&mut gpu, 20, None);
    assert_eq!(found.reports.iter().map(|report| report.step).collect::<Vec<_>>(), [4, 8, 10]);
    assert_close(&found, &fit(&mut on_processor(hyperparameters()), 20, None));
}

/// More steps between two reports than there is room for on the GPU.
#[test]
fn no_loss_is_forgotten_between_reports() {
    let settings = Hyperparameters { epochs: 1, batch_size: 1, accumulation: 1, log_every: 1_000, ..hyperparameters() };
    let Some(mut gpu) = on_gpu(settings) else { return };
    let found = fit(&mut gpu, 70, None);
    assert_eq!(found.reports.len(), 1);
    assert_close(&found, &fit(&mut on_processor(settings), 70, None));
}

/// The state is taken while the losses of two steps are still on the GPU.
#[test]
fn a_resumed_training_on_a_gpu_ends_where_an_uninterrupted_one_does() {
    let Some([mut whole, mut stopped, mut resumed]) = [0; 3]
        .map(|_| on_gpu(hyperparameters()))
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .map(|all| <[Trainer; 3]>::try_from(all).unwrap())
    else {
        return;
    };
    let expected = fit(&mut whole, 20, None);
    let begun = fit(&mut stopped, 20, Some(7));
    // What was taken before must not reach into what is resumed.
    fit(&mut resumed, 20, Some(3));
    resumed.restore(&begun.state.unwrap().unwrap()).unwrap();
    let ended = fit(&mut resumed, 20, None);
    assert_eq!([begun.reports, ended.reports].concat(), expected.reports);
    assert_eq!([begun.evaluations, ended.evaluations].concat(), expected.evaluations);
    let values = |trainer: &Trainer| {
        let weights = trainer.model.weights().unwrap();
        weights.tensors.into_values().map(|tensor| tensor.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    let [expected, found]: [Vec<Vec<f32>>; 2] = [values(&whole), values(&resumed)];
    assert!(expected == found);
}

#[test]
fn a_diverged_training_on_a_gpu_is_found_out() {
    let settings = Hyperparameters { learning_rate: 1e30, ..hyperparameters() };
    let diverged = |failure: &TrainingError| {
        matches!(failure, TrainingError::Diverged { step: 2, .. } | TrainingError::GradientDiverged { step: 2, .. })
    };
    let Some(mut trainer) = on_gpu(settings) else { return };
    let failure = trainer.fit(&examples(20), &examples(5), &mut Recorder::default()).unwrap_err();
    assert!(diverged(&failure), "{failure}");
    // Nothing is kept of it either.
    let Some(mut trainer) = on_gpu(settings) else { return };
    let failure = fit(&mut trainer, 20, Some(3)).state.unwrap().unwrap_err();
    assert!(diverged(&failure), "{failure}");
}
