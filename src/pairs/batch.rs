//! Batches of encoded pairs, padded no further than the longest of each.

use super::EncodedPair;

/// Encoded pairs padded to the longest, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Number of pairs.
    pub rows: usize,
    /// Tokens a row, padding included.
    pub length: usize,
    /// Tokens of each row, padding excluded.
    pub lengths: Vec<usize>,
    /// `rows × length` token ids.
    pub ids: Vec<u32>,
    /// `rows × length` type ids, 0 on padding.
    pub type_ids: Vec<u32>,
}

impl Batch {
    /// Pads the pairs to the longest of them with `pad_id`.
    #[must_use]
    pub fn of(pairs: &[&EncodedPair], pad_id: u32) -> Self {
        let length = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
        let mut batch = Self {
            rows: pairs.len(),
            length,
            lengths: pairs.iter().map(|pair| pair.ids.len()).collect(),
            ids: vec![pad_id; pairs.len() * length],
            type_ids: vec![0; pairs.len() * length],
        };
        for (row, pair) in pairs.iter().enumerate() {
            let start = row * length;
            batch.ids[start..start + pair.ids.len()].copy_from_slice(&pair.ids);
            batch.type_ids[start..start + pair.type_ids.len()].copy_from_slice(&pair.type_ids);
        }
        batch
    }

    /// Tokens, padding excluded.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// Positions of the pairs, longest first (ties in order), so that scoring pads little.
#[must_use]
pub fn by_length(pairs: &[EncodedPair]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by_key(|&position| std::cmp::Reverse(pairs[position].ids.len()));
    order
}
