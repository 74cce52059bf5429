//! Weighted cross-entropy: Σ w·ℓ / Σ w over a batch, ℓ = −log softmax(logits)[label], w the label's class weight.

/// Σ w over the labels.
pub(super) fn total_weight(labels: &[u8], class_weights: [f64; 2]) -> f64 {
    labels.iter().map(|&label| class_weights[usize::from(label)]).sum()
}

/// Σ w·ℓ of a micro-batch divided by `total`, the Σ w of the whole batch, and its gradient with respect to the logits:
/// summed over the micro-batches of a batch they are the loss of the batch and its gradient.
pub(super) fn cross_entropy(
    logits: &[[f32; 2]],
    labels: &[u8],
    class_weights: [f64; 2],
    total: f64,
) -> (f64, Vec<[f32; 2]>) {
    let mut loss = 0.0;
    let slopes = (logits.iter().zip(labels))
        .map(|(logits, &label)| {
            let label = usize::from(label);
            let share = class_weights[label] / total;
            let margin = f64::from(logits[1 - label]) - f64::from(logits[label]);
            loss += share * minus_log_softmax(margin);
            // ∂ℓ is the other class's probability, down at the label and up at the other.
            let slope = (share / (1.0 + (-margin).exp())) as f32;
            let mut slopes = [slope; 2];
            slopes[label] = -slope;
            slopes
        })
        .collect();
    (loss, slopes)
}

/// ℓ = log(1 + e^margin), without overflow, where the margin is how much the other logit is above the label's.
fn minus_log_softmax(margin: f64) -> f64 {
    margin.max(0.0) + (-margin.abs()).exp().ln_1p()
}

/// The weighted mean of a batch from logits as numbers, in f64.
pub(super) fn batch_loss(logits: &[[f32; 2]], labels: &[u8], class_weights: [f64; 2]) -> f64 {
    let sum: f64 = logits
        .iter()
        .zip(labels)
        .map(|(logits, &label)| {
            let label = usize::from(label);
            let margin = f64::from(logits[1 - label]) - f64::from(logits[label]);
            class_weights[label] * minus_log_softmax(margin)
        })
        .sum();
    sum / total_weight(labels, class_weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: [f64; 2] = [0.75, 1.5];

    #[test]
    fn micro_batches_add_up_and_slopes_are_those_of_the_loss() {
        let logits = [[0.3f32, -0.2], [1.5, 2.5], [-40.0, 60.0], [0.0, 0.0]];
        let labels = [0, 1, 0, 1];
        let total = total_weight(&labels, WEIGHTS);
        let (whole, slopes) = cross_entropy(&logits, &labels, WEIGHTS, total);
        assert!((whole - batch_loss(&logits, &labels, WEIGHTS)).abs() < 1e-12);
        let part = |rows: std::ops::Range<usize>| cross_entropy(&logits[rows.clone()], &labels[rows], WEIGHTS, total).0;
        assert!((whole - part(0..2) - part(2..4)).abs() < 1e-12);
        for row in 0..4 {
            for class in 0..2 {
                let step = 1.0 / 64.0;
                let at = |logit: f32| {
                    let mut logits = logits;
                    logits[row][class] = logit;
                    cross_entropy(&logits, &labels, WEIGHTS, total).0
                };
                let logit = logits[row][class];
                let slope = (at(logit + step) - at(logit - step)) / f64::from(2.0 * step);
                assert!((slope - f64::from(slopes[row][class])).abs() < 1e-4, "{row} {class}");
            }
        }
    }

    #[test]
    fn by_hand() {
        // Two equal logits: ℓ = ln 2 whatever the weights.
        assert!((batch_loss(&[[1.0, 1.0]; 2], &[0, 1], WEIGHTS) - std::f64::consts::LN_2).abs() < 1e-12);
        // ℓ = 100 where the margin is 100 the wrong way.
        assert!((batch_loss(&[[0.0, 100.0]], &[0], WEIGHTS) - 100.0).abs() < 1e-9);
    }
}
