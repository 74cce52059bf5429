//! First weights for a small encoder that has read nothing yet.
//!
//! From the small random weights that large encoders start with, a small one learns nothing from pairs of texts: to see
//! that two texts share words, query and key weights would have to agree by chance. Here they agree from the start, after
//! Trockman and Kolter, *Mimetic Initialization of Self-Attention Layers* (2023): in the first layers a token attends to
//! the tokens of the same word, in either text.

use super::weights::{normal, random_values, site};
use super::{BertConfig, Weights};

/// Standard deviations of embeddings. A word's must outweigh its place, so that equal words are alike wherever they
/// stand; that of the segment must be seen, so that a word learns that the other text has it too.
const WORDS: f64 = 0.06;
const POSITIONS: f64 = 0.01;
const SEGMENTS: f64 = 0.03;

/// Layers in which equal words attend to each other. Those above gather what was found.
const MATCHING_LAYERS: usize = 2;

/// What a matching head scores a token with itself, before softmax: from the first head to the last, so that some look
/// at a word's copies alone and others at their surroundings too. Unlike tokens score about zero.
const SCORES: [f64; 2] = [3.0, 8.0];

/// How much of the tokens that it attends to attention adds to a token.
const CARRIED: f32 = 0.7;

impl Weights {
    /// Random weights in which equal words find each other: what [`create_model`](super::create_model) starts with.
    /// Same seed, same weights.
    #[must_use]
    pub fn matching(config: &BertConfig, seed: u64) -> Self {
        Self::filled(config, |name, shape| match_words(name, shape, config, seed))
    }
}

fn match_words(name: &str, shape: &[usize], config: &BertConfig, seed: u64) -> Vec<f32> {
    let hidden = config.hidden_size;
    let spread = |deviation: f64| {
        let wider = BertConfig { initializer_range: deviation, ..config.clone() };
        random_values(name, shape, &wider, seed)
    };
    let in_layer = name.strip_prefix("bert.encoder.layer.").and_then(|rest| rest.split_once('.'));
    let (layer, part) = match in_layer {
        Some((layer, part)) => (layer.parse().unwrap_or(usize::MAX), part),
        None => (usize::MAX, name),
    };
    // The same in query and key, and in value and projection.
    let shared = |part: &str| site(&format!("{layer}.{part}"));
    match part {
        "bert.embeddings.word_embeddings.weight" => spread(WORDS),
        "bert.embeddings.position_embeddings.weight" => spread(POSITIONS),
        "bert.embeddings.token_type_embeddings.weight" => spread(SEGMENTS),
        "attention.self.query.weight" | "attention.self.key.weight" if layer < MATCHING_LAYERS => {
            let mut values = spread(config.initializer_range);
            let alike = normal(values.len(), 1.0, seed, shared("match"));
            let head_values = hidden * (hidden / config.num_attention_heads);
            // One head is left to learn what it likes.
            let matching = config.num_attention_heads.saturating_sub(1).max(1);
            for head in 0..matching {
                let scale = matching_deviation(head, matching, config) as f32;
                let range = head * head_values..(head + 1) * head_values;
                for (value, alike) in values[range.clone()].iter_mut().zip(&alike[range]) {
                    *value = scale * alike;
                }
            }
            values
        }
        "attention.self.value.weight" => orthogonal(hidden, seed, shared("carry")),
        "attention.output.dense.weight" => {
            let rows = orthogonal(hidden, seed, shared("carry"));
            (0..hidden * hidden).map(|at| CARRIED * rows[at % hidden * hidden + at / hidden]).collect()
        }
        "intermediate.dense.weight" => spread(0.8 / (hidden as f64).sqrt()),
        "bert.pooler.dense.weight" => spread(1.0 / (hidden as f64).sqrt()),
        _ => spread(config.initializer_range),
    }
}

/// The deviation of a head's weights at which a normalized vector has its score with itself: for W of d rows and H columns
/// |Wx|² is d·σ²·|x|² = d·σ²·H on average, and attention divides it by √d.
fn matching_deviation(head: usize, heads: usize, config: &BertConfig) -> f64 {
    let [first, last] = SCORES;
    let score = first + (last - first) * head as f64 / (heads - 1).max(1) as f64;
    let width = (config.hidden_size / config.num_attention_heads) as f64;
    (score / (width.sqrt() * config.hidden_size as f64)).sqrt()
}

/// A random orthogonal matrix, row after row, by Gram and Schmidt.
fn orthogonal(size: usize, seed: u64, site: u64) -> Vec<f32> {
    let mut values: Vec<f64> = normal(size * size, 1.0, seed, site).into_iter().map(f64::from).collect();
    for row in 0..size {
        let (done, rest) = values.split_at_mut(row * size);
        let current = &mut rest[..size];
        for earlier in done.chunks_exact(size) {
            let along: f64 = earlier.iter().zip(&*current).map(|(a, b)| a * b).sum();
            for (value, earlier) in current.iter_mut().zip(earlier) {
                *value -= along * earlier;
            }
        }
        let length = current.iter().map(|value| value * value).sum::<f64>().sqrt();
        for value in current {
            *value /= length;
        }
    }
    values.into_iter().map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: usize = 64;

    fn config() -> BertConfig {
        BertConfig {
            vocab_size: 30,
            hidden_size: HIDDEN,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            intermediate_size: 96,
            max_position_embeddings: 40,
            ..BertConfig::default()
        }
    }

    fn matrix(weights: &Weights, name: &str) -> Vec<Vec<f32>> {
        weights.tensors[name].to_vec2().unwrap()
    }

    fn times(matrix: &[Vec<f32>], vector: &[f32]) -> Vec<f32> {
        matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
    }

    /// What the embeddings hand to the first layer: LayerNorm of the sum.
    fn embedded(weights: &Weights, [word, position, segment]: [usize; 3]) -> Vec<f32> {
        let row = |name: &str, at: usize| matrix(weights, &format!("bert.embeddings.{name}.weight"))[at].clone();
        let parts =
            [row("word_embeddings", word), row("position_embeddings", position), row("token_type_embeddings", segment)];
        let sum: Vec<f32> = (0..HIDDEN).map(|at| parts.iter().map(|part| part[at]).sum()).collect();
        let mean = sum.iter().sum::<f32>() / HIDDEN as f32;
        let variance = sum.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / HIDDEN as f32;
        sum.iter().map(|value| (value - mean) / variance.sqrt()).collect()
    }

    #[test]
    fn equal_words_attend_to_each_other_across_the_texts() {
        let weights = Weights::matching(&config(), 5);
        let part = |name: &str| matrix(&weights, &format!("bert.encoder.layer.0.attention.self.{name}.weight"));
        let (query, key) = (part("query"), part("key"));
        let width = HIDDEN / 4;
        let score = |head: usize, from: &[f32], to: &[f32]| -> f32 {
            let rows = head * width..(head + 1) * width;
            let (from, to) = (times(&query[rows.clone()], from), times(&key[rows], to));
            from.iter().zip(&to).map(|(a, b)| a * b).sum::<f32>() / (width as f32).sqrt()
        };
        for head in 0..3 {
            let (mut same, mut other) = (0.0, 0.0);
            for word in 5..25 {
                let asking = embedded(&weights, [word, 3, 0]);
                same += score(head, &asking, &embedded(&weights, [word, 30, 1])) / 20.0;
                other += score(head, &asking, &embedded(&weights, [word + 1, 30, 1])) / 20.0;
            }
            let asked = [3.0, 5.5, 8.0][head];
            assert!(same > 0.5 * asked && same < 1.2 * asked, "head {head}: {same}");
            assert!(other.abs() < 0.3 * asked, "head {head}: {other}");
        }
    }

    #[test]
    fn attention_carries_a_token_as_it_is() {
        let weights = Weights::matching(&config(), 5);
        for layer in 0..3 {
            let part = |name: &str| matrix(&weights, &format!("bert.encoder.layer.{layer}.attention.{name}.weight"));
            let token: Vec<f32> = (0..HIDDEN).map(|at| (at as f32 * 0.7).sin()).collect();
            let carried = times(&part("output.dense"), &times(&part("self.value"), &token));
            for (carried, token) in carried.iter().zip(&token) {
                assert!((carried - CARRIED * token).abs() < 1e-5, "{carried} for {token}");
            }
        }
    }

    #[test]
    fn only_the_first_layers_match_and_one_head_is_free() {
        let weights = Weights::matching(&config(), 5);
        let alike = |layer: usize, row: usize| {
            let part = |name: &str| {
                matrix(&weights, &format!("bert.encoder.layer.{layer}.attention.self.{name}.weight"))[row].clone()
            };
            part("query") == part("key")
        };
        for row in 0..HIDDEN {
            assert_eq!([alike(0, row), alike(1, row), alike(2, row)], [row < 48, row < 48, false], "row {row}");
        }
    }

    #[test]
    fn the_seed_decides_and_padding_stays_zero() {
        let values = |seed: u64| -> Vec<Vec<f32>> {
            let weights = Weights::matching(&config(), seed);
            weights.tensors.values().map(|tensor| tensor.flatten_all().unwrap().to_vec1().unwrap()).collect()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
        let words = matrix(&Weights::matching(&config(), 1), "bert.embeddings.word_embeddings.weight");
        assert!(words[0].iter().all(|&value| value == 0.0) && words[1].iter().all(|&value| value != 0.0));
    }
}
