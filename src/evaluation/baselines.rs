//! What a decision must beat: saying yes to everything, and counting shared words.

use super::stop_words::is_stop_word;
use super::{Confusion, Metrics};
use std::collections::HashSet;

/// The figures of calling every row a citation.
#[must_use]
pub fn all_positive(labels: &[bool]) -> Metrics {
    let positives = labels.iter().filter(|&&label| label).count();
    Confusion { true_positive: positives, false_positive: labels.len() - positives, ..Confusion::default() }.metrics()
}

/// Share of the sentence's distinct content words that occur in the reference block, 0 to 1; 0 for a sentence without
/// content words.
///
/// Words are runs of letters and digits with at least one letter and two characters, lower-cased, with English plurals
/// folded into their singular; function words do not count.
#[must_use]
pub fn word_overlap(sentence: &str, reference_block: &str) -> f64 {
    let wanted = content_words(sentence);
    if wanted.is_empty() {
        return 0.0;
    }
    let present = content_words(reference_block);
    wanted.intersection(&present).count() as f64 / wanted.len() as f64
}

fn content_words(text: &str) -> HashSet<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| word.chars().nth(1).is_some() && word.chars().any(char::is_alphabetic))
        .map(str::to_lowercase)
        .filter(|word| !is_stop_word(word))
        .map(singular)
        .collect()
}

/// Folds an English plural into its singular: studies, classes, methods. Words in -ss, -us and -is (class, virus,
/// analysis) stay as they are.
fn singular(mut word: String) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if word.len() > 4 && ends(&["ies"]) {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 4 && ends(&["sses", "shes", "ches", "xes"]) {
        word.truncate(word.len() - 2);
    } else if word.len() > 3 && ends(&["s"]) && !ends(&["ss", "us", "is"]) {
        word.truncate(word.len() - 1);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calling_everything_a_citation_finds_all_and_is_right_as_often_as_citations_occur() {
        let metrics = all_positive(&[true, false, false, true, false]);
        assert_eq!(metrics, Metrics { accuracy: 0.4, precision: 0.4, recall: 1.0, f1: 4.0 / 7.0 });
        assert_eq!(all_positive(&[]), Metrics::default());
    }

    #[test]
    fn shared_content_words_count_once_whatever_their_case_and_number() {
        let sentence = "The Studies of BERT models, and of BERT-based classes!";
        // studies, bert, models, based, classes: five distinct words
        assert_eq!(word_overlap(sentence, "A study: bert MODEL class based"), 1.0);
        assert_eq!(word_overlap(sentence, "bert, bert and the rest"), 0.2);
        assert_eq!(word_overlap(sentence, ""), 0.0);
        assert_eq!(word_overlap("of the 12 and 7", "of the 12 and 7"), 0.0);
    }

    #[test]
    fn plurals_fold_and_look_alikes_stay() {
        for (word, folded) in [
            ("studies", "study"),
            ("classes", "class"),
            ("boxes", "box"),
            ("methods", "method"),
            ("analysis", "analysis"),
            ("virus", "virus"),
            ("class", "class"),
            ("dies", "die"),
            ("gas", "gas"),
            ("σύνολο", "σύνολο"),
        ] {
            assert_eq!(singular(word.to_owned()), folded);
        }
    }
}
