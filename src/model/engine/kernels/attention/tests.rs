//! Attention and its gradient against the plain form in f64.

use super::super::AttentionGradient;
use super::super::testing::{assert_near, dropouts, mask, numbers, processors, slopes, tolerance, weighted, wide};
use super::*;
use half::bf16;

/// A batch to compute on: heads, numbers a head, and the sequences' tokens.
struct Shape {
    heads: usize,
    width: usize,
    lengths: &'static [usize],
    /// Whether only first tokens ask.
    only_first: bool,
}

impl Shape {
    fn sequences(&self) -> Vec<Sequence> {
        let mut first_token = 0;
        let sequence = |(number, &tokens)| {
            let (first_query, queries) = if self.only_first { (number, 1) } else { (first_token, tokens) };
            let sequence = Sequence { number, first_query, queries, first_token, tokens };
            first_token += tokens;
            sequence
        };
        self.lengths.iter().enumerate().map(sequence).collect()
    }

    fn hidden(&self) -> usize {
        self.heads * self.width
    }

    fn tokens(&self) -> usize {
        self.lengths.iter().sum()
    }

    fn queries(&self) -> usize {
        if self.only_first { self.lengths.len() } else { self.tokens() }
    }

    fn padded_length(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

/// One head of one sequence in f64: query, key and value by rows of the head's width.
struct PlainHead {
    width: usize,
    /// Queries × tokens.
    mask: Vec<f64>,
}

impl PlainHead {
    /// The context by rows, and the logarithm of each query's sum of exponentials.
    fn forward(&self, query: &[f64], key: &[f64], value: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let width = self.width;
        let tokens = key.len() / width;
        let (mut context, mut log_sums) = (Vec::new(), Vec::new());
        for (query, mask) in query.chunks(width).zip(self.mask.chunks(tokens)) {
            let scores: Vec<f64> =
                key.chunks(width).map(|key| (weighted(query, key) / (width as f64).sqrt()).exp()).collect();
            let sum: f64 = scores.iter().sum();
            log_sums.push(sum.ln());
            for column in 0..width {
                let terms = scores.iter().zip(mask).zip(value.chunks(width));
                context.push(terms.map(|((score, mask), value)| score / sum * mask * value[column]).sum());
            }
        }
        (context, log_sums)
    }
}

/// Results and gradients of a whole batch, laid out as the kernels do.
struct Expected {
    context: Vec<f64>,
    log_sums: Vec<f64>,
    to_query: Vec<f64>,
    to_key_value: Vec<f64>,
}

/// Copies the columns of one head out of rows of `stride` numbers from `start` on, or back.
fn columns(values: &[f64], start: usize, stride: usize, rows: usize, width: usize) -> Vec<f64> {
    (0..rows).flat_map(|row| &values[start + row * stride..][..width]).copied().collect()
}

fn put_columns(values: &mut [f64], start: usize, stride: usize, part: &[f64], width: usize) {
    for (row, part) in part.chunks(width).enumerate() {
        values[start + row * stride..][..width].copy_from_slice(part);
    }
}

impl Expected {
    /// `from_above`: the weights of the sum whose gradients these are.
    fn of(shape: &Shape, dropout: Option<Sampler>, query: &[f64], key_value: &[f64], from_above: &[f64]) -> Self {
        let (hidden, heads, width, padded) = (shape.hidden(), shape.heads, shape.width, shape.padded_length());
        let mask = mask(dropout, shape.lengths.len() * heads * padded * padded);
        let mut expected = Self {
            context: vec![f64::NAN; query.len()],
            log_sums: Vec::new(),
            to_query: vec![f64::NAN; query.len()],
            to_key_value: vec![f64::NAN; key_value.len()],
        };
        for Sequence { number, first_query, queries, first_token, tokens } in shape.sequences() {
            for head in 0..heads {
                let mask_start = (number * heads + head) * padded * padded;
                let plain = PlainHead { width, mask: columns(&mask, mask_start, padded, queries, tokens) };
                let query_start = first_query * hidden + head * width;
                let key_start = first_token * 2 * hidden + head * width;
                let value_start = key_start + hidden;
                let own_query = columns(query, query_start, hidden, queries, width);
                let key = columns(key_value, key_start, 2 * hidden, tokens, width);
                let value = columns(key_value, value_start, 2 * hidden, tokens, width);
                let (context, log_sums) = plain.forward(&own_query, &key, &value);
                put_columns(&mut expected.context, query_start, hidden, &context, width);
                expected.log_sums.extend(log_sums);

                let weights = columns(from_above, query_start, hidden, queries, width);
                let loss =
                    |query: &[f64], key: &[f64], value: &[f64]| weighted(&weights, &plain.forward(query, key, value).0);
                let to_query = slopes(&own_query, |query| loss(query, &key, &value));
                put_columns(&mut expected.to_query, query_start, hidden, &to_query, width);
                let to_key = slopes(&key, |key| loss(&own_query, key, &value));
                put_columns(&mut expected.to_key_value, key_start, 2 * hidden, &to_key, width);
                let to_value = slopes(&value, |value| loss(&own_query, &key, value));
                put_columns(&mut expected.to_key_value, value_start, 2 * hidden, &to_value, width);
            }
        }
        expected
    }
}

/// What the kernels find, in one format and on one kind of processor.
fn check<E: Element>(shape: &Shape, dropout: Option<Sampler>, processor: Processor, expected: &Expected) {
    let [query, from_above] = [1, 3].map(|seed| numbers::<E>(shape.queries() * shape.hidden(), seed));
    let key_value = numbers::<E>(shape.tokens() * 2 * shape.hidden(), 2);
    let sequences = shape.sequences();
    let attention = Attention {
        processor,
        heads: shape.heads,
        width: shape.width,
        sequences: &sequences,
        padded_length: shape.padded_length(),
        dropout,
    };
    let nothing = E::narrow(f32::NAN);
    let mut context = vec![nothing; query.len()];
    let mut log_sums = vec![f32::NAN; shape.queries() * shape.heads];
    attention.forward(&query, &key_value, &mut context, &mut log_sums);
    assert_near("context", &context, &expected.context, tolerance::<E>());
    assert_near("log sums", &log_sums, &expected.log_sums, tolerance::<f32>());

    let mut to_query = vec![nothing; query.len()];
    let mut to_key_value = vec![nothing; key_value.len()];
    AttentionGradient { attention, query: &query, key_value: &key_value, log_sums: &log_sums, from_above: &from_above }
        .compute(&mut to_query, &mut to_key_value);
    assert_near("to query", &to_query, &expected.to_query, tolerance::<E>());
    assert_near("to key and value", &to_key_value, &expected.to_key_value, tolerance::<E>());
}

fn check_all(shape: &Shape) {
    let [query, from_above] = [1, 3].map(|seed| wide(&numbers::<f32>(shape.queries() * shape.hidden(), seed)));
    let key_value = wide(&numbers::<f32>(shape.tokens() * 2 * shape.hidden(), 2));
    for dropout in dropouts() {
        let expected = Expected::of(shape, dropout, &query, &key_value, &from_above);
        for processor in processors() {
            check::<f32>(shape, dropout, processor, &expected);
            check::<bf16>(shape, dropout, processor, &expected);
        }
    }
}

#[test]
fn one_token() {
    for (heads, width) in [(1, 1), (3, 5), (2, 66)] {
        for only_first in [false, true] {
            check_all(&Shape { heads, width, lengths: &[1], only_first });
        }
    }
}

#[test]
fn sequences_of_different_lengths() {
    for (heads, width) in [(1, 7), (3, 4), (3, 1)] {
        for only_first in [false, true] {
            check_all(&Shape { heads, width, lengths: &[5, 1, 13, 2, 6], only_first });
        }
    }
}

/// More queries than a block and more keys than a panel, and as many.
#[test]
fn at_the_edges_of_blocks_and_panels() {
    check_all(&Shape { heads: 1, width: 1, lengths: &[60, 65, 61, 64], only_first: false });
    check_all(&Shape { heads: 1, width: 1, lengths: &[121], only_first: false });
    check_all(&Shape { heads: 2, width: 65, lengths: &[3, 9], only_first: true });
    check_all(&Shape { heads: 2, width: 3, lengths: &[67, 129], only_first: true });
}
