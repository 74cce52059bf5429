//! A tile in f32 with AVX-512: 24 registers of sums, four of the panel, one of the left operand.

use super::{PANEL, TILE_ROWS, Tile};
use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Vectors a row of the panel.
const VECTORS: usize = PANEL / 16;

/// A [`FastTile`](super::FastTile).
///
/// # Safety
/// As said there.
pub(super) unsafe fn tile(
    left: *const f32,
    row_distance: usize,
    group_distance: usize,
    panel: *const f32,
    groups: usize,
    rows: usize,
    results: &mut Tile,
) {
    // SAFETY: the caller promises AVX-512 and that both operands can be read this far.
    unsafe {
        match rows {
            1 => of::<1>(left, row_distance, group_distance, panel, groups, results),
            2 => of::<2>(left, row_distance, group_distance, panel, groups, results),
            3 => of::<3>(left, row_distance, group_distance, panel, groups, results),
            4 => of::<4>(left, row_distance, group_distance, panel, groups, results),
            5 => of::<5>(left, row_distance, group_distance, panel, groups, results),
            TILE_ROWS => of::<TILE_ROWS>(left, row_distance, group_distance, panel, groups, results),
            _ => unreachable!("a tile has 1 to {TILE_ROWS} rows"),
        }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn of<const ROWS: usize>(
    left: *const f32,
    row_distance: usize,
    group_distance: usize,
    panel: *const f32,
    groups: usize,
    results: &mut Tile,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    for group in 0..groups {
        let mut right: [__m512; VECTORS] = [_mm512_setzero_ps(); VECTORS];
        for (vector, right) in right.iter_mut().enumerate() {
            // SAFETY: the panel holds `groups` rows of `PANEL` numbers (the caller's promise).
            *right = unsafe { _mm512_loadu_ps(panel.add(group * PANEL + vector * 16)) };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the left operand can be read at each row and group (the caller's promise).
            let left = unsafe { *left.add(row * row_distance + group * group_distance) };
            let left = _mm512_set1_ps(left);
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = _mm512_fmadd_ps(left, right, *sum);
            }
        }
    }
    for (result, sums) in results.iter_mut().zip(sums) {
        for (part, sum) in result.as_chunks_mut::<16>().0.iter_mut().zip(sums) {
            // SAFETY: `part` is 16 numbers long.
            unsafe { _mm512_storeu_ps(part.as_mut_ptr(), sum) };
        }
    }
}
