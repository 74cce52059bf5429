//! Weighted cross-entropy: Σ w·ℓ / Σ w over a batch, ℓ = −log softmax(logits)[label], w the label's class weight.

use crate::model::ModelError;
use candle_core::{D, Tensor};

/// Σ w over the labels.
pub(super) fn total_weight(labels: &[u8], class_weights: [f64; 2]) -> f64 {
    labels.iter().map(|&label| class_weights[usize::from(label)]).sum()
}

/// Σ w·ℓ of a micro-batch divided by `total`, the Σ w of the whole batch: summed over the micro-batches of a batch it
/// is the loss of the batch, and so are its gradients. `logits`: rows × 2, f32.
pub(super) fn cross_entropy(
    logits: &Tensor,
    labels: &[u8],
    class_weights: [f64; 2],
    total: f64,
) -> Result<Tensor, ModelError> {
    // Row by row w / total at the label's column and 0 at the other.
    let shares: Vec<f32> = labels
        .iter()
        .flat_map(|&label| {
            let mut shares = [0.0; 2];
            shares[usize::from(label)] = (class_weights[usize::from(label)] / total) as f32;
            shares
        })
        .collect();
    let shares = Tensor::from_vec(shares, (labels.len(), 2), logits.device())?;
    let log_probabilities = candle_nn::ops::log_softmax(logits, D::Minus1)?;
    Ok((log_probabilities * shares)?.sum_all()?.neg()?)
}

/// The weighted mean of a batch from logits as numbers, in f64.
pub(super) fn batch_loss(logits: &[[f32; 2]], labels: &[u8], class_weights: [f64; 2]) -> f64 {
    let sum: f64 = logits
        .iter()
        .zip(labels)
        .map(|(logits, &label)| {
            let label = usize::from(label);
            // −log softmax at the label = log(1 + e^(other − label's)), without overflow.
            let margin = f64::from(logits[1 - label]) - f64::from(logits[label]);
            class_weights[label] * (margin.max(0.0) + (-margin.abs()).exp().ln_1p())
        })
        .sum();
    sum / total_weight(labels, class_weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    const WEIGHTS: [f64; 2] = [0.75, 1.5];

    #[test]
    fn both_forms_agree_and_micro_batches_add_up() {
        let logits = [[0.3f32, -0.2], [1.5, 2.5], [-40.0, 60.0], [0.0, 0.0]];
        let labels = [0, 1, 0, 1];
        let tensor = Tensor::new(&logits, &Device::Cpu).unwrap();
        let total = total_weight(&labels, WEIGHTS);
        let whole = cross_entropy(&tensor, &labels, WEIGHTS, total).unwrap().to_scalar::<f32>().unwrap();
        let expected = batch_loss(&logits, &labels, WEIGHTS);
        assert!((f64::from(whole) - expected).abs() < 1e-5, "{whole} {expected}");
        let parts: f32 = [0, 2]
            .into_iter()
            .map(|start| {
                let logits = tensor.narrow(0, start, 2).unwrap();
                cross_entropy(&logits, &labels[start..start + 2], WEIGHTS, total).unwrap().to_scalar::<f32>().unwrap()
            })
            .sum();
        assert!((whole - parts).abs() < 1e-6);
    }

    #[test]
    fn by_hand() {
        // Two equal logits: ℓ = ln 2 whatever the weights.
        assert!((batch_loss(&[[1.0, 1.0]; 2], &[0, 1], WEIGHTS) - std::f64::consts::LN_2).abs() < 1e-12);
        // ℓ = 100 where the margin is 100 the wrong way.
        assert!((batch_loss(&[[0.0, 100.0]], &[0], WEIGHTS) - 100.0).abs() < 1e-9);
    }
}
