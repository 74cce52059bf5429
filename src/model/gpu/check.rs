//! The GPU's engine held against the processor's: in tests, and on each GPU before it is used, because a driver compiles
//! the kernels anew for every kind.

use super::backend::Backend;
use super::{DeviceParameters, GpuEngine};
use crate::model::engine::Engine;
use crate::model::{BertConfig, DropoutKey, Layout, ModelError, Precision, counter_random};
use crate::pairs::Batch;
use std::sync::Arc;

/// By how much both engines differ in one result.
#[derive(Debug)]
pub(super) struct Difference {
    pub of: String,
    /// See [`distance`].
    pub size: f64,
}

/// What is between two right engines: TF32 has ten bits of fraction and bf16 seven, and both round on their own ways.
pub(super) fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 4e-3,
        Precision::Bf16 => 4e-2,
    }
}

/// Refuses a GPU that does not compute what the processor computes, on a small model.
pub(super) fn check<B: Backend>(backend: &Arc<B>, precision: Precision) -> Result<(), ModelError> {
    let config = BertConfig {
        vocab_size: 40,
        hidden_size: 128,
        num_attention_heads: 2,
        num_hidden_layers: 2,
        intermediate_size: 64,
        max_position_embeddings: 96,
        ..BertConfig::default()
    };
    let lengths = vec![70, 33];
    let slots = 0..140;
    let batch = Batch {
        rows: 2,
        length: 70,
        lengths,
        ids: slots.clone().map(|slot| slot * 7 % 40).collect(),
        type_ids: slots.map(|slot| slot % 3 / 2).collect(),
    };
    let found = largest_difference(backend, &config, &batch, precision)?;
    // Not a number is not below the tolerance either.
    if found.size < tolerance(precision) {
        return Ok(());
    }
    let Difference { of, size } = found;
    Err(ModelError::Device(format!("the GPU and the processor differ by {size:.4} in {of}")))
}

/// The result in which the engines differ most: logits, and gradients by parameter, with and without dropout.
pub(super) fn largest_difference<B: Backend>(
    backend: &Arc<B>,
    config: &BertConfig,
    batch: &Batch,
    precision: Precision,
) -> Result<Difference, ModelError> {
    let layout = Arc::new(Layout::new(config));
    let values = parameters(&layout);
    let mut device = DeviceParameters::zeros(backend.clone(), layout.clone(), Some(precision))?;
    device.write(0..layout.length(), &values)?;
    let gpu = GpuEngine::new(backend.clone(), config, &layout, precision)?;
    let engine = Engine::new(config, &layout, precision)?;

    let (found, expected) = (gpu.logits(&device, batch)?, engine.logits(&values, batch));
    let size = distance(found.as_flattened(), expected.as_flattened(), 0.0);
    let mut largest = Difference { of: "logits".to_owned(), size };
    for dropout in [None, Some(DropoutKey { seed: 11, step: 3 })] {
        let mut expected = vec![0.0; layout.length()];
        engine.backpropagate(&values, batch, dropout, &mut |logits| slopes(logits), &mut expected);
        let mut gradient = device.zeros_like()?;
        gpu.backpropagate(&device, batch, dropout, &mut |logits| slopes(logits), &mut gradient)?;
        let found = gradient.read(0..layout.length())?;
        let least = 0.1 * root_mean_square(&expected);
        for segment in layout.segments() {
            let size = distance(&found[segment.range.clone()], &expected[segment.range.clone()], least);
            if size.is_nan() || size > largest.size {
                largest = Difference { of: format!("the gradient of {}, dropout {dropout:?}", segment.name), size };
            }
        }
    }
    Ok(largest)
}

/// Numbers around 0, and around 1 for LayerNorm's weights.
pub(super) fn parameters(layout: &Layout) -> Vec<f32> {
    let mut values = vec![0.0; layout.length()];
    for segment in layout.segments() {
        let around = f32::from(segment.name.ends_with("LayerNorm.weight"));
        let size = if segment.shape.len() == 2 { 1.5 / (segment.shape[1] as f32).sqrt() } else { 0.2 };
        for place in segment.range.clone() {
            let random = counter_random(5, 0, 0, place as u64) as f64 / u64::MAX as f64;
            values[place] = around + size * (2.0 * random as f32 - 1.0);
        }
    }
    values
}

/// Slopes of a loss, different in each row.
fn slopes(logits: &[[f32; 2]]) -> Vec<[f32; 2]> {
    (0..logits.len()).map(|row| [0.5 - row as f32, 0.25 * row as f32 + 0.1]).collect()
}

fn root_mean_square(values: &[f32]) -> f64 {
    (values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// The size of the difference, measured against that of what is expected, or against `least`, because some gradients
/// are zero but for rounding: those of keys' biases, and of queries that have one key.
pub(super) fn distance(found: &[f32], expected: &[f32], least: f64) -> f64 {
    assert_eq!(found.len(), expected.len());
    let difference: Vec<f32> = found.iter().zip(expected).map(|(found, expected)| found - expected).collect();
    root_mean_square(&difference) / root_mean_square(expected).max(least)
}
