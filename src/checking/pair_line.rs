//! One line of a file to score or to take references from: its texts, and the line with answers added.

use super::Reference;
use crate::dataset::{Value, is_empty_text, scan_members};
use std::borrow::Cow;
use std::ops::Range;

/// The fields that scoring adds.
const ANSWERS: [&str; 2] = ["probability", "predicted"];

/// A JSON object with the dataset's texts; missing and null ones, and a bare `NaN`, are `None`.
#[derive(Debug, Default)]
pub(super) struct PairLine<'a> {
    source: &'a str,
    pub(super) sentence: Option<Cow<'a, str>>,
    title: Option<Cow<'a, str>>,
    authors: Option<Cow<'a, str>>,
    text: Option<Cow<'a, str>>,
    /// Where each field but earlier answers stands in `source`.
    members: Vec<Range<usize>>,
    answered_before: bool,
}

impl<'a> PairLine<'a> {
    /// Reads the line; whatever it holds beside the texts is none of scoring's business and may be anything that
    /// Python's `json` reads.
    ///
    /// # Errors
    /// What is wrong, as half a sentence.
    pub(super) fn read(source: &'a str) -> Result<Self, String> {
        let mut line = Self { source, ..Self::default() };
        let mut wrong = None;
        let scanned = scan_members(source, |range, name, value| {
            if ANSWERS.contains(&name) {
                line.answered_before = true;
                return;
            }
            line.members.push(range);
            let field = match name {
                "sentence" => &mut line.sentence,
                "ref_paper_title" => &mut line.title,
                "ref_paper_authors" => &mut line.authors,
                "ref_paper_text" => &mut line.text,
                _ => return,
            };
            // Of a repeated field the last counts, as in Python.
            *field = match value {
                Value::Null | Value::NotANumber => None,
                Value::Text(text) => Some(text),
                other => {
                    wrong.get_or_insert_with(|| format!("{name} must be a string, not {}", other.kind()));
                    None
                }
            };
        });
        match (scanned, wrong) {
            (Ok(None), None) => Ok(line),
            (Ok(None), Some(wrong)) => Err(wrong),
            (Ok(Some(kind)), _) => Err(format!("not a JSON object but {kind}")),
            (Err(fault), _) => {
                let column = source[..fault.at].chars().count() + 1;
                Err(format!("not valid JSON: {} (column {column})", fault.what))
            }
        }
    }

    /// The texts of its reference, empty where there are none.
    pub(super) fn reference(&self) -> Reference {
        let own = |text: &Option<Cow<'_, str>>| {
            text.as_deref().filter(|text| !is_empty_text(text)).unwrap_or_default().to_owned()
        };
        Reference { title: own(&self.title), authors: own(&self.authors), text: own(&self.text) }
    }

    /// The line as it stands, every key and value in place and to the letter, with the answers added at its end. Answers
    /// that it had before are left out.
    pub(super) fn answered(&self, probability: f64, predicted: bool) -> String {
        let mut answered = String::with_capacity(self.source.len() + 64);
        let (Some(first), Some(last)) = (self.members.first(), self.members.last()) else {
            return format!("{{\"probability\": {probability:?}, \"predicted\": {}}}", u8::from(predicted));
        };
        if self.answered_before {
            answered.push('{');
            for (position, member) in self.members.iter().enumerate() {
                answered.push_str(if position == 0 { "" } else { ", " });
                answered.push_str(&self.source[member.clone()]);
            }
        } else {
            let brace = self.source[..first.start].find('{').unwrap_or_default();
            answered.push_str(&self.source[brace..last.end]);
        }
        answered + &format!(", \"probability\": {probability:?}, \"predicted\": {}}}", u8::from(predicted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_keeps_every_letter() {
        let source = r#" {"z": 1e400, "sentence":"a \u00e9","id" : 12345678901234567890123, "n": NaN, "l": [1, {"probability": 2}] } "#;
        let line = PairLine::read(source).unwrap();
        assert_eq!(line.sentence.as_deref(), Some("a é"));
        assert_eq!(
            line.answered(0.25, true),
            r#"{"z": 1e400, "sentence":"a \u00e9","id" : 12345678901234567890123, "n": NaN, "l": [1, {"probability": 2}], "probability": 0.25, "predicted": 1}"#
        );
    }

    #[test]
    fn earlier_answers_are_replaced() {
        let line = PairLine::read(r#"{"probability": null, "sentence": "a","predicted":[0], "b": 2}"#).unwrap();
        assert_eq!(line.answered(1e-7, false), r#"{"sentence": "a", "b": 2, "probability": 1e-7, "predicted": 0}"#);
        let only_answers = PairLine::read(r#"{"predicted": 1}"#).unwrap();
        assert_eq!(only_answers.answered(0.5, true), r#"{"probability": 0.5, "predicted": 1}"#);
    }

    #[test]
    fn empty_texts_are_empty_and_wrong_ones_are_named() {
        let line =
            PairLine::read(r#"{"ref_paper_title": NaN, "ref_paper_authors": " ", "ref_paper_text": "t"}"#).unwrap();
        assert_eq!(line.reference(), Reference { text: "t".to_owned(), ..Reference::default() });
        assert_eq!(line.sentence, None);
        for (source, reason) in [
            (r#"{"sentence": 7}"#, "sentence must be a string, not an integer"),
            (r#"["sentence"]"#, "not a JSON object but an array"),
            (r#"{"sentence": "a""#, "not valid JSON: it ends in the middle of a value (column 17)"),
        ] {
            assert_eq!(PairLine::read(source).unwrap_err(), reason);
        }
    }
}
