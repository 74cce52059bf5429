//! The distributions behind a report, as plots need them.

use serde::Serialize;

/// Counts of each row, sentence or paper; every list ascends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// White-space words of the sentence, of every usable row (0 where it is empty).
    pub sentence_words: Vec<u32>,
    /// Characters of the reference text, of every usable row (0 where it is empty).
    pub text_chars: Vec<u32>,
    /// Characters of the reference block, of every cleaned row.
    pub block_chars: Vec<u32>,
    /// Rows of every (paper, sentence) among the cleaned rows.
    pub candidates_per_sentence: Vec<u32>,
    /// Cleaned rows of every paper that has any.
    pub rows_per_paper: Vec<u32>,
}

/// Mean, median and maximum of a list of counts; all 0 for an empty list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Full precision.
    pub mean: f64,
    /// Element ⌊n/2⌋ of the sorted list.
    pub median: u32,
    /// The largest.
    pub max: u32,
}

impl Summary {
    /// Of a list that ascends.
    #[must_use]
    pub fn of_sorted(values: &[u32]) -> Self {
        let Some(&max) = values.last() else { return Self::default() };
        let sum: u64 = values.iter().map(|&value| u64::from(value)).sum();
        Self { mean: sum as f64 / values.len() as f64, median: values[values.len() / 2], max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_upper_one() {
        assert_eq!(Summary::of_sorted(&[1, 2, 3, 10]), Summary { mean: 4.0, median: 3, max: 10 });
        assert_eq!(Summary::of_sorted(&[5]), Summary { mean: 5.0, median: 5, max: 5 });
        assert_eq!(Summary::of_sorted(&[]), Summary::default());
    }
}
