//! The model's forward pass and gradients, held against Hugging Face's BERT and candle-transformers'.

mod tiny;

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert as peer;
use citelink::model::{BertConfig, Compute, CrossEncoder, DropoutKey, Precision};
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

/// Weighted cross-entropy, Σ w·ℓ / Σ w, written out.
fn loss(logits: &Tensor) -> Tensor {
    let total: f64 = LABELS.iter().map(|&label| CLASS_WEIGHTS[label]).sum();
    let mut shares = [[0.0f32; 2]; 5];
    for (shares, label) in shares.iter_mut().zip(LABELS) {
        shares[label] = (-CLASS_WEIGHTS[label] / total) as f32;
    }
    let shares = Tensor::new(&shares, &Device::Cpu).unwrap();
    (candle_nn::ops::log_softmax(logits, 1).unwrap() * shares).unwrap().sum_all().unwrap()
}

#[test]
fn logits_and_loss_agree_with_hugging_face() {
    let golden = golden();
    let model = tiny::model(&tiny::config());
    let logits = model.forward(&batch(), None).unwrap();
    for (found, expected) in values(&logits).iter().zip(numbers(&golden["forward"]["logits"])) {
        assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
    }
    let loss: f32 = loss(&logits).to_scalar().unwrap();
    assert!((f64::from(loss) - golden["forward"]["loss"].as_f64().unwrap()).abs() < 1e-4, "{loss}");
}

#[test]
fn every_gradient_agrees_with_hugging_face() {
    let golden = golden();
    let expected = golden["forward"]["gradients"].as_object().unwrap();
    let model = tiny::model(&tiny::config());
    let gradients = model.gradients(&loss(&model.forward(&batch(), None).unwrap())).unwrap();
    assert!(gradients.keys().eq(model.parameters().keys()));
    assert_eq!(gradients.len(), expected.len());
    for (name, gradient) in &gradients {
        let expected = numbers(&expected[name]);
        let found = values(gradient);
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

/// With dropout too, and in bf16.
#[test]
fn every_parameter_receives_a_gradient() {
    let config = BertConfig { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ..tiny::config() };
    let key = DropoutKey { seed: 1, step: 0 };
    for precision in [Precision::F32, Precision::Bf16] {
        let compute = Compute { precision, ..Compute::processor() };
        let model = CrossEncoder::new(&config, &tiny::weights(&config), &compute).unwrap();
        let gradients = model.gradients(&loss(&model.forward(&batch(), Some(key)).unwrap())).unwrap();
        let expected = tiny::shapes(&config);
        assert_eq!(gradients.len(), expected.len());
        for (name, shape) in expected {
            let gradient = &gradients[&name];
            assert_eq!((gradient.dims(), gradient.dtype()), (shape.as_slice(), DType::F32), "{name}");
            let largest = values(gradient).iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            assert!(largest.is_finite(), "{name}");
            assert!(largest > 1e-6 || name.ends_with("key.bias"), "{name}: {largest}");
        }
    }
}

#[test]
fn inference_agrees_with_the_recording_pass_and_padding_changes_nothing() {
    let model = tiny::model(&tiny::config());
    let recorded = values(&model.forward(&batch(), None).unwrap());
    let inferred = model.logits(&batch()).unwrap();
    let alone: Vec<[f32; 2]> = pairs().iter().map(|pair| model.logits(&Batch::of(&[pair], 0)).unwrap()[0]).collect();
    for (index, recorded) in recorded.iter().enumerate() {
        let (row, column) = (index / 2, index % 2);
        assert!((recorded - inferred[row][column]).abs() < 1e-6);
        assert!((recorded - alone[row][column]).abs() < 1e-5);
    }
    assert_eq!(model.logits(&Batch::of(&[], 0)).unwrap(), Vec::<[f32; 2]>::new());
}

#[test]
fn bf16_stays_near_f32() {
    let config = tiny::config();
    let compute = Compute { precision: Precision::Bf16, ..Compute::processor() };
    let narrow = CrossEncoder::new(&config, &tiny::weights(&config), &compute).unwrap();
    let expected = tiny::model(&config).logits(&batch()).unwrap();
    let inferred = narrow.logits(&batch()).unwrap();
    let recorded = values(&narrow.forward(&batch(), None).unwrap());
    for (row, expected) in expected.iter().enumerate() {
        for column in 0..2 {
            // bf16 keeps 8 bits: logits of about 1 after two layers.
            assert!((inferred[row][column] - expected[column]).abs() < 0.05);
            assert!((recorded[row * 2 + column] - expected[column]).abs() < 0.05);
        }
    }
}

#[test]
fn dropout_depends_on_its_key_alone() {
    let config = BertConfig { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, ..tiny::config() };
    let model = tiny::model(&config);
    let logits = |seed, step| values(&model.forward(&batch(), Some(DropoutKey { seed, step })).unwrap());
    assert_eq!(logits(1, 2), logits(1, 2));
    assert_ne!(logits(1, 2), logits(1, 3));
    assert_ne!(logits(1, 2), logits(2, 2));
    assert_ne!(logits(1, 2), values(&model.forward(&batch(), None).unwrap()));
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
    let model = CrossEncoder::new(&config, &weights, &Compute::processor()).unwrap();
    let before = model.weights().unwrap();
    let variable = &model.parameters()["classifier.bias"];
    variable.set(&Tensor::new(&[7.0f32, 8.0], &Device::Cpu).unwrap()).unwrap();
    assert_eq!(values(&model.weights().unwrap().tensors["classifier.bias"]), [7.0, 8.0]);
    // Inference sees what training changed; the weights it began with, and copies, do not.
    assert!(model.logits(&batch()).unwrap()[0][0] > 5.0);
    for untouched in [&weights, &before] {
        assert!(values(&untouched.tensors["classifier.bias"])[0] < 1.0);
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
