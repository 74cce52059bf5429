//! The model's forward pass and gradients, held against Hugging Face's BERT and candle-transformers'.

mod tiny;

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert as peer;
use citelink::model::{BertConfig, Compute, CrossEncoder, DropoutKey, ParameterSet, Precision};
use citelink::pairs::{Batch, EncodedPair};
use serde_json::Value;

/// The batch that `goldens/bert.py` passes through Hugging Face's model, with its labels and class weights.
const LENGTHS: [usize; 5] = [12, 40, 7, 23, 31];
const LABELS: [usize; 5] = [0, 1, 1, 0, 0];
const CLASS_WEIGHTS: [f64; 2] = [0.75, 1.5];

fn pairs() -> Vec<EncodedPair> {
    LENGTHS.iter().enumerate().map(|(seed, &tokens)| tiny::pair(tokens, seed)).collect()
}

fn batch() -> Batch {
    Batch::of(&pairs().iter().collect::<Vec<_>>(), 0)
}

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/bert.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// Weighted cross-entropy, Σ w·ℓ / Σ w, written out, and its gradient.
fn loss(logits: &[[f32; 2]]) -> (f64, Vec<[f32; 2]>) {
    let total: f64 = LABELS.iter().map(|&label| CLASS_WEIGHTS[label]).sum();
    let mut loss = 0.0;
    let mut slopes = Vec::new();
    for (logits, label) in logits.iter().zip(LABELS) {
        let exponentials = logits.map(|logit| f64::from(logit).exp());
        let probabilities = exponentials.map(|exponential| exponential / (exponentials[0] + exponentials[1]));
        let share = CLASS_WEIGHTS[label] / total;
        loss -= share * probabilities[label].ln();
        let slope = |class: usize| share * (probabilities[class] - f64::from(u8::from(class == label)));
        slopes.push([slope(0) as f32, slope(1) as f32]);
    }
    (loss, slopes)
}

/// Logits and the gradients of [`loss`].
fn learn(model: &CrossEncoder, batch: &Batch, dropout: Option<DropoutKey>) -> (Vec<[f32; 2]>, ParameterSet) {
    let mut gradient = model.parameters().zeros_like().unwrap();
    let logits = model.backpropagate(batch, dropout, &mut |logits| loss(logits).1, &mut gradient).unwrap();
    (logits, gradient)
}

fn with_precision(config: &BertConfig, precision: Precision) -> CrossEncoder {
    let compute = Compute { precision, ..Compute::processor() };
    CrossEncoder::new(config, &tiny::weights(config), &compute).unwrap()
}

/// The engine and the plain form.
fn both(config: &BertConfig) -> [CrossEncoder; 2] {
    let composed = CrossEncoder::composed(config, &tiny::weights(config), &Compute::processor()).unwrap();
    [tiny::model(config), composed]
}

#[test]
fn logits_and_loss_agree_with_hugging_face() {
    let golden = golden();
    for model in both(&tiny::config()) {
        let (logits, _) = learn(&model, &batch(), None);
        for (found, expected) in logits.as_flattened().iter().zip(numbers(&golden["forward"]["logits"])) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
        let (loss, _) = loss(&logits);
        assert!((loss - golden["forward"]["loss"].as_f64().unwrap()).abs() < 1e-4, "{loss}");
    }
}

#[test]
fn every_gradient_agrees_with_hugging_face() {
    let golden = golden();
    let expected = golden["forward"]["gradients"].as_object().unwrap();
    for model in both(&tiny::config()) {
        let (_, gradients) = learn(&model, &batch(), None);
        assert_eq!(gradients.shapes().len(), expected.len());
        for (name, _) in gradients.shapes() {
            let expected = numbers(&expected[name]);
            let found = values(&gradients.tensor(name).unwrap());
            assert_eq!(found.len(), expected.len(), "{name}");
            let scale = norm(expected.iter().copied());
            let error = norm(found.iter().zip(&expected).map(|(found, expected)| f64::from(*found) - expected));
            if name.ends_with("key.bias") {
                // A key's bias moves all scores of a query alike, which softmax takes out again: zero but for rounding.
                assert!(scale < 1e-6 && error < 1e-6, "{name}: {scale} {error}");
            } else {
                assert!(scale > 0.0 && error < 1e-3 * scale, "{name}: off by {error} of {scale}");
            }
        }
    }
}

/// With dropout too, and in bf16.
#[test]
fn every_parameter_receives_a_gradient() {
    let config = BertConfig { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ..tiny::config() };
    let key = DropoutKey { seed: 1, step: 0 };
    let [engine, composed] = both(&config);
    for model in [engine, composed, with_precision(&config, Precision::Bf16)] {
        let (_, gradients) = learn(&model, &batch(), Some(key));
        let expected = tiny::shapes(&config);
        assert_eq!(gradients.shapes().len(), expected.len());
        for (name, shape) in expected {
            let gradient = gradients.tensor(&name).unwrap();
            assert_eq!((gradient.dims(), gradient.dtype()), (shape.as_slice(), DType::F32), "{name}");
            let largest = values(&gradient).iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            assert!(largest.is_finite(), "{name}");
            assert!(largest > 1e-6 || name.ends_with("key.bias"), "{name}: {largest}");
        }
    }
}

/// Pairs of these lengths, the head and body of the tiny model in these sizes.
fn shape(hidden: usize, heads: usize, inner: usize, layers: usize) -> BertConfig {
    BertConfig {
        hidden_size: hidden,
        num_attention_heads: heads,
        intermediate_size: inner,
        num_hidden_layers: layers,
        max_position_embeddings: 512,
        hidden_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.2,
        ..tiny::config()
    }
}

/// Relative distance of two gradients, over all parameters.
fn distance(left: &ParameterSet, right: &ParameterSet) -> f64 {
    let (mut differences, mut squares) = (vec![], vec![]);
    for (name, _) in left.shapes() {
        let [left, right] = [left, right].map(|set| values(&set.tensor(name).unwrap()));
        differences.extend(left.iter().zip(&right).map(|(left, right)| f64::from(left - right)));
        squares.extend(right.iter().map(|&right| f64::from(right)));
    }
    norm(differences.into_iter()) / norm(squares.into_iter())
}

#[test]
fn the_engine_agrees_with_the_plain_form_at_odd_shapes() {
    let key = Some(DropoutKey { seed: 3, step: 9 });
    for (config, lengths) in [
        (shape(24, 3, 48, 2), &[12, 40, 7, 23, 31][..]),
        (shape(16, 16, 10, 1), &[5]),
        (shape(9, 1, 7, 3), &[3, 1, 1, 2, 64]),
        (shape(70, 10, 130, 2), &[65, 1, 3]),
        (shape(130, 1, 66, 2), &[61, 60, 59]),
        (shape(8, 2, 8, 1), &[512, 511]),
    ] {
        let pairs: Vec<EncodedPair> =
            lengths.iter().enumerate().map(|(seed, &tokens)| tiny::pair(tokens, seed)).collect();
        let batch = Batch::of(&pairs.iter().collect::<Vec<_>>(), 0);
        for dropout in [None, key] {
            let [(logits, gradients), (expected_logits, expected_gradients)] =
                both(&config).map(|model| learn(&model, &batch, dropout));
            for (found, expected) in logits.as_flattened().iter().zip(expected_logits.as_flattened()) {
                assert!((found - expected).abs() < 2e-5, "{lengths:?}: {found} {expected}");
            }
            let off = distance(&gradients, &expected_gradients);
            assert!(off < 2e-5, "{lengths:?}: gradients off by {off}");
            let (narrow_logits, narrow) = learn(&with_precision(&config, Precision::Bf16), &batch, dropout);
            for (found, expected) in narrow_logits.as_flattened().iter().zip(expected_logits.as_flattened()) {
                // Weights of ± 0.3 over 130 inputs make large sums of which bf16 keeps 8 bits.
                assert!((found - expected).abs() < 0.1, "{lengths:?}: {found} {expected} in bf16");
            }
            let off = distance(&narrow, &expected_gradients);
            assert!(off < 0.1, "{lengths:?}: gradients off by {off} in bf16");
        }
    }
}

#[test]
fn gradients_are_added_and_buffers_are_reused() {
    let config = shape(24, 3, 48, 2);
    let model = tiny::model(&config);
    let small = Batch::of(&[&tiny::pair(9, 3), &tiny::pair(5, 4)], 0);
    let key = Some(DropoutKey { seed: 3, step: 9 });
    let (_, first) = learn(&model, &small, key);
    // A larger batch, and scoring, in between.
    learn(&model, &batch(), None);
    model.logits(&batch()).unwrap();
    let (_, mut sum) = learn(&model, &small, key);
    assert_eq!(distance(&sum, &first), 0.0);
    model.backpropagate(&small, key, &mut |logits| loss(logits).1, &mut sum).unwrap();
    let mut doubled = first;
    let names: Vec<String> = doubled.shapes().iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in names {
        let twice = (doubled.tensor(&name).unwrap() * 2.0).unwrap();
        doubled.set(&name, &twice).unwrap();
    }
    assert!(distance(&sum, &doubled) < 1e-6);
}

#[test]
fn threads_change_no_bit() {
    let config = shape(130, 2, 200, 3);
    let pairs: Vec<EncodedPair> =
        [200, 64, 1, 33, 150].iter().enumerate().map(|(seed, &tokens)| tiny::pair(tokens, seed)).collect();
    let batch = Batch::of(&pairs.iter().collect::<Vec<_>>(), 0);
    for precision in [Precision::F32, Precision::Bf16] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let model = with_precision(&config, precision);
                let (logits, gradients) = learn(&model, &batch, Some(DropoutKey { seed: 1, step: 2 }));
                (logits, model.logits(&batch).unwrap(), gradients)
            })
        };
        let (one, three) = (on(1), on(3));
        assert_eq!((one.0, one.1), (three.0, three.1));
        assert_eq!(distance(&one.2, &three.2), 0.0);
    }
}

#[test]
fn inference_agrees_with_the_recording_pass_and_padding_changes_nothing() {
    for model in both(&tiny::config()) {
        let (recorded, _) = learn(&model, &batch(), None);
        let inferred = model.logits(&batch()).unwrap();
        let alone: Vec<[f32; 2]> =
            pairs().iter().map(|pair| model.logits(&Batch::of(&[pair], 0)).unwrap()[0]).collect();
        for row in 0..5 {
            for column in 0..2 {
                assert!((recorded[row][column] - inferred[row][column]).abs() < 1e-6);
                assert!((recorded[row][column] - alone[row][column]).abs() < 1e-5);
            }
        }
        assert_eq!(model.logits(&Batch::of(&[], 0)).unwrap(), Vec::<[f32; 2]>::new());
    }
}

#[test]
fn bf16_stays_near_f32() {
    let config = tiny::config();
    let narrow = with_precision(&config, Precision::Bf16);
    let expected = tiny::model(&config).logits(&batch()).unwrap();
    let inferred = narrow.logits(&batch()).unwrap();
    let (recorded, _) = learn(&narrow, &batch(), None);
    for (row, expected) in expected.iter().enumerate() {
        for column in 0..2 {
            // bf16 keeps 8 bits: logits of about 1 after two layers.
            assert!((inferred[row][column] - expected[column]).abs() < 0.05);
            assert!((recorded[row][column] - expected[column]).abs() < 0.05);
        }
    }
}

#[test]
fn dropout_depends_on_its_key_alone() {
    let config = BertConfig { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ..tiny::config() };
    for model in both(&config) {
        let logits = |seed, step| learn(&model, &batch(), Some(DropoutKey { seed, step })).0;
        assert_eq!(logits(1, 2), logits(1, 2));
        assert_ne!(logits(1, 2), logits(1, 3));
        assert_ne!(logits(1, 2), logits(2, 2));
        assert_ne!(logits(1, 2), learn(&model, &batch(), None).0);
    }
}

#[test]
fn the_encoder_agrees_with_candle_transformers() {
    let config = tiny::config();
    let weights = tiny::weights(&config);
    let peer_config: peer::Config = serde_json::from_value(serde_json::json!({
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "max_position_embeddings": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
        "initializer_range": config.initializer_range,
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "use_cache": true,
        "classifier_dropout": null,
        "model_type": "bert",
    }))
    .unwrap();
    let tensors = weights.tensors.clone().into_iter().collect();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let encoder = peer::BertModel::load(builder.pp("bert"), &peer_config).unwrap();
    let linear = |name: &str| {
        let tensor = |part: &str| weights.tensors[&format!("{name}.{part}")].clone();
        candle_nn::Linear::new(tensor("weight"), Some(tensor("bias")))
    };

    let batch = batch();
    let shape = (batch.rows, batch.length);
    let ids = Tensor::from_slice(&batch.ids, shape, &Device::Cpu).unwrap();
    let types = Tensor::from_slice(&batch.type_ids, shape, &Device::Cpu).unwrap();
    let mask: Vec<u32> = batch
        .lengths
        .iter()
        .flat_map(|&length| (0..batch.length).map(move |position| u32::from(position < length)))
        .collect();
    let mask = Tensor::from_vec(mask, shape, &Device::Cpu).unwrap();
    let hidden = encoder.forward(&ids, &types, Some(&mask)).unwrap();
    let first = hidden.narrow(1, 0, 1).unwrap().squeeze(1).unwrap().contiguous().unwrap();
    let pooled = linear("bert.pooler.dense").forward(&first).unwrap().tanh().unwrap();
    let expected = values(&linear("classifier").forward(&pooled).unwrap());
    let found = tiny::model(&config).logits(&batch).unwrap();
    for (found, expected) in found.as_flattened().iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}

#[test]
fn training_the_model_leaves_the_weights_it_was_made_from() {
    let config = tiny::config();
    let weights = tiny::weights(&config);
    for mut model in both(&config) {
        let before = model.weights().unwrap();
        assert!(model.logits(&batch()).unwrap()[0][0] < 5.0);
        let bias = Tensor::new(&[7.0f32, 8.0], &Device::Cpu).unwrap();
        model.parameters_mut().set("classifier.bias", &bias).unwrap();
        assert_eq!(values(&model.weights().unwrap().tensors["classifier.bias"]), [7.0, 8.0]);
        // Inference sees what training changed; the weights it began with, and copies, do not.
        assert!(model.logits(&batch()).unwrap()[0][0] > 5.0);
        for untouched in [&weights, &before] {
            assert!(values(&untouched.tensors["classifier.bias"])[0] < 1.0);
        }
    }
}

#[test]
fn changed_weights_are_packed_anew() {
    let config = tiny::config();
    let mut model = tiny::model(&config);
    let before = model.logits(&batch()).unwrap();
    let name = "bert.encoder.layer.0.intermediate.dense.weight";
    let other = (model.parameters().tensor(name).unwrap() * -1.0).unwrap();
    model.parameters_mut().set(name, &other).unwrap();
    let after = model.logits(&batch()).unwrap();
    assert_ne!(before, after);
    let fresh = CrossEncoder::new(&config, &model.weights().unwrap(), &Compute::processor()).unwrap();
    assert_eq!(fresh.logits(&batch()).unwrap(), after);
}

#[test]
fn gradients_of_another_model_are_refused() {
    let [engine, composed] = both(&tiny::config());
    let other = tiny::model(&shape(16, 2, 8, 1));
    for gradient in [composed.parameters(), other.parameters()] {
        let mut gradient = gradient.zeros_like().unwrap();
        assert!(engine.backpropagate(&batch(), None, &mut |logits| loss(logits).1, &mut gradient).is_err());
    }
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let spoil = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch();
        change(&mut batch);
        batch
    };
    let batches = [
        (spoil(&|batch| batch.ids[3] = 60), "token 60"),
        (spoil(&|batch| batch.type_ids[3] = 2), "token type 2"),
        (spoil(&|batch| batch.lengths[1] = 41), "row 2"),
        (spoil(&|batch| batch.lengths[4] = 0), "row 5"),
        (spoil(&|batch| batch.lengths.truncate(4)), "5 rows"),
        (spoil(&|batch| batch.ids.truncate(3)), "5 rows"),
        (Batch::of(&[&tiny::pair(41, 0)], 0), "41 tokens"),
    ];
    for model in both(&tiny::config()) {
        let mut gradient = model.parameters().zeros_like().unwrap();
        for (batch, reason) in &batches {
            let refused = [
                model.logits(batch),
                model.backpropagate(batch, None, &mut |_| panic!("there are no logits"), &mut gradient),
            ];
            for refused in refused {
                let message = refused.unwrap_err().to_string();
                assert!(message.contains(reason), "{message}");
            }
        }
    }
}

#[test]
fn a_batch_of_nothing_gives_nothing() {
    for model in both(&tiny::config()) {
        let (logits, gradient) = learn(&model, &Batch::of(&[], 0), None);
        assert!(logits.is_empty());
        for (name, _) in gradient.shapes() {
            assert!(values(&gradient.tensor(name).unwrap()).iter().all(|&slope| slope == 0.0), "{name}");
        }
    }
}

#[test]
fn a_model_with_a_missing_or_misshapen_tensor_is_named() {
    let config = tiny::config();
    let mut weights = tiny::weights(&config);
    let name = "bert.encoder.layer.1.output.dense.weight";
    weights.tensors.insert(name.to_owned(), Tensor::zeros((3, 3), DType::F32, &Device::Cpu).unwrap());
    let failure = CrossEncoder::new(&config, &weights, &Compute::processor()).unwrap_err().to_string();
    assert!(failure.contains(name) && failure.contains("[3, 3]"), "{failure}");
    weights.tensors.remove(name);
    let failure = CrossEncoder::new(&config, &weights, &Compute::processor()).unwrap_err().to_string();
    assert!(failure.contains(name), "{failure}");
}
