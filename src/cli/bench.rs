//! `citelink bench`

use super::output::print_json;
use crate::model::{
    BertConfig, Compute, CrossEncoder, DeviceChoice, ModelError, ModelSource, Precision, Weights, counter_random,
    set_threads,
};
use crate::pairs::{Batch, EncodedPair};
use crate::progress::Unwatched;
use crate::training::{Control, Evaluation, Examples, Hyperparameters, Observer, ObserverError, StepReport, Trainer};
use anyhow::bail;
use serde::Serialize;
use std::time::Instant;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model to measure: a folder, a hub id or `bundled`; without it, random weights of SciBERT's shape.
    #[arg(long, value_name = "MODEL")]
    base: Option<String>,
    /// Pairs at once.
    #[arg(long, default_value_t = 8, value_parser = at_least_one)]
    batch: usize,
    /// Tokens a pair.
    #[arg(long, value_delimiter = ',', default_values_t = [128, 512], value_parser = at_least_one)]
    lengths: Vec<usize>,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Work::Infer, Work::Train])]
    work: Vec<Work>,
    /// Without it, each that the device has.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Threads to compute with; without it, one a core.
    #[arg(long, value_parser = at_least_one)]
    threads: Option<usize>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Work {
    /// Scoring.
    Infer,
    /// Whole optimizer steps.
    Train,
}

#[derive(Debug, Serialize)]
struct Measurements {
    threads: usize,
    device: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    work: Work,
    precision: Precision,
    batch: usize,
    length: usize,
    /// Pairs.
    per_second: f64,
}

/// Measurements of which the median counts.
const MEASUREMENTS: usize = 3;

/// Each measurement repeats the work until it takes about this long.
const SECONDS: f64 = 0.25;

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let threads = set_threads(arguments.threads);
    let (config, weights) = if let Some(base) = &arguments.base {
        let model = ModelSource::parse(base).load(&Unwatched)?;
        let mut weights = model.weights;
        weights.complete(&model.config, 0, base.as_ref())?;
        (model.config, weights)
    } else {
        let config = BertConfig { vocab_size: 31_090, ..BertConfig::default() };
        let weights = Weights::random(&config, 0);
        (config, weights)
    };
    if let Some(length) = arguments.lengths.iter().find(|&&length| length > config.max_position_embeddings) {
        bail!("--lengths {length} is more than the model's {} positions", config.max_position_embeddings);
    }
    let precisions = arguments.precision.map_or(vec![Precision::F32, Precision::Bf16], |precision| vec![precision]);
    let mut measurements = Measurements { threads, device: "", rows: Vec::new() };
    for precision in precisions {
        let compute = Compute::choose(arguments.device, Some(precision))?;
        measurements.device = compute.device_name();
        let new_model = || CrossEncoder::new(&config, &weights, &compute);
        for &work in &arguments.work {
            for &length in &arguments.lengths {
                eprintln!("measuring {work:?}, {}, {length} tokens", precision.name());
                let pairs = random_pairs(&config, arguments.batch, length);
                let seconds = match work {
                    Work::Infer => infer(&new_model()?, &pairs)?,
                    Work::Train => train(&new_model, &pairs)?,
                };
                let per_second = arguments.batch as f64 / seconds;
                measurements.rows.push(Row { work, precision, batch: arguments.batch, length, per_second });
            }
        }
    }
    if arguments.json {
        return print_json(&measurements);
    }
    println!("{} threads on {}", measurements.threads, measurements.device);
    println!("{:<6} {:<9} {:>5} {:>6} {:>12}", "work", "precision", "batch", "length", "pairs/second");
    for row in &measurements.rows {
        let work = format!("{:?}", row.work).to_lowercase();
        let (precision, batch, length, rate) = (row.precision.name(), row.batch, row.length, row.per_second);
        println!("{work:<6} {precision:<9} {batch:>5} {length:>6} {rate:>12.3}");
    }
    Ok(())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("it must be a whole number of at least 1".to_owned()),
    }
}

/// Pairs of random tokens that fill the whole length, a third of it sentence.
fn random_pairs(config: &BertConfig, count: usize, length: usize) -> Vec<EncodedPair> {
    (0..count)
        .map(|pair| EncodedPair {
            ids: (0..length)
                .map(|position| {
                    let random = counter_random(0, pair as u64, length as u64, position as u64);
                    (random % config.vocab_size as u64) as u32
                })
                .collect(),
            type_ids: (0..length).map(|position| u32::from(position > length / 3)).collect(),
            ..EncodedPair::default()
        })
        .collect()
}

/// Times to repeat work that took so many seconds.
fn repetitions(seconds: f64) -> usize {
    (SECONDS / seconds).ceil().clamp(1.0, 1_000.0) as usize
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Seconds a scored batch.
fn infer(model: &CrossEncoder, pairs: &[EncodedPair]) -> anyhow::Result<f64> {
    let batch = Batch::of(&pairs.iter().collect::<Vec<_>>(), 0);
    let score = |times: usize| -> anyhow::Result<f64> {
        let began = Instant::now();
        for _ in 0..times {
            model.logits(&batch)?;
        }
        Ok(began.elapsed().as_secs_f64() / times as f64)
    };
    let times = repetitions(score(1)?);
    Ok(median((0..MEASUREMENTS).map(|_| score(times)).collect::<anyhow::Result<_>>()?))
}

/// Makes the model to be measured.
type NewModel<'a> = dyn Fn() -> Result<CrossEncoder, ModelError> + 'a;

/// Seconds an optimizer step.
fn train(new_model: &NewModel<'_>, pairs: &[EncodedPair]) -> anyhow::Result<f64> {
    let times = repetitions(train_steps(new_model()?, pairs, 1, 1)?[0]);
    // The first steps warm up: memory is given out as they touch it.
    Ok(median(train_steps(new_model()?, pairs, 1 + MEASUREMENTS, times)?.split_off(1)))
}

/// Trains `measurements × times` steps, each on the same pairs, and gives each measurement's seconds a step.
fn train_steps(
    model: CrossEncoder,
    pairs: &[EncodedPair],
    measurements: usize,
    times: usize,
) -> anyhow::Result<Vec<f64>> {
    let steps = measurements * times;
    let examples = Examples {
        pairs: (0..steps).flat_map(|_| pairs).cloned().collect(),
        labels: (0..steps * pairs.len()).map(|example| u8::from(example % 2 == 1)).collect(),
    };
    let hyperparameters =
        Hyperparameters { epochs: 1, batch_size: pairs.len(), log_every: times, ..Hyperparameters::default() };
    let mut trainer = Trainer::new(model, hyperparameters, [1.0, 1.0], 0)?;
    let mut clock = StepClock { seconds: Vec::new(), steps: steps as u64 };
    trainer.fit(&examples, &examples, &mut clock)?;
    Ok(clock.seconds.into_iter().map(|seconds| seconds / times as f64).collect())
}

/// Notes how long each logged group of steps took, and stops before the evaluation.
struct StepClock {
    seconds: Vec<f64>,
    steps: u64,
}

impl Observer for StepClock {
    fn logged(&mut self, report: &StepReport) -> Result<(), ObserverError> {
        self.seconds.push(report.seconds);
        Ok(())
    }

    fn evaluated(&mut self, _evaluation: &Evaluation, _trainer: &Trainer) -> Result<(), ObserverError> {
        Ok(())
    }

    fn between_steps(&mut self, trainer: &Trainer) -> Result<Control, ObserverError> {
        Ok(if trainer.step() == self.steps { Control::Stop } else { Control::Continue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_a_small_model() {
        let config = BertConfig {
            vocab_size: 50,
            hidden_size: 16,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 16,
            ..BertConfig::default()
        };
        let pairs = random_pairs(&config, 2, 12);
        assert!(pairs.iter().all(|pair| pair.ids.len() == 12 && pair.ids.iter().all(|&id| id < 50)));
        assert_ne!(pairs[0].ids, pairs[1].ids);
        let model = CrossEncoder::new(&config, &Weights::random(&config, 0), &Compute::processor()).unwrap();
        assert!(infer(&model, &pairs).unwrap() > 0.0);
        assert_eq!(train_steps(model, &pairs, 3, 2).unwrap().len(), 3);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!((repetitions(10.0), repetitions(0.1), repetitions(0.0)), (1, 3, 1_000));
    }
}
