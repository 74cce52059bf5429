//! Noise that a single row shows.

use super::{
    CUT_TEXT_CHARS, LONG_SENTENCE_WORDS, Lines, LintFinding, LintKind, SHORT_SENTENCE_WORDS, SHORT_TEXT_CHARS,
};
use crate::dataset::PaperId;
use crate::dataset::text::is_white_space;
use crate::dataset::view::View;
use memchr::{memchr, memchr_iter, memchr3_iter, memmem};

/// Shorter sentences occur inside texts by chance.
const MIN_CONTAINED_BYTES: usize = 20;

/// The lines of each kind.
#[derive(Debug, Default)]
pub(in crate::dataset) struct RowLints {
    of_kind: [Lines; LintKind::ALL.len()],
    integer_paper_ids: Lines,
    string_paper_ids: Lines,
    integer_reference_ids: Lines,
    string_reference_ids: Lines,
}

impl RowLints {
    /// Looks at a row after all rows before it. `words` are the sentence's, `chars` the reference text's.
    pub(in crate::dataset) fn add(&mut self, row: &View<'_>, words: usize, chars: usize) {
        let mut note = |kind: LintKind| self.of_kind[kind as usize].push(row.line);
        let reference = row.reference;
        match row.sentence {
            None => note(LintKind::EmptySentence),
            Some(sentence) => {
                if words < SHORT_SENTENCE_WORDS {
                    note(LintKind::ShortSentence);
                }
                if words > LONG_SENTENCE_WORDS {
                    note(LintKind::LongSentence);
                }
                if has_citation_mark(sentence) {
                    note(LintKind::CitationMark);
                }
                if reference.text.is_some_and(|text| contains_sentence(text, sentence)) {
                    note(LintKind::SentenceInReference);
                }
            }
        }
        if reference.text.is_none() {
            note(LintKind::EmptyText);
        } else if chars < SHORT_TEXT_CHARS {
            note(LintKind::ShortText);
        } else if CUT_TEXT_CHARS.contains(&chars) {
            note(LintKind::CutText);
        }
        if reference.title.is_none() {
            note(LintKind::MissingTitle);
        }
        if row.ref_paper_id == Some(row.original_paper_id) {
            note(LintKind::ReferenceIsCitingPaper);
        }
        let texts = [row.sentence, reference.title, reference.text];
        if texts.into_iter().flatten().any(has_markup) {
            note(LintKind::Markup);
        }
        if texts.into_iter().chain([reference.authors]).flatten().any(is_damaged) {
            note(LintKind::DamagedText);
        }
        match row.original_paper_id {
            PaperId::Text(_) => self.string_paper_ids.push(row.line),
            PaperId::Integer(_) | PaperId::BigInteger(_) => self.integer_paper_ids.push(row.line),
        }
        match row.ref_paper_id {
            Some(PaperId::Text(_)) => self.string_reference_ids.push(row.line),
            Some(PaperId::Integer(_) | PaperId::BigInteger(_)) => self.integer_reference_ids.push(row.line),
            None => {}
        }
    }

    /// Adds what later rows showed.
    pub(in crate::dataset) fn append(&mut self, later: Self) {
        for (lines, later) in self.of_kind.iter_mut().zip(later.of_kind) {
            lines.append(later);
        }
        self.integer_paper_ids.append(later.integer_paper_ids);
        self.string_paper_ids.append(later.string_paper_ids);
        self.integer_reference_ids.append(later.integer_reference_ids);
        self.string_reference_ids.append(later.string_reference_ids);
    }

    pub(in crate::dataset) fn into_findings(self) -> impl Iterator<Item = LintFinding> {
        let rarer = |integers: Lines, strings: Lines| if integers.count < strings.count { integers } else { strings };
        let single = LintKind::ALL.into_iter().zip(self.of_kind);
        let mixed = [
            (LintKind::MixedPaperIds, rarer(self.integer_paper_ids, self.string_paper_ids)),
            (LintKind::MixedReferenceIds, rarer(self.integer_reference_ids, self.string_reference_ids)),
        ];
        single.chain(mixed).filter_map(|(kind, lines)| lines.into_finding(kind))
    }
}

fn contains_sentence(text: &str, sentence: &str) -> bool {
    let (text, sentence) = (text.as_bytes(), sentence.trim_matches(is_white_space).as_bytes());
    let Some((start, _)) = sentence.split_first_chunk::<8>() else { return false };
    // A sentence starts with a capital, which is rare in a text; preparing the real search would take longer than it.
    let may_start = |at: usize| text[at..].starts_with(start);
    sentence.len() >= MIN_CONTAINED_BYTES
        && memchr_iter(start[0], text).any(may_start)
        && memmem::find(text, sentence).is_some()
}

/// `[3]`, `[3, 4–6]`, `(Meyer et al., 2019)`, `(2019a)`, or an extraction's own `BIBREF7`.
fn has_citation_mark(sentence: &str) -> bool {
    let bytes = sentence.as_bytes();
    let enclosed = |start: usize, close: u8, most: usize| {
        let inside = &bytes[start + 1..bytes.len().min(start + 1 + most)];
        memchr(close, inside).map(|end| &inside[..end])
    };
    memchr_iter(b'[', bytes).filter_map(|start| enclosed(start, b']', 40)).any(is_number_list)
        || memchr_iter(b'(', bytes).filter_map(|start| enclosed(start, b')', 120)).any(is_author_and_year)
        || memmem::find(bytes, b"BIBREF").is_some()
}

/// Digits, separated by commas, semicolons, spaces or dashes.
fn is_number_list(inside: &[u8]) -> bool {
    let separator = |byte: &u8| matches!(byte, b',' | b';' | b' ' | b'-' | 0x80..);
    inside.first().is_some_and(u8::is_ascii_digit)
        && inside.iter().all(|byte| byte.is_ascii_digit() || separator(byte))
        // An interval such as [0, 1] of mathematics starts with a zero; no reference list does.
        && inside[0] != b'0'
}

/// A year at the end, alone or after a name.
fn is_author_and_year(inside: &[u8]) -> bool {
    let year = match inside {
        [head @ .., letter] if letter.is_ascii_lowercase() => head,
        all => all,
    };
    let Some((before, year)) = year.split_last_chunk::<4>() else { return false };
    let plausible = (year.starts_with(b"19") || year.starts_with(b"20")) && year.iter().all(u8::is_ascii_digit);
    let named = before.iter().any(u8::is_ascii_uppercase) && !before.contains(&b'=');
    plausible && (before.is_empty() || (named && matches!(before.last(), Some(b' ' | b','))))
}

/// A tag, an entity, or a LaTeX command with an argument.
fn has_markup(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr3_iter(b'<', b'&', b'\\', bytes).any(|at| {
        let rest = &bytes[at + 1..];
        match bytes[at] {
            b'<' => {
                let name = rest.strip_prefix(b"/").unwrap_or(rest);
                let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':').count();
                // "a<b and c>d" is no tag: after its name one closes, or has attributes.
                name.first().is_some_and(u8::is_ascii_alphabetic)
                    && match &name[length..] {
                        [b'>', ..] | [b'/', b'>', ..] => true,
                        [b' ', attributes @ ..] => {
                            let attributes = &attributes[..attributes.len().min(200)];
                            memchr(b'>', attributes).is_some_and(|end| memchr(b'=', &attributes[..end]).is_some())
                        }
                        _ => false,
                    }
            }
            b'&' => {
                let name = rest.strip_prefix(b"#").unwrap_or(rest);
                let length = name.iter().take(10).take_while(|byte| byte.is_ascii_alphanumeric()).count();
                length >= 2 && name.get(length) == Some(&b';')
            }
            _ => {
                let length = rest.iter().take(20).take_while(|byte| byte.is_ascii_alphabetic()).count();
                length >= 2 && rest.get(length) == Some(&b'{')
            }
        }
    })
}

/// A replacement character, a control character, or UTF-8 that was once read as Latin-1 (`Ã©`, `â€™`).
fn is_damaged(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_control =
        |byte: u8| u8::from(byte < 0x09) | u8::from(byte.wrapping_sub(0x0e) < 0x0e) | u8::from(byte == 0x7f);
    // Without an early exit, and on bytes instead of truths, this compiles to vector instructions.
    let control = bytes.iter().fold(0, |found, &byte| found | is_control(byte)) != 0;
    control
        || (!text.is_ascii()
            && memchr3_iter(0xEF, 0xC2, 0xC3, bytes).any(|at| match &bytes[at..] {
                [0xEF, 0xBF, 0xBD, ..] | [0xC3, 0xA2, 0xE2, 0x82, 0xAC, ..] => true,
                // U+0085 is white space, but the other controls from U+0080 are nothing.
                [0xC2, second, ..] => (0x80..0xA0).contains(second) && *second != 0x85,
                [0xC3, 0x82 | 0x83, 0xC2, third, ..] => (0xA0..0xC0).contains(third) || *third < 0xA0,
                _ => false,
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citation_marks_are_told_from_other_brackets() {
        for sentence in
            ["as shown [12].", "known [3, 4–6]", "(Meyer et al., 2019) found", "Meyer (2019a) found", "see BIBREF7"]
        {
            assert!(has_citation_mark(sentence), "{sentence}");
        }
        for sentence in
            ["the interval [0, 1]", "an array [a]", "in (n = 2019)", "(see Table 2)", "[open", "(1,2019)", "[]", "("]
        {
            assert!(!has_citation_mark(sentence), "{sentence}");
        }
    }

    #[test]
    fn markup_is_told_from_mathematics() {
        for text in ["<b>x</b>", "a <a href=\"x\">", "p &lt; 0.05", "&#945;", "\\emph{x}", "<jats:p>x", "x<br/>"] {
            assert!(has_markup(text), "{text}");
        }
        for text in ["a<b and c>d", "p < 0.05 & q > 1", "R&D; more", "C:\\folder", "<", "&", "\\", "x <y z> w"] {
            assert!(!has_markup(text), "{text}");
        }
    }

    #[test]
    fn damage_is_told_from_foreign_letters() {
        for text in ["a\u{fffd}b", "caf\u{c3}\u{a9}", "it\u{e2}\u{20ac}\u{2122}s", "a\u{1}", "\u{7f}", "\u{93}x\u{94}"]
        {
            assert!(is_damaged(text), "{text:?}");
        }
        for text in ["café Ångström", "São Paulo", "α\u{a0}β", "a\tb\n\u{1f}", "GÃ O", "\u{85}", "Â", "（あ）"]
        {
            assert!(!is_damaged(text), "{text:?}");
        }
    }
}
