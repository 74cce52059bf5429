//! A JSON scanner for dataset lines: borrowed, bounded, and as lenient as Python's `json`.
//!
//! Datasets come from Python, so what `json.loads` reads is read here as well: a bare `NaN`, `Infinity` and
//! `-Infinity`, integers of any length, lone surrogates in `\u` escapes (which become U+FFFD, one character as in
//! Python) and repeated fields, of which the last counts. What it refuses is refused: raw control characters in
//! strings, trailing commas, anything after the value. Nested values carry nothing that a dataset needs; they are
//! checked and skipped without recursion.

use std::borrow::Cow;
use std::ops::Range;

/// Brackets inside brackets beyond this depth make a line unusable, as Python's recursion limit does.
const MAX_DEPTH: usize = 1000;

/// One JSON value; strings decoded, numbers as written, nested values only named.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    /// A bare `NaN`, how `json.dumps` writes a missing float.
    NotANumber,
    Bool(bool),
    Integer(&'a str),
    /// A number with a fraction or an exponent, or an infinity.
    Float(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
}

impl Value<'_> {
    /// The value's kind with its article, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::NotANumber => "NaN",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a fractional number",
            Self::Text(_) => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// What is wrong with the text, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Reads one object and hands each field to `take`, in order.
///
/// # Errors
/// `Ok(Some(kind))` when the text is a JSON value of another kind; the first [`Fault`] when it is no JSON value.
pub(super) fn scan_object<'a>(
    text: &'a str,
    mut take: impl FnMut(&str, Value<'a>),
) -> Result<Option<&'static str>, Fault> {
    scan_members(text, |_, name, value| take(name, value))
}

/// As [`scan_object`], with the bytes of `text` that each field takes up, from its name's quote to its value's end.
///
/// # Errors
/// As [`scan_object`].
pub(crate) fn scan_members<'a>(
    text: &'a str,
    mut take: impl FnMut(Range<usize>, &str, Value<'a>),
) -> Result<Option<&'static str>, Fault> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    scanner.skip_space();
    if scanner.peek() != Some(b'{') {
        let value = scanner.value()?;
        scanner.end()?;
        return Ok(Some(value.kind()));
    }
    scanner.at += 1;
    scanner.skip_space();
    if scanner.peek() == Some(b'}') {
        scanner.at += 1;
    } else {
        loop {
            scanner.skip_space();
            let start = scanner.at;
            let name = scanner.field_name()?;
            let value = scanner.value()?;
            take(start..scanner.at, &name, value);
            scanner.skip_space();
            match scanner.peek() {
                Some(b',') => scanner.at += 1,
                Some(b'}') => {
                    scanner.at += 1;
                    break;
                }
                _ => return Err(scanner.fault("a comma or a closing brace is missing")),
            }
        }
    }
    scanner.end()?;
    Ok(None)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A fault here, or the plainer one that the text has ended.
    fn fault(&self, what: &'static str) -> Fault {
        let what = if self.at >= self.bytes.len() { "it ends in the middle of a value" } else { what };
        Fault { at: self.at.min(self.bytes.len()), what }
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault("something follows the value")),
        }
    }

    fn field_name(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.fault("a field name in double quotes is missing"));
        }
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fault("a colon is missing after a field name"));
        }
        self.at += 1;
        Ok(name)
    }

    fn value(&mut self) -> Result<Value<'a>, Fault> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'{') => self.skip_nested().map(|()| Value::Object),
            Some(b'[') => self.skip_nested().map(|()| Value::Array),
            _ => self.scalar(),
        }
    }

    /// A number or a word.
    fn scalar(&mut self) -> Result<Value<'a>, Fault> {
        const WORDS: [(&str, Value<'static>); 6] = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::NotANumber),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        let rest = &self.bytes[self.at..];
        for (word, value) in WORDS {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fault("a value is missing or not written as JSON")),
        }
    }

    fn digits(&mut self) -> usize {
        let before = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - before
    }

    fn number(&mut self) -> Result<Value<'a>, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.fault("a number is not written as JSON"));
        }
        let mut fractional = false;
        if self.peek() == Some(b'.') {
            fractional = true;
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.fault("a number is not written as JSON"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            fractional = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.fault("a number is not written as JSON"));
            }
        }
        let written = &self.text[start..self.at];
        if fractional {
            // The grammar checked above is a part of what `f64` parses; too large a number becomes infinite.
            written.parse().map(Value::Float).map_err(|_| self.fault("a number is not written as JSON"))
        } else {
            Ok(Value::Integer(written))
        }
    }

    /// A string whose opening quote is next.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.at += 1;
        let start = self.at;
        let stop = self.plain_run()?;
        let plain = &self.text[start..self.at];
        if stop == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        // Room for most reference texts, which are the longest.
        let mut decoded = String::with_capacity(plain.len() + 2048);
        decoded.push_str(plain);
        loop {
            // Here stands a backslash.
            self.escape(&mut decoded)?;
            let start = self.at;
            let stop = self.plain_run()?;
            decoded.push_str(&self.text[start..self.at]);
            if stop == b'"' {
                self.at += 1;
                return Ok(Cow::Owned(decoded));
            }
        }
    }

    /// Moves to the next quote or backslash, and says which.
    fn plain_run(&mut self) -> Result<u8, Fault> {
        let rest = &self.bytes[self.at..];
        let length = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        // The least byte, rather than the first below, because that compiles to vector instructions.
        if rest[..length].iter().fold(u8::MAX, |least, &byte| least.min(byte)) < 0x20 {
            self.at += rest.iter().position(|&byte| byte < 0x20).unwrap_or(0);
            return Err(self.fault("a control character stands unescaped in a string"));
        }
        self.at += length;
        self.peek().ok_or_else(|| self.fault("a string has no closing quote"))
    }

    fn escape(&mut self, decoded: &mut String) -> Result<(), Fault> {
        let character = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(decoded),
            Some(_) => return Err(self.fault("a backslash in a string starts no JSON escape")),
            None => return Err(Fault { at: self.bytes.len(), what: "it ends in the middle of a value" }),
        };
        self.at += 2;
        decoded.push(character);
        Ok(())
    }

    /// `\uXXXX`, or two of them for a surrogate pair.
    fn unicode_escape(&mut self, decoded: &mut String) -> Result<(), Fault> {
        let Some(first) = self.code_unit(self.at) else {
            return Err(self.fault("\\u in a string is not followed by four hexadecimal digits"));
        };
        self.at += 6;
        if (0xD800..0xDC00).contains(&first)
            && let Some(second @ 0xDC00..0xE000) = self.code_unit(self.at)
        {
            self.at += 6;
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        } else {
            decoded.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(())
    }

    /// The number in the `\uXXXX` that starts at `at`, if one does.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let written = self.bytes.get(at..at + 6)?;
        if !written.starts_with(b"\\u") {
            return None;
        }
        written[2..].iter().try_fold(0, |code, &byte| Some(code * 16 + char::from(byte).to_digit(16)?))
    }

    /// Checks and skips an array or object whose opening bracket is next.
    fn skip_nested(&mut self) -> Result<(), Fault> {
        // For each open bracket, whether it is an object's.
        let mut open: Vec<bool> = Vec::new();
        loop {
            // Here a value is due.
            self.skip_space();
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() == MAX_DEPTH {
                        return Err(self.fault("brackets are nested more than 1,000 deep"));
                    }
                    self.at += 1;
                    self.skip_space();
                    let object = bracket == b'{';
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        open.push(object);
                        if object {
                            self.field_name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                _ => {
                    self.value()?;
                }
            }
            // Here a value has ended.
            loop {
                let Some(&object) = open.last() else { return Ok(()) };
                self.skip_space();
                match (self.peek(), object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.field_name()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(self.fault("a comma or a closing bracket is missing")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Vec<(String, Value<'_>)>, Fault> {
        let mut fields = Vec::new();
        match scan_object(text, |name, value| fields.push((name.to_owned(), value)))? {
            None => Ok(fields),
            Some(kind) => Ok(vec![(kind.to_owned(), Value::Null)]),
        }
    }

    #[test]
    fn reads_what_python_writes() {
        let read =
            fields(r#" {"a": NaN, "b\u0041":"x\ud83d\ude00\ud800y", "c":-12,"d":1e3,"e":[1,{"f":[]},"]"],"a":true} "#);
        assert_eq!(
            read.unwrap(),
            [
                ("a".to_owned(), Value::NotANumber),
                ("bA".to_owned(), Value::Text("x\u{1f600}\u{fffd}y".into())),
                ("c".to_owned(), Value::Integer("-12")),
                ("d".to_owned(), Value::Float(1000.0)),
                ("e".to_owned(), Value::Array),
                ("a".to_owned(), Value::Bool(true)),
            ]
        );
        assert_eq!(fields("{}").unwrap(), []);
        assert_eq!(fields("[1, 2]").unwrap(), [("an array".to_owned(), Value::Null)]);
    }

    #[test]
    fn refuses_what_python_refuses() {
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":-}",
            "{\"a\":1e}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\",
            "{\"a\":[1,]}",
            "{\"a\":[1}}",
            "{\"a\":{1:2}}",
            "{\"a\":1} x",
            "{\"a\":1}{",
            "nul",
            "{\"a\":nan}",
            "{\"a\":\"",
        ] {
            assert!(fields(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(fields(&nested(1000)).is_ok());
        assert_eq!(fields(&nested(1001)).unwrap_err().what, "brackets are nested more than 1,000 deep");
        assert!(fields(&format!("{{\"a\":{}", "{\"b\":[".repeat(1_000_000))).is_err());
    }

    #[test]
    fn a_fault_names_its_place() {
        assert_eq!(fields(r#"{"a":1 "b":2}"#), Err(Fault { at: 7, what: "a comma or a closing brace is missing" }));
        assert_eq!(fields(r#"{"a":"#).unwrap_err().what, "it ends in the middle of a value");
    }
}
