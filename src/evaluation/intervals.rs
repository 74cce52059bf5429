//! Uncertainty of a figure, by resampling whole papers.

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// The 2.5th and 97.5th percentile of `figure` over `resamples` draws of groups with replacement; `figure` gets row
/// positions and returns None where it is undefined. Same seed, same interval. None where no draw was defined.
pub fn bootstrap_by_group(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    figure: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Option<Interval> {
    let _ = (groups, resamples, seed, figure);
    todo!()
}
