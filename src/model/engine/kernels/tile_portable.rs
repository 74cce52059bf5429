//! A tile on any processor: six rows of 16 sums at a time, which fit into the registers of AVX2 and NEON.

use super::{Element, PANEL, TILE_ROWS, Tile};

/// Columns whose sums are in registers together.
const COLUMNS: usize = 16;

/// Multiplies `rows` rows of the left operand, of which number `group` of row `row` begins at
/// `row · row_distance + group · group_distance`, with a panel of so many groups. To be called within
/// [`vectorized`](super::vectorized).
#[inline(always)]
pub(super) fn tile<E: Element>(
    left: &[E],
    row_distance: usize,
    group_distance: usize,
    panel: &[E],
    rows: usize,
    results: &mut Tile,
) {
    for first in (0..PANEL).step_by(COLUMNS) {
        let mut sums = [[0.0_f32; COLUMNS]; TILE_ROWS];
        for (group, right) in panel.chunks_exact(PANEL * E::GROUP).enumerate() {
            let right = &right[first * E::GROUP..(first + COLUMNS) * E::GROUP];
            for (row, sums) in sums.iter_mut().enumerate().take(rows) {
                let start = row * row_distance + group * group_distance;
                for (member, &left) in left[start..start + E::GROUP].iter().enumerate() {
                    let left = left.widen();
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum += left * right[column * E::GROUP + member].widen();
                    }
                }
            }
        }
        for (result, sums) in results.iter_mut().zip(&sums).take(rows) {
            result[first..first + COLUMNS].copy_from_slice(sums);
        }
    }
}
