//! A sentence with candidates to try the page with, from the sample dataset.

use super::input::Inputs;
use crate::dataset::{Dataset, DatasetError, Label, PaperId};
use std::collections::{HashMap, HashSet};

/// The sample's sentence with the most different candidates of both kinds (the first of several).
pub(super) fn example() -> Result<Inputs, DatasetError> {
    let sample = Dataset::sample()?;
    let mut rows_of: HashMap<(&PaperId, &str), Vec<usize>> = HashMap::new();
    for (row, record) in sample.records.iter().enumerate() {
        if let Some(sentence) = record.sentence.as_deref() {
            rows_of.entry((&record.original_paper_id, sentence)).or_default().push(row);
        }
    }
    let has = |rows: &[usize], label| rows.iter().any(|&row| sample.records[row].label == Some(label));
    // The sample also holds duplicates, to show what the report finds.
    let titles = |rows: &[usize]| {
        rows.iter().filter_map(|&row| sample.records[row].ref_paper_title.as_deref()).collect::<HashSet<_>>().len()
    };
    let rows = rows_of
        .into_values()
        .filter(|rows| has(rows, Label::Citation) && has(rows, Label::NotCitation) && titles(rows) == rows.len())
        .max_by_key(|rows| (rows.len(), std::cmp::Reverse(rows[0])))
        .unwrap_or_default();
    Ok(Inputs::of_rows(&sample, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_something_to_rank() {
        let example = example().unwrap();
        assert!(!example.sentence.is_empty());
        assert!(example.rankable().len() >= 3, "{example:?}");
    }
}
