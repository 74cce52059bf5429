//! Matrix products, tile by tile.
//!
//! The right operand is packed into panels (`pack`), the left one is read where it lies. A tile is six rows of one
//! panel, computed over the whole depth before it is handed on: each number of a product is one sum in one order,
//! whoever computes it, and what follows (bias, GELU, narrowing) is done while the tile is in the first-level cache.

use super::{Element, PANEL, Processor, TILE_ROWS, Tile, tile_portable};
use std::ops::Range;

/// A packed right operand.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Panels<'a, E> {
    values: &'a [E],
    depth: usize,
    columns: usize,
}

impl<'a, E: Element> Panels<'a, E> {
    /// `values` are laid out by `pack`.
    pub(in super::super) fn new(values: &'a [E], depth: usize, columns: usize) -> Self {
        assert_eq!(values.len(), columns.div_ceil(PANEL) * depth.div_ceil(E::GROUP) * E::GROUP * PANEL);
        Self { values, depth, columns }
    }

    /// Number of panels.
    pub(in super::super) fn count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }
}

/// A left operand.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Left<'a, E> {
    /// Row-major, rows `stride` numbers apart.
    Rows { values: &'a [E], stride: usize },
    /// The same, where zeros fill each row up to a whole group.
    FilledRows { values: &'a [E], stride: usize },
    /// Laid out by [`pack_transposed`](super::pack_transposed).
    Packed { values: &'a [E] },
}

/// Rows that one thread takes at a time: few enough to stay in the second-level cache at this depth, and for all
/// threads to have work.
pub(in super::super) fn row_blocks<E>(rows: usize, depth: usize) -> usize {
    const BYTES: usize = 600 << 10;
    let fitting = (BYTES / (size_of::<E>() * depth.max(1))).clamp(TILE_ROWS, 96);
    let share = rows.div_ceil(rayon::current_num_threads()).max(1);
    fitting.min(share).next_multiple_of(TILE_ROWS)
}

/// Computes rows × panels of a product. `sink` hears the row, the first column and up to 64 numbers from there on.
/// To be called within [`vectorized`](super::vectorized).
#[inline(always)]
pub(in super::super) fn multiply<E: Element>(
    processor: Processor,
    left: Left<'_, E>,
    rows: Range<usize>,
    right: Panels<'_, E>,
    panels: Range<usize>,
    mut sink: impl FnMut(usize, usize, &[f32]),
) {
    let groups = right.depth.div_ceil(E::GROUP);
    let panel_length = groups * E::GROUP * PANEL;
    let padded;
    let (left, first_stored, row_distance, group_distance) = match left {
        // The tiles read whole groups, but a row may end within one: then a copy is padded.
        Left::Rows { values, stride } if !right.depth.is_multiple_of(E::GROUP) => {
            padded = pad(values, stride, rows.clone(), right.depth, groups * E::GROUP);
            (padded.as_slice(), rows.start, groups * E::GROUP, E::GROUP)
        }
        Left::Rows { values, stride } | Left::FilledRows { values, stride } => (values, 0, stride, E::GROUP),
        Left::Packed { values } => {
            assert!(rows.start.is_multiple_of(TILE_ROWS));
            (values, 0, E::GROUP, E::GROUP * TILE_ROWS)
        }
    };
    let is_packed = group_distance != E::GROUP;
    let start_of = |row: usize| {
        if is_packed { row * groups * E::GROUP } else { (row - first_stored) * row_distance }
    };
    let fast = E::fast_tile(processor);
    let mut results: Tile = [[0.0; PANEL]; TILE_ROWS];
    for panel in panels {
        let first_column = panel * PANEL;
        let columns = (right.columns - first_column).min(PANEL);
        let panel = &right.values[panel * panel_length..][..panel_length];
        for first_row in rows.clone().step_by(TILE_ROWS) {
            let count = (rows.end - first_row).min(TILE_ROWS);
            let left = &left[start_of(first_row)..];
            if let Some(fast) = fast {
                let last = (count - 1) * row_distance + groups.saturating_sub(1) * group_distance + E::GROUP;
                assert!(groups == 0 || last <= left.len());
                // SAFETY: `fast_tile` offers only what the processor has; the left operand reaches as far as the last
                // row's last group (checked above), and the panel is `groups` groups of `PANEL` columns long.
                unsafe {
                    fast(left.as_ptr(), row_distance, group_distance, panel.as_ptr(), groups, count, &mut results);
                }
            } else {
                tile_portable::tile(left, row_distance, group_distance, panel, count, &mut results);
            }
            for (row, results) in results.iter().enumerate().take(count) {
                sink(first_row + row, first_column, &results[..columns]);
            }
        }
    }
}

/// Copies rows and fills each up with zeros.
fn pad<E: Element>(values: &[E], stride: usize, rows: Range<usize>, depth: usize, padded_depth: usize) -> Vec<E> {
    let mut padded = vec![E::default(); rows.len() * padded_depth];
    for (padded, row) in padded.chunks_exact_mut(padded_depth.max(1)).zip(rows) {
        padded[..depth].copy_from_slice(&values[row * stride..row * stride + depth]);
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::super::testing::{numbers, processors};
    use super::super::{Spread, pack_columns, pack_rows, pack_transposed, vectorized};
    use super::*;
    use half::bf16;

    fn product<E: Element>(processor: Processor, left: Left<'_, E>, rows: usize, right: Panels<'_, E>) -> Vec<f32> {
        let mut product = vec![f32::NAN; rows * right.columns];
        vectorized(
            #[inline(always)]
            || {
                multiply(processor, left, 0..rows, right, 0..right.count(), |row, column, values| {
                    product[row * right.columns + column..][..values.len()].copy_from_slice(values);
                });
            },
        );
        product
    }

    /// All ways to a product of these sizes against the sum written out in f64.
    fn check<E: Element>(processor: Processor, rows: usize, depth: usize, columns: usize) {
        let (left, right) = (numbers::<E>(rows * depth, 1), numbers::<E>(depth * columns, 2));
        let transposed = |values: &[E], rows: usize, columns: usize| -> Vec<E> {
            (0..rows * columns).map(|index| values[index % rows * columns + index / rows]).collect()
        };
        let expected: Vec<f64> = (0..rows * columns)
            .map(|index| {
                let (row, column) = (index / columns, index % columns);
                let term = |place: usize| left[row * depth + place].widen() * right[place * columns + column].widen();
                (0..depth).map(|place| f64::from(term(place))).sum()
            })
            .collect();
        let (mut packed, mut other, mut packed_left) = (vec![E::narrow(f32::NAN); 3], Vec::<E>::new(), Vec::<E>::new());
        let by_rows = pack_rows(&right, columns, depth, columns, &mut packed, Spread::Threads);
        let right_transposed = transposed(&right, depth, columns);
        let by_columns = pack_columns(&right_transposed, depth, columns, depth, &mut other, Spread::Here);
        assert_eq!(format!("{:?}", by_rows.values), format!("{:?}", by_columns.values));
        pack_transposed(&transposed(&left, rows, depth), rows, depth, rows, &mut packed_left, Spread::Threads);
        for left in [Left::Rows { values: &left, stride: depth }, Left::Packed { values: &packed_left }] {
            let found = product(processor, left, rows, by_rows);
            for (found, expected) in found.iter().zip(&expected) {
                let error = (f64::from(*found) - expected).abs();
                assert!(error < 1e-5 * (depth as f64), "{rows} × {depth} × {columns}: {found} {expected}");
            }
        }
    }

    #[test]
    fn every_tile_at_odd_sizes() {
        for processor in processors() {
            for (rows, depth, columns) in
                [(1, 1, 1), (6, 64, 64), (7, 3, 65), (5, 17, 63), (13, 2, 130), (4, 33, 128), (2, 5, 2), (96, 7, 64)]
            {
                check::<f32>(processor, rows, depth, columns);
                check::<bf16>(processor, rows, depth, columns);
            }
        }
    }

    #[test]
    fn a_depth_of_nothing_gives_zeros() {
        let mut packed = Vec::new();
        let right = pack_rows::<f32, f32>(&[], 3, 0, 3, &mut packed, Spread::Threads);
        let found = product(Processor::detect(), Left::Rows { values: &[0.0; 0], stride: 0 }, 2, right);
        assert_eq!(found, [0.0; 6]);
    }

    #[test]
    fn rows_beyond_a_group_are_not_read() {
        // An odd depth in bf16: what follows a row must not be multiplied, not even with zero.
        let left = [1.0, 2.0, 3.0, f32::NAN].map(<bf16 as Element>::narrow);
        let right = [1.0, 10.0, 100.0].map(<bf16 as Element>::narrow);
        let mut packed = Vec::new();
        let right = pack_rows(&right, 1, 3, 1, &mut packed, Spread::Threads);
        assert_eq!(product(Processor::detect(), Left::Rows { values: &left, stride: 4 }, 1, right), [321.0]);
    }

    #[test]
    fn blocks_are_whole_tiles_and_leave_no_thread_idle() {
        for rows in [0, 1, 5, 6, 13, 100, 4096] {
            let block = row_blocks::<f32>(rows, 768);
            assert!(block.is_multiple_of(TILE_ROWS) && (TILE_ROWS..=96).contains(&block));
        }
        assert_eq!(row_blocks::<f32>(4096, 1_000_000), TILE_ROWS);
    }
}
