//! A sentence with candidates to try the page with, written for this program.

use super::input::{Entry, Inputs};
use crate::checking::Reference;

/// (title, authors, text)
const CANDIDATES: &[(&str, &str, &str)] = &[
    (
        "Listening for rain: acoustic gauges on a mountain slope",
        "Ana Brandt, Teodor Lindqvist",
        "We describe microphones under a steel plate that estimate rainfall from the sound of drops. Over two wet \
         seasons the acoustic estimate followed tipping-bucket gauges to within nine percent, and it kept working \
         when leaves blocked the buckets.",
    ),
    (
        "Why tipping buckets fail under trees",
        "Mireille Okafor",
        "Leaves and spider webs block the funnels of rain gauges below a canopy. We inspected forty gauges each week \
         and found that a third had lost part of their catch.",
    ),
    (
        "A lexicon of bird calls in three valleys",
        "Jonas Weil, Priya Raman",
        "Recordings of dawn choruses were segmented by hand and named by five listeners. Agreement was high for \
         warblers and low for finches.",
    ),
    ("Cheap sensors for snow depth", "Teodor Lindqvist", ""),
];

/// The example.
pub(super) fn example() -> Inputs {
    Inputs {
        sentence: "Sound has been proposed as a way to measure rainfall where leaves block ordinary rain gauges."
            .to_owned(),
        candidates: CANDIDATES
            .iter()
            .map(|&(title, authors, text)| Entry {
                reference: Reference { title: title.to_owned(), authors: authors.to_owned(), text: text.to_owned() },
                label: None,
            })
            .collect(),
    }
}
