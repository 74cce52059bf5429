//! The order of the examples in each epoch.

use crate::model::counter_random;

/// Sets the generator's sequence for shuffling apart from every site of dropout.
const SITE: u64 = u64::MAX;

/// The positions 0 to `length − 1` in random order (Fisher and Yates; Durstenfeld, 1964), the same for the same seed
/// and epoch.
pub(super) fn order(length: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    for last in (1..length).rev() {
        // The upper half of the product is uniform below last + 1, but for a bias of less than (last + 1) / 2⁶⁴.
        let random = u128::from(counter_random(seed, epoch, SITE, last as u64));
        let chosen = ((random * (last as u128 + 1)) >> 64) as usize;
        order.swap(last, chosen);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_permutation_that_depends_on_seed_and_epoch() {
        let first = order(100, 42, 0);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(first, order(100, 42, 0));
        assert_ne!(first, order(100, 42, 1));
        assert_ne!(first, order(100, 43, 0));
        assert_eq!(order(0, 42, 0), Vec::<usize>::new());
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut counts = [[0u32; 5]; 5];
        for epoch in 0..10_000 {
            for (place, &example) in order(5, 1, epoch).iter().enumerate() {
                counts[place][example] += 1;
            }
        }
        // 2,000 expected in each cell; five standard deviations are 200.
        assert!(counts.iter().flatten().all(|&count| (1_800..=2_200).contains(&count)), "{counts:?}");
    }
}
