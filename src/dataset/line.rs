//! One line of the file: a row, nothing, or a reason why it cannot be used.

use super::json::{Value, scan_object};
use super::record::{Label, PaperId, Record};
use super::text::is_empty_text;
use std::borrow::Cow;

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    Blank,
    /// Usable; one without a label only where no line of the file has one.
    Row(Row<'a>),
    Rejected(Cow<'static, str>),
}

/// A usable line that still borrows from the file; empty fields are `None`.
#[derive(Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) line: usize,
    pub(super) original_paper_id: PaperId,
    pub(super) sentence: Option<Cow<'a, str>>,
    pub(super) ref_paper_id: Option<PaperId>,
    pub(super) ref_paper_title: Option<Cow<'a, str>>,
    pub(super) ref_paper_authors: Option<Cow<'a, str>>,
    pub(super) ref_paper_text: Option<Cow<'a, str>>,
    pub(super) label: Option<Label>,
}

impl Row<'_> {
    /// The row in memory of its own.
    pub(super) fn into_record(self) -> Record {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| text.into_owned().into_boxed_str());
        Record {
            line: self.line,
            original_paper_id: self.original_paper_id,
            sentence: own(self.sentence),
            ref_paper_id: self.ref_paper_id,
            ref_paper_title: own(self.ref_paper_title),
            ref_paper_authors: own(self.ref_paper_authors),
            ref_paper_text: own(self.ref_paper_text),
            label: self.label,
        }
    }
}

/// Reads line number `line` (without its line end).
pub(super) fn read_line(line: usize, bytes: &[u8]) -> Line<'_> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(failure) => {
            let place = failure.valid_up_to() + 1;
            return Line::Rejected(format!("not valid UTF-8: byte {place} of the line starts no character").into());
        }
    };
    if is_empty_text(text) {
        return Line::Blank;
    }
    let mut fields = Fields::default();
    match scan_object(text, |name, value| fields.take(name, value)) {
        Ok(None) => match fields.into_row(line) {
            Ok(row) => Line::Row(row),
            Err(reason) => Line::Rejected(reason),
        },
        Ok(Some(kind)) => Line::Rejected(format!("not a JSON object but {kind}").into()),
        Err(fault) => {
            // The column counts characters, as an editor does.
            let column = text[..fault.at].chars().count() + 1;
            Line::Rejected(format!("not valid JSON: {} (column {column})", fault.what).into())
        }
    }
}

/// The fields as scanned; of a repeated one the last counts.
#[derive(Default)]
struct Fields<'a> {
    original_paper_id: Option<Value<'a>>,
    sentence: Option<Value<'a>>,
    ref_paper_id: Option<Value<'a>>,
    ref_paper_title: Option<Value<'a>>,
    ref_paper_authors: Option<Value<'a>>,
    ref_paper_text: Option<Value<'a>>,
    label: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: &str, value: Value<'a>) {
        let field = match name {
            "original_paper_id" => &mut self.original_paper_id,
            "sentence" => &mut self.sentence,
            "ref_paper_id" => &mut self.ref_paper_id,
            "ref_paper_title" => &mut self.ref_paper_title,
            "ref_paper_authors" => &mut self.ref_paper_authors,
            "ref_paper_text" => &mut self.ref_paper_text,
            "label" => &mut self.label,
            _ => return,
        };
        *field = Some(value);
    }

    fn into_row(self, line: usize) -> Result<Row<'a>, Cow<'static, str>> {
        Ok(Row {
            line,
            original_paper_id: paper_id("original_paper_id", self.original_paper_id)?
                .ok_or("original_paper_id is missing")?,
            sentence: text("sentence", self.sentence)?,
            ref_paper_id: paper_id("ref_paper_id", self.ref_paper_id)?.filter(|id| !is_blank_id(id)),
            ref_paper_title: text("ref_paper_title", self.ref_paper_title)?,
            ref_paper_authors: text("ref_paper_authors", self.ref_paper_authors)?,
            ref_paper_text: text("ref_paper_text", self.ref_paper_text)?,
            label: label(self.label)?,
        })
    }
}

/// Whether an id is a string of nothing but white space.
pub(super) fn is_blank_id(id: &PaperId) -> bool {
    matches!(id, PaperId::Text(text) if is_empty_text(text))
}

fn paper_id(field: &str, value: Option<Value<'_>>) -> Result<Option<PaperId>, Cow<'static, str>> {
    match value {
        None | Some(Value::Null | Value::NotANumber) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(PaperId::Text(text.into()))),
        Some(Value::Integer(digits)) => Ok(Some(integer_id(digits))),
        // A column of integers with gaps leaves pandas as 7.0, which Python calls equal to 7.
        Some(Value::Float(number)) if number.trunc() == number && number.abs() < 9e15 => {
            Ok(Some(PaperId::Integer(number as i64)))
        }
        Some(other) => Err(format!("{field} must be an integer or a string, not {}", other.kind()).into()),
    }
}

fn integer_id(digits: &str) -> PaperId {
    digits.parse().map_or_else(|_| PaperId::BigInteger(digits.into()), PaperId::Integer)
}

fn text<'a>(field: &str, value: Option<Value<'a>>) -> Result<Option<Cow<'a, str>>, Cow<'static, str>> {
    match value {
        None | Some(Value::Null | Value::NotANumber) => Ok(None),
        Some(Value::Text(text)) => Ok((!is_empty_text(&text)).then_some(text)),
        Some(other) => Err(format!("{field} must be a string, not {}", other.kind()).into()),
    }
}

fn label(value: Option<Value<'_>>) -> Result<Option<Label>, Cow<'static, str>> {
    let number = match &value {
        None | Some(Value::Null | Value::NotANumber) => return Ok(None),
        Some(Value::Bool(cites)) => f64::from(u8::from(*cites)),
        Some(Value::Integer(digits)) => digits.parse().unwrap_or(f64::NAN),
        Some(Value::Float(number)) => *number,
        Some(Value::Text(text)) => match text.as_ref() {
            "0" => 0.0,
            "1" => 1.0,
            text if is_empty_text(text) => return Ok(None),
            _ => f64::NAN,
        },
        Some(Value::Array | Value::Object) => f64::NAN,
    };
    if number == 0.0 {
        Ok(Some(Label::NotCitation))
    } else if number == 1.0 {
        Ok(Some(Label::Citation))
    } else {
        let found = match value {
            Some(Value::Integer(digits)) => shortened(digits),
            Some(Value::Float(number)) => number.to_string().into(),
            Some(Value::Text(text)) => format!("\"{}\"", shortened(&text)).into(),
            Some(other) => other.kind().into(),
            None => "nothing".into(),
        };
        Err(format!("label must be 0 or 1, not {found}").into())
    }
}

/// Enough of a text to recognise it in a message.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(30) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row<'_> {
        match read_line(1, text.as_bytes()) {
            Line::Row(row) => row,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn reason(text: &str) -> String {
        match read_line(1, text.as_bytes()) {
            Line::Rejected(reason) => reason.into_owned(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn empty_fields_are_none() {
        let row =
            row("{\"original_paper_id\":\"a\",\"sentence\":NaN,\"ref_paper_id\":null,\"ref_paper_title\":\"\\u001c \
                       \\u00a0\",\"ref_paper_text\":\" kept \",\"label\":1}\r");
        assert_eq!(row.original_paper_id, PaperId::Text("a".into()));
        assert_eq!(row.sentence, None);
        assert_eq!(row.ref_paper_id, None);
        assert_eq!(row.ref_paper_title, None);
        assert_eq!(row.ref_paper_authors, None);
        assert_eq!(row.ref_paper_text.as_deref(), Some(" kept "));
        assert_eq!(row.label, Some(Label::Citation));
    }

    #[test]
    fn labels_are_read_leniently() {
        for (written, label) in [
            ("0", Some(Label::NotCitation)),
            ("1", Some(Label::Citation)),
            ("1.0", Some(Label::Citation)),
            ("0.0", Some(Label::NotCitation)),
            ("\"1\"", Some(Label::Citation)),
            ("\"0\"", Some(Label::NotCitation)),
            ("true", Some(Label::Citation)),
            ("false", Some(Label::NotCitation)),
            ("null", None),
            ("NaN", None),
        ] {
            assert_eq!(row(&format!("{{\"original_paper_id\":1,\"label\":{written}}}")).label, label, "{written}");
        }
        for written in ["2", "-1", "0.5", "\"yes\"", "[]", "{}", "Infinity", &"9".repeat(5000)] {
            let reason = reason(&format!("{{\"original_paper_id\":1,\"label\":{written}}}"));
            assert!(reason.starts_with("label must be 0 or 1, not ") && reason.len() < 80, "{reason}");
        }
    }

    #[test]
    fn ids_keep_their_kind() {
        let id = |written: &str| row(&format!("{{\"original_paper_id\":{written}}}")).original_paper_id;
        assert_eq!(id("7"), PaperId::Integer(7));
        assert_eq!(id("7.0"), PaperId::Integer(7));
        assert_eq!(id("\"7\""), PaperId::Text("7".into()));
        assert_eq!(id("-9223372036854775809"), PaperId::BigInteger("-9223372036854775809".into()));
        for written in ["null", "NaN"] {
            assert_eq!(reason(&format!("{{\"original_paper_id\":{written}}}")), "original_paper_id is missing");
        }
        for written in ["1.5", "true", "[1]", "{}", "Infinity"] {
            assert!(reason(&format!("{{\"original_paper_id\":{written}}}")).contains("must be an integer or a string"));
        }
    }

    #[test]
    fn a_reason_says_what_is_wrong() {
        assert_eq!(reason("{}"), "original_paper_id is missing");
        assert_eq!(reason("[{}]"), "not a JSON object but an array");
        assert_eq!(reason("é{"), "not valid JSON: a value is missing or not written as JSON (column 1)");
        assert_eq!(reason("{\"é\" 1}"), "not valid JSON: a colon is missing after a field name (column 6)");
        assert_eq!(reason("{\"original_paper_id\":1,\"sentence\":5}"), "sentence must be a string, not an integer");
        assert_eq!(
            read_line(1, b"{\"a\xff\"}"),
            Line::Rejected("not valid UTF-8: byte 4 of the line starts no character".into())
        );
        assert_eq!(read_line(1, b"\xEF\xBB\xBF \t\r"), Line::Blank);
    }

    #[test]
    fn the_last_of_a_repeated_field_counts() {
        let row = row("{\"original_paper_id\":[],\"label\":7,\"original_paper_id\":2,\"label\":0}");
        assert_eq!((row.original_paper_id, row.label), (PaperId::Integer(2), Some(Label::NotCitation)));
    }
}
