//! The epoch's evaluation on the validation part.

use super::loss::batch_loss;
use super::{Control, Examples};
use crate::evaluation::{Confusion, Metrics};
use crate::model::{CrossEncoder, ModelError};
use crate::pairs::{Batch, by_length};

/// Pairs scored at once, and the batch within which Hugging Face's `Trainer` weights the validation loss.
const BATCH: usize = 8;

/// What evaluating found.
pub(super) struct Evaluated {
    pub(super) loss: f64,
    /// At the larger logit.
    pub(super) metrics: Metrics,
    /// One an example, in order.
    pub(super) logits: Vec<[f32; 2]>,
}

/// Scores the examples and measures the model on them. `scored` hears (done, total) after each batch; None where
/// it stops before the last one.
///
/// Pairs are scored longest first, because a batch of equal lengths wastes nothing on padding; the loss is that of
/// batches in the order of the examples.
pub(super) fn evaluate(
    model: &CrossEncoder,
    examples: &Examples,
    class_weights: [f64; 2],
    pad_id: u32,
    scored: &mut dyn FnMut(usize, usize) -> Control,
) -> Result<Option<Evaluated>, ModelError> {
    let total = examples.pairs.len();
    let mut logits = vec![[0.0; 2]; total];
    let mut done = 0;
    for positions in by_length(&examples.pairs).chunks(BATCH) {
        let pairs: Vec<_> = positions.iter().map(|&position| &examples.pairs[position]).collect();
        for (&position, found) in positions.iter().zip(model.logits(&Batch::of(&pairs, pad_id))?) {
            logits[position] = found;
        }
        done += positions.len();
        if scored(done, total) == Control::Stop && done < total {
            return Ok(None);
        }
    }
    let loss = validation_loss(&logits, &examples.labels, class_weights);
    Ok(Some(Evaluated { loss, metrics: confusion(&logits, &examples.labels).metrics(), logits }))
}

/// The weighted mean within each batch of 8, averaged over batches by their size.
fn validation_loss(logits: &[[f32; 2]], labels: &[u8], class_weights: [f64; 2]) -> f64 {
    let sum: f64 = logits
        .chunks(BATCH)
        .zip(labels.chunks(BATCH))
        .map(|(logits, labels)| batch_loss(logits, labels, class_weights) * labels.len() as f64)
        .sum();
    sum / labels.len() as f64
}

/// Decisions at the larger logit; equal ones mean class 0, the first, as with NumPy's `argmax`.
fn confusion(logits: &[[f32; 2]], labels: &[u8]) -> Confusion {
    let mut confusion = Confusion::default();
    for (logits, &label) in logits.iter().zip(labels) {
        match (logits[1] > logits[0], label == 1) {
            (true, true) => confusion.true_positive += 1,
            (true, false) => confusion.false_positive += 1,
            (false, true) => confusion.false_negative += 1,
            (false, false) => confusion.true_negative += 1,
        }
    }
    confusion
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_averaged_over_batches_by_their_size() {
        let weights = [0.5, 4.0];
        let labels = [1, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let logits: Vec<[f32; 2]> = (0..10).map(|row| [0.1 * row as f32, 0.2]).collect();
        let first = batch_loss(&logits[..8], &labels[..8], weights);
        let second = batch_loss(&logits[8..], &labels[8..], weights);
        assert_eq!(validation_loss(&logits, &labels, weights), (first * 8.0 + second * 2.0) / 10.0);
    }

    #[test]
    fn equal_logits_mean_class_0() {
        let confusion = confusion(&[[1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]], &[1, 1, 0, 0]);
        let expected = Confusion { true_positive: 1, false_positive: 1, false_negative: 1, true_negative: 1 };
        assert_eq!(confusion, expected);
    }
}
