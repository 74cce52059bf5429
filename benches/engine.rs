//! Measures the engine on this processor: `cargo bench --bench engine`, or with words that a row must contain, such as
//! `cargo bench --bench engine -- bf16 512`.
//!
//! `citelink bench` measures whole training steps with their optimizer; this measures forward and backward passes
//! alone, for whoever changes a kernel. The clock is the standard library's: changes worth keeping are far above its
//! noise, and criterion would add eleven crates to every build of the tests.

use citelink::model::{
    BertConfig, Compute, CrossEncoder, DropoutKey, ModelError, Precision, SavedModel, Weights, counter_random,
    set_threads,
};
use citelink::pairs::{Batch, EncodedPair};
use std::time::Instant;

/// Pairs at once.
const BATCH: usize = 8;

/// Tokens a pair.
const LENGTHS: [usize; 4] = [64, 128, 256, 512];

/// Measurements of which the median counts.
const MEASUREMENTS: usize = 5;

/// Each measurement repeats the work until it takes about this many seconds.
const SECONDS: f64 = 0.2;

fn main() -> Result<(), ModelError> {
    // Cargo passes `--bench` along.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let threads = set_threads(None);
    let scibert = BertConfig { vocab_size: 31_090, num_hidden_layers: 2, ..BertConfig::default() };
    println!("pairs per second, batches of {BATCH}, {threads} threads; learn: forward, backward, with dropout");
    println!("{:<17} {:<9} {:>6} {:>10} {:>10}", "shape", "precision", "tokens", "score", "learn");
    for (name, config) in [("bundled", SavedModel::bundled()?.config), ("scibert-2-layers", scibert)] {
        let weights = Weights::random(&config, 0);
        for precision in [Precision::F32, Precision::Bf16] {
            let model = CrossEncoder::new(&config, &weights, &Compute { precision, ..Compute::processor() })?;
            for length in LENGTHS.into_iter().filter(|&length| length <= config.max_position_embeddings) {
                let row = format!("{name:<17} {:<9} {length:>6}", precision.name());
                if !words.iter().all(|word| row.contains(word.as_str())) {
                    continue;
                }
                let batch = random_batch(&config, length);
                let score = BATCH as f64 / median_seconds(|| model.logits(&batch).map(drop))?;
                let mut gradient = model.parameters().zeros_like()?;
                let key = Some(DropoutKey { seed: 0, step: 0 });
                let mut learn = || {
                    let mut to_logits = |logits: &[[f32; 2]]| vec![[0.5, -0.5]; logits.len()];
                    model.backpropagate(&batch, key, &mut to_logits, &mut gradient).map(drop)
                };
                println!("{row} {score:>10.2} {:>10.2}", BATCH as f64 / median_seconds(&mut learn)?);
            }
        }
    }
    Ok(())
}

/// Pairs of random tokens that fill the whole length.
fn random_batch(config: &BertConfig, length: usize) -> Batch {
    let pairs: Vec<EncodedPair> = (0..BATCH as u64)
        .map(|pair| EncodedPair {
            ids: (0..length as u64)
                .map(|position| (counter_random(0, pair, 0, position) % config.vocab_size as u64) as u32)
                .collect(),
            type_ids: (0..length).map(|position| u32::from(position > length / 3)).collect(),
            ..EncodedPair::default()
        })
        .collect();
    Batch::of(&pairs.iter().collect::<Vec<_>>(), 0)
}

/// Seconds that the work takes.
fn median_seconds(mut work: impl FnMut() -> Result<(), ModelError>) -> Result<f64, ModelError> {
    let mut measure = |times: usize| {
        let began = Instant::now();
        for _ in 0..times {
            work()?;
        }
        Ok::<_, ModelError>(began.elapsed().as_secs_f64() / times as f64)
    };
    // The first time, buffers are allocated and weights packed.
    measure(1)?;
    let times = (SECONDS / measure(1)?).ceil().clamp(1.0, 1_000.0) as usize;
    let mut seconds = (0..MEASUREMENTS).map(|_| measure(times)).collect::<Result<Vec<_>, _>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[MEASUREMENTS / 2])
}
