//! The tokens of a batch, one sequence after the other, without padding.

use super::kernels::Sequence;
use crate::pairs::Batch;

/// What the engine computes on: as many rows as there are tokens.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Tokens {
    pub ids: Vec<u32>,
    pub type_ids: Vec<u32>,
    pub positions: Vec<u32>,
    /// Where each token stands in the padded batch, which is how dropout numbers it.
    pub slots: Vec<usize>,
    /// Where each sequence begins, and the end.
    pub starts: Vec<usize>,
    /// Tokens a sequence with padding.
    pub padded_length: usize,
}

impl Tokens {
    pub(in crate::model) fn of(batch: &Batch) -> Self {
        let mut tokens = Self { padded_length: batch.length, starts: vec![0], ..Self::default() };
        for (row, &length) in batch.lengths.iter().enumerate() {
            let start = row * batch.length;
            tokens.ids.extend(&batch.ids[start..start + length]);
            tokens.type_ids.extend(&batch.type_ids[start..start + length]);
            tokens.positions.extend(0..length as u32);
            tokens.slots.extend(start..start + length);
            tokens.starts.push(tokens.ids.len());
        }
        tokens
    }

    /// How many.
    pub(in crate::model) fn count(&self) -> usize {
        self.ids.len()
    }

    /// How many sequences.
    pub(in crate::model) fn sequences(&self) -> usize {
        self.starts.len() - 1
    }

    /// The first token of each sequence, `[CLS]`.
    pub(in crate::model) fn firsts(&self) -> &[usize] {
        &self.starts[..self.sequences()]
    }

    /// The slots of the first tokens.
    pub(in crate::model) fn first_slots(&self) -> Vec<usize> {
        (0..self.sequences()).map(|row| row * self.padded_length).collect()
    }

    /// The sequences, of which every token asks, or only the first.
    pub(in crate::model) fn asking(&self, only_first: bool) -> Vec<Sequence> {
        (self.starts.windows(2).enumerate())
            .map(|(number, ends)| {
                let (first_token, tokens) = (ends[0], ends[1] - ends[0]);
                let (first_query, queries) = if only_first { (number, 1) } else { (first_token, tokens) };
                Sequence { number, first_query, queries, first_token, tokens }
            })
            .collect()
    }
}
