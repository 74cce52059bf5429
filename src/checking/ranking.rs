//! Ranked candidates; the JSON form is the output of `citelink check --json`.

use super::{Reference, Scored};
use crate::dataset::is_empty_text;
use serde::Serialize;
use std::fmt::Write;

/// What the threshold says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    #[serde(rename = "CITATION")]
    Citation,
    #[serde(rename = "NOT_CITATION")]
    NotCitation,
}

impl Verdict {
    /// The verdict on a probability: a citation from the threshold on.
    #[must_use]
    pub fn of(probability: f64, threshold: f64) -> Self {
        if probability >= threshold { Self::Citation } else { Self::NotCitation }
    }

    /// `CITATION` or `NOT_CITATION`, as models and files name the classes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Citation => "CITATION",
            Self::NotCitation => "NOT_CITATION",
        }
    }
}

/// One ranked candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// From 1.
    pub rank: usize,
    /// Position in the input, from 0.
    pub index: usize,
    pub title: String,
    pub probability: f64,
    pub verdict: Verdict,
    /// Part of the sentence or of the reference did not fit the model's input.
    pub truncated: bool,
    /// Only a title (and perhaps authors): the model has little to go by.
    #[serde(skip)]
    pub title_only: bool,
    #[serde(skip)]
    pub sentence_cut: bool,
    /// Tokens of the reference that did not fit.
    #[serde(skip)]
    pub reference_tokens_cut: usize,
}

/// Candidates, highest probability first (ties in input order).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedCandidates {
    pub threshold: f64,
    pub candidates: Vec<Candidate>,
}

impl RankedCandidates {
    /// Ranks candidates by their scores; `scored` goes candidate by candidate.
    #[must_use]
    pub fn rank(candidates: &[Reference], scored: &[Scored], threshold: f64) -> Self {
        let mut ranked: Vec<Candidate> = candidates
            .iter()
            .zip(scored)
            .enumerate()
            .map(|(index, (candidate, scored))| Candidate {
                rank: 0,
                index,
                title: candidate.title.clone(),
                probability: scored.probability,
                verdict: Verdict::of(scored.probability, threshold),
                truncated: scored.sentence_cut || scored.reference_tokens_cut > 0,
                title_only: is_empty_text(&candidate.text),
                sentence_cut: scored.sentence_cut,
                reference_tokens_cut: scored.reference_tokens_cut,
            })
            .collect();
        // Stable, so that ties stay in input order.
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        for (position, candidate) in ranked.iter_mut().enumerate() {
            candidate.rank = position + 1;
        }
        Self { threshold, candidates: ranked }
    }

    /// For reading: a line a candidate, what to know about it below.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("Threshold {}\n", short(self.threshold));
        for candidate in &self.candidates {
            let title = if is_empty_text(&candidate.title) {
                format!("(candidate {} has no title)", candidate.index + 1)
            } else {
                crate::dataset::fold_white_space(&candidate.title)
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:>3}. {:.3}  {:<12}  {title}",
                candidate.rank,
                candidate.probability,
                candidate.verdict.name()
            );
            for note in candidate.notes() {
                let _ = writeln!(text, "     {note}");
            }
        }
        text
    }

    /// For spreadsheets: `rank,index,title,probability,verdict,truncated,title_only`, numbers in full.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = "rank,index,title,probability,verdict,truncated,title_only\n".to_owned();
        for candidate in &self.candidates {
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{}",
                candidate.rank,
                candidate.index,
                csv_cell(&candidate.title),
                candidate.probability,
                candidate.verdict.name(),
                candidate.truncated,
                candidate.title_only
            );
        }
        text
    }

    /// For programs: the document of `citelink check --json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, strings and lists always have a JSON form; what is not a number becomes null.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Candidate {
    /// What a reader of the probability should know: what was cut off, and that there was only a title.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.sentence_cut {
            notes.push("The sentence is too long for the model and was cut".to_owned());
        }
        match self.reference_tokens_cut {
            0 => {}
            1 => notes.push("The last token of the reference did not fit".to_owned()),
            cut => notes.push(format!("The last {cut} tokens of the reference did not fit")),
        }
        if self.title_only {
            notes.push("Only a title: the model has little to go by without an abstract".to_owned());
        }
        notes
    }
}

/// A number in at most four decimals, without trailing zeros.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A cell as RFC 4180 has it: in quotes where it holds a comma, a quote or a line end.
fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked() -> RankedCandidates {
        let reference = |title: &str, text: &str| Reference {
            title: title.to_owned(),
            authors: String::new(),
            text: text.to_owned(),
        };
        let scored = |probability, sentence_cut, reference_tokens_cut| Scored {
            logits: [0.0, 0.0],
            probability,
            sentence_cut,
            reference_tokens_cut,
        };
        RankedCandidates::rank(
            &[reference("Low", "x"), reference("A, \"B\"", ""), reference("", "y"), reference("Tied", "z")],
            &[scored(0.125, false, 0), scored(0.5, false, 7), scored(0.875, true, 0), scored(0.5, false, 0)],
            0.5,
        )
    }

    #[test]
    fn candidates_go_down_in_probability_and_ties_keep_their_order() {
        let ranked = ranked();
        let order: Vec<(usize, usize)> =
            ranked.candidates.iter().map(|candidate| (candidate.rank, candidate.index)).collect();
        assert_eq!(order, [(1, 2), (2, 1), (3, 3), (4, 0)]);
        let verdicts: Vec<&str> = ranked.candidates.iter().map(|candidate| candidate.verdict.name()).collect();
        assert_eq!(verdicts, ["CITATION", "CITATION", "CITATION", "NOT_CITATION"]);
        assert_eq!(ranked.candidates.iter().map(|c| c.truncated).collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!(ranked.candidates.iter().map(|c| c.title_only).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[test]
    fn the_csv_quotes_what_needs_it() {
        let csv = ranked().to_csv();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1].iter().collect::<Vec<_>>(), ["2", "1", "A, \"B\"", "0.5", "CITATION", "true", "true"]);
    }

    #[test]
    fn the_text_says_what_was_cut_and_what_is_missing() {
        assert_eq!(
            ranked().to_text(),
            "Threshold 0.5
  1. 0.875  CITATION      (candidate 3 has no title)
     The sentence is too long for the model and was cut
  2. 0.500  CITATION      A, \"B\"
     The last 7 tokens of the reference did not fit
     Only a title: the model has little to go by without an abstract
  3. 0.500  CITATION      Tied
  4. 0.125  NOT_CITATION  Low
"
        );
    }

    #[test]
    fn the_json_has_the_documented_keys_in_order() {
        let document: serde_json::Value = serde_json::from_str(&ranked().to_json()).unwrap();
        assert_eq!(document["threshold"], 0.5);
        let first = document["candidates"][0].as_object().unwrap();
        let keys: Vec<&str> = first.keys().map(String::as_str).collect();
        assert_eq!(keys, ["rank", "index", "title", "probability", "verdict", "truncated"]);
    }
}
