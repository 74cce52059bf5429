//! Counts of values in bins of equal width.

/// How many bins a histogram has at most, the last one open at its end.
const BINS: u32 = 40;

/// Counts of whole numbers in bins of equal width; the few largest values share the last bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Of the first bin.
    pub start: u32,
    /// Of each bin.
    pub width: u32,
    /// Values in each bin.
    pub counts: Vec<usize>,
    /// The largest value of all, where it lies beyond the width of the last bin.
    pub open_end: Option<u32>,
}

impl Histogram {
    /// Of a list that ascends. The width is 1, 2 or 5 times a power of ten, and the bins reach to the 99.5th percentile.
    pub fn of_sorted(values: &[u32]) -> Self {
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else { return Self::default() };
        let far = values[(values.len() - 1) * 995 / 1000];
        let wanted = (far - least) / BINS + 1;
        let power = 10_u32.pow(wanted.ilog10());
        let width = [1, 2, 5, 10].into_iter().map(|step| step * power).find(|width| *width >= wanted).unwrap_or(wanted);
        let start = least / width * width;
        let last = ((far - start) / width) as usize;
        let mut counts = vec![0; last + 1];
        for &value in values {
            counts[(((value - start) / width) as usize).min(last)] += 1;
        }
        let end = start.saturating_add(width.saturating_mul(last as u32 + 1));
        Self { start, width, counts, open_end: (most >= end).then_some(most) }
    }

    /// The least and the largest value of a bin.
    pub fn range(&self, bin: usize) -> (u32, u32) {
        let from = self.start + self.width * bin as u32;
        let to = match self.open_end {
            Some(most) if bin + 1 == self.counts.len() => most,
            _ => from + self.width - 1,
        };
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        for values in [vec![0], vec![3, 3, 4], (0..10_000).collect(), vec![1, 2, 1_000_000], vec![7; 5000]] {
            let histogram = Histogram::of_sorted(&values);
            assert_eq!(histogram.counts.iter().sum::<usize>(), values.len());
            assert!(histogram.counts.len() <= BINS as usize + 2, "{histogram:?}");
            for (bin, count) in histogram.counts.iter().enumerate() {
                let (from, to) = histogram.range(bin);
                assert_eq!(values.iter().filter(|value| (from..=to).contains(*value)).count(), *count);
            }
        }
    }

    #[test]
    fn a_long_tail_shares_the_last_bin() {
        let mut values: Vec<u32> = (0..1000).map(|value| value / 100).collect();
        values.push(50_000);
        let histogram = Histogram::of_sorted(&values);
        assert_eq!((histogram.width, histogram.counts.len(), histogram.open_end), (1, 10, Some(50_000)));
        assert_eq!(Histogram::of_sorted(&[]), Histogram::default());
    }
}
