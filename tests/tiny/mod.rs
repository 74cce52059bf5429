//! A model small enough to train in a test, with weights from a formula that the scripts in `goldens/` repeat.

use candle_core::{Device, Tensor};
use citelink::model::{BertConfig, Compute, CrossEncoder, Weights};
use citelink::pairs::EncodedPair;

/// Two layers of 24 with 3 heads, over 60 tokens; without dropout.
pub fn config() -> BertConfig {
    BertConfig {
        vocab_size: 60,
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        intermediate_size: 48,
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        max_position_embeddings: 40,
        ..BertConfig::default()
    }
}

/// Names and shapes of a model's parameters, in the order of Hugging Face's modules.
pub fn shapes(config: &BertConfig) -> Vec<(String, Vec<usize>)> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut shapes = vec![];
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    for (table, rows) in [
        ("word_embeddings", config.vocab_size),
        ("position_embeddings", config.max_position_embeddings),
        ("token_type_embeddings", config.type_vocab_size),
    ] {
        add(format!("bert.embeddings.{table}.weight"), &[rows, hidden]);
    }
    let mut norms = vec!["bert.embeddings.LayerNorm".to_owned()];
    let mut linears = vec![];
    for layer in 0..config.num_hidden_layers {
        let layer = format!("bert.encoder.layer.{layer}");
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
            linears.push((format!("{layer}.{part}"), hidden, hidden));
        }
        linears.push((format!("{layer}.intermediate.dense"), inner, hidden));
        linears.push((format!("{layer}.output.dense"), hidden, inner));
        norms.push(format!("{layer}.attention.output.LayerNorm"));
        norms.push(format!("{layer}.output.LayerNorm"));
    }
    linears.push(("bert.pooler.dense".to_owned(), hidden, hidden));
    linears.push(("classifier".to_owned(), 2, hidden));
    for norm in norms {
        add(format!("{norm}.weight"), &[hidden]);
        add(format!("{norm}.bias"), &[hidden]);
    }
    for (linear, outputs, inputs) in linears {
        add(format!("{linear}.weight"), &[outputs, inputs]);
        add(format!("{linear}.bias"), &[outputs]);
    }
    shapes
}

/// Number `index` of the sequence of a name: uniform in [−1, 1), from a 32-bit hash (Murmur3's finalizer over FNV-1a
/// of the name).
fn number(name: &str, index: usize) -> f32 {
    let start = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut bits = start.wrapping_add((index as u32).wrapping_mul(0x9E37_79B9));
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85EB_CA6B);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xC2B2_AE35);
    bits ^= bits >> 16;
    (f64::from(bits) / 2_147_483_648.0 - 1.0) as f32
}

/// Uniform weights, ± 0.3 (LayerNorm's around one).
pub fn weights(config: &BertConfig) -> Weights {
    let mut weights = Weights::default();
    for (name, shape) in shapes(config) {
        let centre = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..shape.iter().product()).map(|index| centre + 0.3 * number(&name, index)).collect();
        weights.tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    }
    weights
}

/// The model on the processor in f32.
pub fn model(config: &BertConfig) -> CrossEncoder {
    CrossEncoder::new(config, &weights(config), &Compute::processor()).unwrap()
}

/// A made-up pair of so many tokens: `[CLS]` 1, a third of sentence, `[SEP]` 2, reference, `[SEP]` 2.
pub fn pair(tokens: usize, seed: usize) -> EncodedPair {
    let border = tokens / 3;
    let ids = (0..tokens)
        .map(|position| match position {
            0 => 1,
            _ if position == border || position == tokens - 1 => 2,
            _ => 3 + ((seed * 31 + position * 17 + seed * position) % 57) as u32,
        })
        .collect();
    let type_ids = (0..tokens).map(|position| u32::from(position > border)).collect();
    EncodedPair { ids, type_ids, ..EncodedPair::default() }
}
