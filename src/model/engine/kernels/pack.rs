//! Operands laid out as the tiles read them.
//!
//! A right operand, depth × columns, becomes panels of 64 columns; a panel is one group of its depth after the other,
//! and a group is its members for each of the 64 columns: `[panel][group][column][member]`. A left operand that is
//! stored transposed becomes `[six rows][group][row][member]`. What lies beyond the edge is zero, so that tiles need
//! not know where a matrix ends.

use super::product::Panels;
use super::{Element, PANEL, TILE_ROWS, vectorized};
use rayon::prelude::*;

/// Groups whose columns are written together, so that each cache line is filled while it is at hand.
const STRIP: usize = 16;

/// Who packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Spread {
    /// All threads.
    Threads,
    /// This thread, within [`vectorized`](super::vectorized), because it is one of many at work.
    Here,
}

impl Spread {
    /// Calls `work` with the number and numbers of each part of so many.
    #[inline(always)]
    fn over<E: Element>(self, packed: &mut [E], part: usize, work: impl Fn(usize, &mut [E]) + Sync) {
        match self {
            Self::Threads => packed.par_chunks_mut(part.max(1)).enumerate().for_each(|(number, packed)| {
                vectorized(
                    #[inline(always)]
                    || work(number, packed),
                );
            }),
            Self::Here => packed.chunks_mut(part.max(1)).enumerate().for_each(|(number, packed)| work(number, packed)),
        }
    }
}

/// Packs a right operand of which each *column* is contiguous: `source` holds columns × depth, `stride` numbers apart.
/// A layer's weights (outputs × inputs) in the forward pass are such.
#[inline(always)]
pub(in super::super) fn pack_columns<'a, S: Element, E: Element>(
    source: &[S],
    stride: usize,
    columns: usize,
    depth: usize,
    packed: &'a mut Vec<E>,
    spread: Spread,
) -> Panels<'a, E> {
    let groups = depth.div_ceil(E::GROUP);
    let panel_length = groups * PANEL * E::GROUP;
    packed.resize(columns.div_ceil(PANEL) * panel_length, E::default());
    spread.over(
        packed,
        panel_length,
        #[inline(always)]
        |panel, packed| {
            let columns = (columns - panel * PANEL).min(PANEL);
            if columns < PANEL || !depth.is_multiple_of(E::GROUP) {
                packed.fill(E::default());
            }
            for first in (0..depth).step_by(STRIP * E::GROUP) {
                let length = (depth - first).min(STRIP * E::GROUP);
                let packed = &mut packed[first * PANEL..];
                for column in 0..columns {
                    let start = (panel * PANEL + column) * stride + first;
                    for (index, value) in source[start..start + length].iter().enumerate() {
                        let (group, member) = (index / E::GROUP, index % E::GROUP);
                        packed[(group * PANEL + column) * E::GROUP + member] = E::narrow(value.widen());
                    }
                }
            }
        },
    );
    Panels::new(packed, depth, columns)
}

/// Packs a right operand of which each *row* is contiguous: `source` holds depth × columns, `stride` numbers apart.
#[inline(always)]
pub(in super::super) fn pack_rows<'a, S: Element, E: Element>(
    source: &[S],
    stride: usize,
    depth: usize,
    columns: usize,
    packed: &'a mut Vec<E>,
    spread: Spread,
) -> Panels<'a, E> {
    let groups = depth.div_ceil(E::GROUP);
    let panel_length = groups * PANEL * E::GROUP;
    packed.resize(columns.div_ceil(PANEL) * panel_length, E::default());
    spread.over(
        packed,
        panel_length,
        #[inline(always)]
        |panel, packed| {
            interleave::<S, E, PANEL>(source, stride, depth, panel * PANEL, columns, packed);
        },
    );
    Panels::new(packed, depth, columns)
}

/// Packs a left operand of which each *column* is contiguous: `source` holds depth × rows, `stride` numbers apart.
/// A gradient of activations (tokens × outputs), where that of the weights is computed, is such.
#[inline(always)]
pub(in super::super) fn pack_transposed<S: Element, E: Element>(
    source: &[S],
    stride: usize,
    depth: usize,
    rows: usize,
    packed: &mut Vec<E>,
    spread: Spread,
) {
    let groups = depth.div_ceil(E::GROUP);
    let strip_length = groups * TILE_ROWS * E::GROUP;
    packed.resize(rows.div_ceil(TILE_ROWS) * strip_length, E::default());
    spread.over(
        packed,
        strip_length,
        #[inline(always)]
        |strip, packed| {
            interleave::<S, E, TILE_ROWS>(source, stride, depth, strip * TILE_ROWS, rows, packed);
        },
    );
}

/// Lays `WIDTH` columns from `first` on, of rows of `columns` numbers, side by side in groups.
#[inline(always)]
fn interleave<S: Element, E: Element, const WIDTH: usize>(
    source: &[S],
    stride: usize,
    depth: usize,
    first: usize,
    columns: usize,
    packed: &mut [E],
) {
    let width = (columns - first).min(WIDTH);
    if width < WIDTH || !depth.is_multiple_of(E::GROUP) {
        packed.fill(E::default());
    }
    let row = |row: usize| &source[row * stride + first..row * stride + first + width];
    for (group, packed) in packed.chunks_exact_mut(WIDTH * E::GROUP).enumerate() {
        let start = group * E::GROUP;
        if E::GROUP == 2 && start + 2 <= depth && width == WIDTH {
            // The two rows at once: this loop becomes vector instructions.
            let (even, odd) = (row(start), row(start + 1));
            for ((pair, even), odd) in packed.chunks_exact_mut(2).zip(even).zip(odd) {
                pair[0] = E::narrow(even.widen());
                pair[1] = E::narrow(odd.widen());
            }
            continue;
        }
        for member in 0..E::GROUP.min(depth - start) {
            for (column, value) in row(start + member).iter().enumerate() {
                packed[column * E::GROUP + member] = E::narrow(value.widen());
            }
        }
    }
}
