//! Uncertainty of a figure, by resampling whole papers.

use crate::model::counter_random;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// The 2.5th and 97.5th percentile of `figure` over `resamples` draws of groups with replacement; `figure` gets row
/// positions and returns None where it is undefined. Same seed, same interval. None where no draw was defined.
///
/// Rows of one paper resemble each other, so resampling rows would promise too much: whole groups are drawn, as many
/// as there are (the cluster bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, with
/// percentile intervals).
pub fn bootstrap_by_group(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    figure: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Option<Interval> {
    let [interval] = bootstrap_figures(groups, resamples, seed, |rows| [figure(rows)]);
    interval
}

/// As [`bootstrap_by_group`] for several figures over the same draws.
pub fn bootstrap_figures<const N: usize>(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    figures: impl Fn(&[usize]) -> [Option<f64>; N] + Sync,
) -> [Option<Interval>; N] {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(row);
    }
    let members: Vec<Vec<usize>> = members.into_values().collect();
    // Each draw has random numbers of its own, so the order in which threads take them does not matter.
    let draws: Vec<[Option<f64>; N]> = (0..if members.is_empty() { 0 } else { resamples })
        .into_par_iter()
        .map_init(Vec::new, |rows: &mut Vec<usize>, draw| {
            rows.clear();
            for pick in 0..members.len() {
                rows.extend_from_slice(&members[random_below(seed, draw as u64, pick as u64, members.len())]);
            }
            figures(rows)
        })
        .collect();
    std::array::from_fn(|position| {
        let mut defined: Vec<f64> =
            draws.iter().filter_map(|draw| draw[position]).filter(|figure| figure.is_finite()).collect();
        defined.sort_unstable_by(f64::total_cmp);
        Some(Interval { low: percentile(&defined, 0.025)?, high: percentile(&defined, 0.975)? })
    })
}

/// Sets the generator's sequences for resampling apart from those for dropout and shuffling.
const SITE: u64 = u64::MAX - 1;

/// A number below `count`, by multiplication instead of remainder (Lemire, "Fast random integer generation in an
/// interval", 2019); its bias is below `count` / 2^64.
fn random_below(seed: u64, draw: u64, pick: u64, count: usize) -> usize {
    let random = counter_random(seed, draw, SITE, pick);
    ((u128::from(random) * count as u128) >> 64) as usize
}

/// The value at `share` of the way through sorted numbers, between neighbours in proportion (NumPy's `linear`).
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn mean(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> + Sync + '_ {
        |rows| (!rows.is_empty()).then(|| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64)
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let groups: Vec<usize> = (0..200).map(|row| row / 4).collect();
        let values: Vec<f64> = (0..200).map(|row| f64::from(row % 7)).collect();
        let interval = bootstrap_by_group(&groups, 300, 7, mean(&values)).unwrap();
        assert_eq!(Some(interval), bootstrap_by_group(&groups, 300, 7, mean(&values)));
        assert_ne!(Some(interval), bootstrap_by_group(&groups, 300, 8, mean(&values)));
    }

    #[test]
    fn the_interval_of_a_mean_has_the_width_that_theory_gives() {
        // 400 groups of one row, half 0 and half 1: the standard error of the mean is 0.025.
        let groups: Vec<usize> = (0..400).collect();
        let values: Vec<f64> = (0..400).map(|row| f64::from(row % 2)).collect();
        let interval = bootstrap_by_group(&groups, 4000, 1, mean(&values)).unwrap();
        assert!((interval.low - (0.5 - 1.96 * 0.025)).abs() < 0.005, "{interval:?}");
        assert!((interval.high - (0.5 + 1.96 * 0.025)).abs() < 0.005, "{interval:?}");
        // The same rows in 20 groups of equal members say far less.
        let clustered: Vec<usize> = (0..400).map(|row| row % 20).collect();
        let wide = bootstrap_by_group(&clustered, 4000, 1, mean(&values)).unwrap();
        assert!(wide.high - wide.low > 3.0 * (interval.high - interval.low), "{wide:?}");
    }

    #[test]
    fn draws_are_those_of_the_one_generator() {
        let drawn = Mutex::new(Vec::new());
        bootstrap_by_group(&[0, 1, 2, 3, 4], 1, 42, |rows| {
            drawn.lock().unwrap().extend_from_slice(rows);
            None
        });
        let expected: Vec<usize> =
            (0..5).map(|pick| ((u128::from(counter_random(42, 0, u64::MAX - 1, pick)) * 5) >> 64) as usize).collect();
        assert_eq!(drawn.into_inner().unwrap(), expected);
    }

    #[test]
    fn undefined_figures_have_no_interval() {
        assert_eq!(bootstrap_by_group(&[], 100, 1, |_| Some(1.0)), None);
        assert_eq!(bootstrap_by_group(&[0, 1], 100, 1, |_| None), None);
        assert_eq!(bootstrap_by_group(&[0, 1], 0, 1, |_| Some(1.0)), None);
        assert_eq!(bootstrap_by_group(&[5], 10, 1, |_| Some(2.0)), Some(Interval { low: 2.0, high: 2.0 }));
    }

    #[test]
    fn percentiles_lie_between_neighbours_in_proportion() {
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.025), Some(1.1));
        assert_eq!(percentile(&[1.0, 2.0], 0.975), Some(1.975));
        assert_eq!(percentile(&[3.0], 0.5), Some(3.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
