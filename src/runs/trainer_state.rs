//! `trainer_state.json` in the form of Hugging Face's `TrainerState`, for the tools that read it.

use super::{Event, EventKind, RunError, RunFolder};
use crate::files::write_atomically;
use crate::training::Hyperparameters;
use serde_json::{Value, json};
use std::io::Write;

/// Writes the file from the run's events up to `step`, of `total_steps`.
///
/// # Errors
/// [`RunError::File`].
pub(super) fn write_trainer_state(
    folder: &RunFolder,
    events: &[Event],
    hyperparameters: &Hyperparameters,
    step: u64,
    total_steps: u64,
) -> Result<(), RunError> {
    let state = trainer_state(folder, events, hyperparameters, step, total_steps);
    let path = folder.trainer_state();
    write_atomically(&path, |file| {
        serde_json::to_writer_pretty(&mut *file, &state)?;
        file.write_all(b"\n")
    })
    .map_err(|source| RunError::File { path, source })
}

/// The fields of transformers' `TrainerState`, by its names; what has no meaning here has its default.
fn trainer_state(
    folder: &RunFolder,
    events: &[Event],
    hyperparameters: &Hyperparameters,
    step: u64,
    total_steps: u64,
) -> Value {
    let mut history = Vec::new();
    let mut best: Option<(f64, u64)> = None;
    let mut epoch = 0.0;
    let mut logged = 0;
    let (mut loss_sum, mut seconds, mut examples) = (0.0, 0.0, 0);
    for event in events {
        match &event.kind {
            EventKind::Step(report) if report.step <= step => {
                history.push(json!({
                    "epoch": report.epoch,
                    "grad_norm": report.gradient_norm,
                    "learning_rate": report.learning_rate,
                    "loss": report.loss,
                    "step": report.step,
                }));
                loss_sum += report.loss * report.step.saturating_sub(logged) as f64;
                logged = report.step;
                seconds += report.seconds;
                examples += report.examples;
                epoch = report.epoch;
            }
            EventKind::Evaluated { epoch: evaluated, step: at, loss, metrics } if *at <= step => {
                history.push(json!({
                    "epoch": *evaluated as f64,
                    "eval_accuracy": metrics.accuracy,
                    "eval_f1": metrics.f1,
                    "eval_loss": loss,
                    "eval_precision": metrics.precision,
                    "eval_recall": metrics.recall,
                    "step": at,
                }));
                if best.is_none_or(|(lowest, _)| *loss < lowest) {
                    best = Some((*loss, *at));
                }
                epoch = *evaluated as f64;
            }
            _ => {}
        }
    }
    // Hugging Face counts the evaluations' time too, which tells less about the speed of training.
    if step == total_steps && logged > 0 && seconds > 0.0 {
        history.push(json!({
            "epoch": epoch,
            "step": step,
            "total_flos": 0.0,
            "train_loss": loss_sum / logged as f64,
            "train_runtime": seconds,
            "train_samples_per_second": examples as f64 / seconds,
            "train_steps_per_second": logged as f64 / seconds,
        }));
    }
    // Older events stand before those that replaced them only where a resumed run has not come as far again.
    history.sort_by_key(|entry| entry["step"].as_u64());
    json!({
        "best_global_step": best.map(|(_, at)| at),
        "best_metric": best.map(|(loss, _)| loss),
        "best_model_checkpoint": best.map(|_| folder.best().display().to_string()),
        "epoch": epoch,
        "eval_steps": total_steps / hyperparameters.epochs.max(1) as u64,
        "global_step": step,
        "is_hyper_param_search": false,
        "is_local_process_zero": true,
        "is_world_process_zero": true,
        "log_history": history,
        "logging_steps": hyperparameters.log_every,
        "max_steps": total_steps,
        "num_input_tokens_seen": 0,
        "num_train_epochs": hyperparameters.epochs,
        "save_steps": total_steps / hyperparameters.epochs.max(1) as u64,
        "stateful_callbacks": {},
        "total_flos": 0.0,
        "train_batch_size": hyperparameters.batch_size,
        "trial_name": null,
        "trial_params": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Metrics;
    use crate::training::StepReport;

    #[test]
    fn events_become_a_log_history() {
        let metrics = Metrics { accuracy: 0.5, precision: 0.25, recall: 1.0, f1: 0.4 };
        let step = |step, loss| {
            EventKind::Step(StepReport {
                step,
                epoch: step as f64 / 20.0,
                loss,
                learning_rate: 1e-5,
                gradient_norm: 1.5,
                examples: 80,
                tokens: 8000,
                seconds: 2.0,
            })
        };
        let evaluated = |epoch: usize, loss| EventKind::Evaluated { epoch, step: epoch as u64 * 20, loss, metrics };
        let kinds = [step(10, 0.7), step(20, 0.5), evaluated(1, 0.6), step(30, 0.4), step(40, 0.2), evaluated(2, 0.65)];
        let events: Vec<Event> =
            kinds.into_iter().map(|kind| Event { time: jiff::Timestamp::UNIX_EPOCH, kind }).collect();
        let hyperparameters = Hyperparameters { epochs: 2, ..Hyperparameters::default() };
        let folder = RunFolder::at("/runs/one");
        let state = trainer_state(&folder, &events, &hyperparameters, 40, 40);
        assert_eq!(state["best_metric"], 0.6);
        assert_eq!(state["best_global_step"], 20);
        assert_eq!(state["log_history"][0]["grad_norm"], 1.5);
        assert_eq!(state["log_history"][2]["eval_f1"], 0.4);
        let last = state["log_history"].as_array().unwrap().last().unwrap();
        assert!((last["train_loss"].as_f64().unwrap() - 0.45).abs() < 1e-12);
        assert_eq!(last["train_samples_per_second"], 40.0);

        let half = trainer_state(&folder, &events, &hyperparameters, 20, 40);
        assert_eq!(half["log_history"].as_array().unwrap().len(), 3);
        assert_eq!(half["epoch"], 1.0);
    }
}
