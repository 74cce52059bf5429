//! A batch on the GPU: the tokens without padding, and for gradients of tables, which tokens share a row.

use super::backend::{Address, Backend, Buffer, bytes};
use crate::model::ModelError;
use crate::model::engine::Tokens;
use std::ops::Range;

/// Tokens whose gradients are summed by one block of threads.
const LIST: usize = 32;

/// What a pass reads of its batch.
#[derive(Debug, Clone)]
pub(super) struct DeviceBatch {
    pub tokens: usize,
    pub rows: usize,
    pub longest: usize,
    pub padded_length: usize,
    pub ids: Address,
    pub positions: Address,
    pub type_ids: Address,
    pub slots: Address,
    /// The first token of each sequence, and where it stands in the padded batch.
    pub firsts: Address,
    pub first_slots: Address,
    /// With all tokens asking, and with the first alone.
    pub sequences: Address,
    pub first_sequences: Address,
    /// For words, positions and types; empty where no gradient is wanted.
    pub tables: Vec<TableLists>,
}

/// The tokens that share rows of a table: in a first step short lists of tokens are summed, in a second the sums that
/// belong to the same row. The order of both is fixed, and no sum is made by one block alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableLists {
    pub tokens: Address,
    pub list_starts: Address,
    pub lists: usize,
    pub row_starts: Address,
    pub row_ids: Address,
    pub rows: usize,
}

impl DeviceBatch {
    /// Copies it there, through `staging`.
    pub(super) fn upload<B: Backend>(
        backend: &B,
        tokens: &Tokens,
        with_tables: bool,
        staging: &mut Vec<u32>,
        buffer: &mut Buffer<B>,
    ) -> Result<Self, ModelError> {
        staging.clear();
        let mut add = |values: &mut dyn Iterator<Item = u32>| {
            let start = staging.len();
            staging.extend(values);
            start..staging.len()
        };
        let narrow = |&value: &usize| value as u32;
        let sequences = |only_first: bool| {
            let sequences = tokens.asking(only_first).into_iter();
            sequences.flat_map(|s| [s.first_query, s.queries, s.first_token, s.tokens].map(|value| value as u32))
        };
        let [ids, positions, type_ids] =
            [&tokens.ids, &tokens.positions, &tokens.type_ids].map(|ids| add(&mut ids.iter().copied()));
        let slots = add(&mut tokens.slots.iter().map(narrow));
        let firsts = add(&mut tokens.firsts().iter().map(narrow));
        let first_slots = add(&mut tokens.first_slots().iter().map(narrow));
        let all = add(&mut sequences(false));
        let only_first = add(&mut sequences(true));
        let mut tables = Vec::new();
        if with_tables {
            for ids in [&tokens.ids, &tokens.positions, &tokens.type_ids] {
                let lists = Lists::of(ids);
                tables.push([lists.tokens, lists.list_starts, lists.row_starts, lists.row_ids].map(|part| {
                    let mut values = part.into_iter();
                    add(&mut values)
                }));
            }
        }
        let base = buffer.make_room(backend, staging.len(), 4)?;
        // SAFETY: the buffer has just been given this room.
        unsafe { backend.write(base, bytes(staging))? };
        let at = |range: Range<usize>| base.skip(range.start, 4);
        Ok(Self {
            tokens: tokens.count(),
            rows: tokens.sequences(),
            longest: tokens.starts.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0),
            padded_length: tokens.padded_length,
            ids: at(ids),
            positions: at(positions),
            type_ids: at(type_ids),
            slots: at(slots),
            firsts: at(firsts),
            first_slots: at(first_slots),
            sequences: at(all),
            first_sequences: at(only_first),
            tables: (tables.into_iter())
                .map(|[tokens, list_starts, row_starts, row_ids]| TableLists {
                    lists: list_starts.len() - 1,
                    rows: row_ids.len(),
                    tokens: at(tokens),
                    list_starts: at(list_starts),
                    row_starts: at(row_starts),
                    row_ids: at(row_ids),
                })
                .collect(),
        })
    }
}

/// See [`TableLists`].
#[derive(Debug, PartialEq, Eq)]
struct Lists {
    tokens: Vec<u32>,
    list_starts: Vec<u32>,
    row_starts: Vec<u32>,
    row_ids: Vec<u32>,
}

impl Lists {
    fn of(ids: &[u32]) -> Self {
        let mut tokens: Vec<u32> = (0..ids.len() as u32).collect();
        tokens.sort_by_key(|&token| ids[token as usize]);
        let (mut list_starts, mut row_starts, mut row_ids) = (vec![0], vec![0], Vec::new());
        let mut end = 0;
        for row in tokens.chunk_by(|&left, &right| ids[left as usize] == ids[right as usize]) {
            row_ids.push(ids[row[0] as usize]);
            for list in row.chunks(LIST) {
                end += list.len() as u32;
                list_starts.push(end);
            }
            row_starts.push(list_starts.len() as u32 - 1);
        }
        Self { tokens, list_starts, row_starts, row_ids }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_grouped_by_their_row() {
        let mut ids = vec![5; LIST + 1];
        ids.extend([2, 9, 2]);
        let lists = Lists::of(&ids);
        let last = LIST as u32;
        assert_eq!(lists.row_ids, [2, 5, 9]);
        assert_eq!(lists.list_starts, [0, 2, 2 + last, 3 + last, 4 + last]);
        assert_eq!(lists.row_starts, [0, 1, 3, 4]);
        assert_eq!(lists.tokens[..3], [last + 1, last + 3, 0]);
    }
}
