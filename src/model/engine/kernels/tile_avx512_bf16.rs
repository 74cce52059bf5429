//! A tile in bf16 with AVX512-BF16, whose instruction adds the products of two neighbouring pairs to each lane.

use super::{PANEL, TILE_ROWS, Tile};
use half::bf16;
use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Vectors a group of the panel: 16 pairs each.
const VECTORS: usize = PANEL / 16;

/// A [`FastTile`](super::FastTile).
///
/// # Safety
/// As said there.
pub(super) unsafe fn tile(
    left: *const bf16,
    row_distance: usize,
    group_distance: usize,
    panel: *const bf16,
    groups: usize,
    rows: usize,
    results: &mut Tile,
) {
    // SAFETY: the caller promises AVX512-BF16 and that both operands can be read this far.
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

/// The same bits as pairs of bf16.
#[target_feature(enable = "avx512f,avx512bf16")]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits without invalid values.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn of<const ROWS: usize>(
    left: *const bf16,
    row_distance: usize,
    group_distance: usize,
    panel: *const bf16,
    groups: usize,
    results: &mut Tile,
) {
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    for group in 0..groups {
        let mut right = [pairs(_mm512_set1_epi32(0)); VECTORS];
        for (vector, right) in right.iter_mut().enumerate() {
            // SAFETY: the panel holds `groups` rows of `PANEL` pairs (the caller's promise).
            *right = pairs(unsafe { _mm512_loadu_si512(panel.add(group * PANEL * 2 + vector * 32).cast()) });
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: a pair of the left operand can be read at each row and group (the caller's promise).
            let left = unsafe { left.add(row * row_distance + group * group_distance).cast::<i32>().read_unaligned() };
            let left = pairs(_mm512_set1_epi32(left));
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = _mm512_dpbf16_ps(*sum, left, right);
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
