//! How probabilities are spread over the classes, and whether they mean what they say.

/// Rows of each class by probability.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Histogram {
    /// Edges of the bins from 0 to 1, one more than bins; the last bin holds both its edges.
    pub edges: Vec<f64>,
    /// Rows of class 0, one count a bin.
    pub negatives: Vec<usize>,
    /// Rows of class 1, one count a bin.
    pub positives: Vec<usize>,
}

/// A bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ReliabilityBin {
    pub rows: usize,
    /// Mean of the probabilities.
    pub mean_probability: f64,
    /// Share of rows of class 1: near the mean probability where probabilities can be taken at their word.
    pub positive_share: f64,
}

/// Counts the rows of each class in `bins` bins of equal width from 0 to 1 (at least one bin is made). Probabilities
/// outside of that are left out.
#[must_use]
pub fn histogram(labels: &[bool], probabilities: &[f64], bins: usize) -> Histogram {
    let bins = bins.max(1);
    let edges = super::linspace(0.0, 1.0, bins + 1);
    let mut histogram = Histogram { negatives: vec![0; bins], positives: vec![0; bins], edges };
    for (&label, &probability) in labels.iter().zip(probabilities) {
        if let Some(bin) = bin_of(probability, &histogram.edges) {
            let counts = if label { &mut histogram.positives } else { &mut histogram.negatives };
            counts[bin] += 1;
        }
    }
    histogram
}

/// The bins of equal width from 0 to 1 that hold rows, lowest first, for a reliability diagram.
#[must_use]
pub fn reliability(labels: &[bool], probabilities: &[f64], bins: usize) -> Vec<ReliabilityBin> {
    let edges = super::linspace(0.0, 1.0, bins.max(1) + 1);
    let mut sums = vec![(0_usize, 0.0_f64, 0_usize); edges.len() - 1];
    for (&label, &probability) in labels.iter().zip(probabilities) {
        if let Some(bin) = bin_of(probability, &edges) {
            let (rows, sum, positives) = &mut sums[bin];
            *rows += 1;
            *sum += probability;
            *positives += usize::from(label);
        }
    }
    sums.into_iter()
        .filter(|&(rows, ..)| rows > 0)
        .map(|(rows, sum, positives)| ReliabilityBin {
            rows,
            mean_probability: sum / rows as f64,
            positive_share: positives as f64 / rows as f64,
        })
        .collect()
}

/// The mean squared distance between probability and label (Brier, 1950): 0 is perfect, always saying 0.5 gives 0.25.
/// None without rows.
#[must_use]
pub fn brier_score(labels: &[bool], probabilities: &[f64]) -> Option<f64> {
    let rows = labels.len().min(probabilities.len());
    let sum: f64 = labels
        .iter()
        .zip(probabilities)
        .map(|(&label, &probability)| (probability - f64::from(u8::from(label))).powi(2))
        .sum();
    (rows > 0).then(|| sum / rows as f64)
}

/// The bin that holds a probability: its lower edge counts, its upper one does not, except 1 in the last.
fn bin_of(probability: f64, edges: &[f64]) -> Option<usize> {
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let bins = edges.len() - 1;
    Some(edges.partition_point(|&edge| edge <= probability).saturating_sub(1).min(bins - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bin_above_and_one_to_the_last() {
        let probabilities = [0.0, 0.25, 0.5, 0.75, 1.0, f64::NAN, -0.1, 1.1];
        let labels = [true, false, true, false, true, true, true, true];
        let histogram = histogram(&labels, &probabilities, 4);
        assert_eq!(histogram.edges, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(histogram.positives, [1, 0, 1, 1]);
        assert_eq!(histogram.negatives, [0, 1, 0, 1]);
    }

    #[test]
    fn empty_bins_have_no_reliability() {
        let bins = reliability(&[true, false, true], &[0.1, 0.2, 0.9], 2);
        assert_eq!(bins.len(), 2);
        assert_eq!((bins[0].rows, bins[0].positive_share), (2, 0.5));
        assert_eq!(reliability(&[true], &[0.9], 10).len(), 1);
        assert_eq!(brier_score(&[], &[]), None);
        assert_eq!(brier_score(&[true, false], &[0.5, 0.5]), Some(0.25));
    }
}
