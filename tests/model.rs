//! The model's forward pass and gradients.

mod tiny;

use citelink::model::DropoutKey;
use citelink::pairs::Batch;

#[test]
fn every_parameter_receives_a_gradient() {
    let config = tiny::config();
    let model = tiny::model(&config);
    let pairs = [tiny::pair(12, 1), tiny::pair(20, 2), tiny::pair(40, 3)];
    let batch = Batch::of(&pairs.iter().collect::<Vec<_>>(), 0);
    for dropout in [None, Some(DropoutKey { seed: 1, step: 0 })] {
        let logits = model.forward(&batch, dropout).unwrap();
        let loss = logits.narrow(1, 1, 1).unwrap().sqr().unwrap().sum_all().unwrap();
        let gradients = model.gradients(&loss).unwrap();
        let expected = tiny::shapes(&config);
        assert_eq!(gradients.len(), expected.len());
        for (name, shape) in expected {
            let gradient = &gradients[&name];
            assert_eq!(gradient.dims(), shape, "{name}");
            let largest: f32 = gradient.abs().unwrap().max_all().unwrap().to_scalar().unwrap();
            // A key's bias moves all scores of a row alike, which softmax takes out again: zero but for rounding.
            let floor = if name.ends_with("key.bias") { 0.0 } else { 1e-5 };
            assert!(largest.is_finite() && largest > floor, "{name}: {largest}");
        }
    }
}

#[test]
fn inference_agrees_with_the_recording_pass() {
    let model = tiny::model(&tiny::config());
    let pairs = [tiny::pair(12, 1), tiny::pair(33, 2), tiny::pair(7, 3)];
    let batch = Batch::of(&pairs.iter().collect::<Vec<_>>(), 0);
    let recorded: Vec<Vec<f32>> = model.forward(&batch, None).unwrap().to_vec2().unwrap();
    let inferred = model.logits(&batch).unwrap();
    for (recorded, inferred) in recorded.iter().zip(&inferred) {
        assert!(recorded.iter().zip(inferred).all(|(left, right)| (left - right).abs() < 1e-5));
    }
    // Padding changes nothing.
    for (pair, inferred) in pairs.iter().zip(&inferred) {
        let alone = model.logits(&Batch::of(&[pair], 0)).unwrap()[0];
        assert!(alone.iter().zip(inferred).all(|(left, right)| (left - right).abs() < 1e-5));
    }
}
