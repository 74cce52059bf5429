//! BibTeX entries: title, authors and abstract.

use super::Reference;
use crate::dataset::fold_white_space;

/// An entry found in a text.
pub(super) enum Piece<'a> {
    /// Text between entries.
    Text(&'a str),
    Entry(Reference),
}

/// Takes a text apart into entries and what stands between them. `@string`, `@comment` and `@preamble` and entries
/// without any of title, author and abstract are left out.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((start, body)) = next_entry(rest) {
        pieces.push(Piece::Text(&rest[..start]));
        let (fields, after) = body_of(&rest[body..]);
        let reference = reference_of(fields);
        if reference != Reference::default() {
            pieces.push(Piece::Entry(reference));
        }
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Where the next entry starts and where its body does, after the brace.
fn next_entry(text: &str) -> Option<(usize, usize)> {
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some(after) = line[indent..].strip_prefix('@') {
            let kind = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let space = after[kind..].len() - after[kind..].trim_start().len();
            if kind > 0 && after[kind + space..].starts_with('{') {
                return Some((line_start + indent, line_start + indent + 1 + kind + space + 1));
            }
        }
        line_start += line.len();
    }
    None
}

/// The entry's body up to its closing brace, and what follows. Where the brace is missing, the next entry at the start
/// of a line ends it.
fn body_of(text: &str) -> (&str, &str) {
    let mut depth = 1_usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 1 => return (&text[..at], &text[at + 1..]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    let end = next_entry(text).map_or(text.len(), |(start, _)| start);
    text.split_at(end)
}

fn reference_of(body: &str) -> Reference {
    let mut reference = Reference::default();
    // The key stands before the first comma.
    let mut rest = body.split_once(',').map_or("", |(_, fields)| fields);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = value_of(after.trim_start());
        let text = || fold_white_space(&without_markup(&value));
        match name.trim().trim_start_matches(',').trim().to_lowercase().as_str() {
            "title" => reference.title = text(),
            "author" => reference.authors = people(&value),
            "abstract" => reference.text = text(),
            _ => {}
        }
        rest = after.trim_start().trim_start_matches(',');
    }
    reference
}

/// A value in braces, in quotes or bare, its parts joined by `#` put together; and what follows.
fn value_of(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = match rest.chars().next() {
            Some('{') => closing(&rest[1..], '}').map(|end| (1, end + 1, end + 2)),
            Some('"') => closing(&rest[1..], '"').map(|end| (1, end + 1, end + 2)),
            _ => None,
        };
        let (from, to, after) = end.unwrap_or_else(|| {
            let end = rest.find([',', '#', '\n']).unwrap_or(rest.len());
            (0, end, end)
        });
        value.push_str(rest[from..to].trim_matches(|c| c == '\n' || c == '\r'));
        rest = rest[after..].trim_start();
        match rest.strip_prefix('#') {
            Some(more) => rest = more.trim_start(),
            None => return (value, rest),
        }
    }
}

/// Where the value ends that is already open: at the sign outside of braces.
fn closing(text: &str, sign: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == sign && depth == 0 => return Some(at),
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// "Doe, Jane and Roe, John" as "Jane Doe, John Roe".
fn people(value: &str) -> String {
    let folded = fold_white_space(value);
    let names = folded.split(" and ").map(|name| {
        let name = without_markup(name);
        let name = match name.split_once(',') {
            Some((last, first)) => format!("{} {}", first.trim(), last.trim()),
            None => name,
        };
        if name.trim() == "others" { "et al.".to_owned() } else { name.trim().to_owned() }
    });
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
}

/// LaTeX as plain text: accents put on their letters, commands and braces taken away.
fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '{' | '}' | '$' => after,
            '~' => {
                plain.push(' ');
                after
            }
            '\\' => command(after, &mut plain),
            _ => {
                plain.push(c);
                after
            }
        };
    }
    plain.replace("---", "—").replace("--", "–").replace("``", "“").replace("''", "”")
}

/// Reads the command after a backslash and writes what it stands for.
fn command<'a>(text: &'a str, plain: &mut String) -> &'a str {
    let Some(first) = text.chars().next() else { return text };
    if !first.is_ascii_alphabetic() {
        let after = &text[first.len_utf8()..];
        if let Some(mark) = accent(&first.to_string()) {
            return accented(after, mark, plain);
        }
        plain.push(if first == '\\' { ' ' } else { first });
        return after;
    }
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (name, after) = text.split_at(length);
    let letter = match name {
        "ss" => "ß",
        "ae" => "æ",
        "AE" => "Æ",
        "oe" => "œ",
        "OE" => "Œ",
        "o" => "ø",
        "O" => "Ø",
        "l" => "ł",
        "L" => "Ł",
        "aa" => "å",
        "AA" => "Å",
        "i" => "ı",
        "alpha" => "α",
        "beta" => "β",
        "gamma" => "γ",
        "delta" => "δ",
        "epsilon" => "ε",
        "lambda" => "λ",
        "mu" => "μ",
        _ => match accent(name) {
            Some(mark) => return accented(after, mark, plain),
            // Any other command, such as \emph, leaves what it is applied to.
            None => return after.trim_start_matches(' '),
        },
    };
    plain.push_str(letter);
    after.strip_prefix(' ').unwrap_or(after)
}

/// The combining character of an accent command.
fn accent(name: &str) -> Option<char> {
    Some(match name {
        "`" => '\u{300}',
        "'" => '\u{301}',
        "^" => '\u{302}',
        "~" => '\u{303}',
        "=" => '\u{304}',
        "u" => '\u{306}',
        "." => '\u{307}',
        "\"" => '\u{308}',
        "r" => '\u{30a}',
        "H" => '\u{30b}',
        "v" => '\u{30c}',
        "c" => '\u{327}',
        "k" => '\u{328}',
        _ => return None,
    })
}

/// Puts the accent on the next letter, in braces or not, as one character where Unicode has it.
fn accented<'a>(text: &'a str, mark: char, plain: &mut String) -> &'a str {
    let start = text.trim_start_matches([' ', '{']);
    let braces = text[..text.len() - start.len()].matches('{').count();
    let start = start.strip_prefix('\\').unwrap_or(start);
    let Some(letter) = start.chars().next() else { return start };
    match composed(letter, mark) {
        Some(one) => plain.push(one),
        None => plain.extend([letter, mark]),
    }
    let mut rest = &start[letter.len_utf8()..];
    for _ in 0..braces {
        rest = rest.strip_prefix('}').unwrap_or(rest);
    }
    rest
}

/// The letters of European names with their accents as one character.
fn composed(letter: char, mark: char) -> Option<char> {
    let (letters, marked) = match mark {
        '\u{300}' => ("aeiouAEIOU", "àèìòùÀÈÌÒÙ"),
        '\u{301}' => ("aeiouycnszlrAEIOUYCNSZ", "áéíóúýćńśźĺŕÁÉÍÓÚÝĆŃŚŹ"),
        '\u{302}' => ("aeiouAEIOU", "âêîôûÂÊÎÔÛ"),
        '\u{303}' => ("anoANO", "ãñõÃÑÕ"),
        '\u{306}' => ("agAG", "ăğĂĞ"),
        '\u{307}' => ("zeIZ", "żėİŻ"),
        '\u{308}' => ("aeiouyAEIOU", "äëïöüÿÄËÏÖÜ"),
        '\u{30a}' => ("auAU", "åůÅŮ"),
        '\u{30b}' => ("ouOU", "őűŐŰ"),
        '\u{30c}' => ("cdenrstzCDENRSTZ", "čďěňřšťžČĎĚŇŘŠŤŽ"),
        '\u{327}' => ("cstCST", "çşţÇŞŢ"),
        '\u{328}' => ("aeAE", "ąęĄĘ"),
        _ => return None,
    };
    marked.chars().nth(letters.chars().position(|plain| plain == letter)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<Reference> {
        pieces(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Entry(reference) => Some(reference),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn entries_give_title_people_and_abstract() {
        let text = "@article{doe2019,
  author = {Doe, Jane and John {Van Roe} and others},
  title = \"{BERT} in
     {\\\"O}sterreich -- a {\\'e}tude\",
  journal = nature,
  year = 2019,
  abstract = {Two lines

  with a blank one, and 50\\% more},
}
@comment{nothing here}
@inproceedings { key,
  title={Second},author={M{\\\"u}ller, K. and Erd\\H{o}s, P. and \\v{C}ech, \\L ukasz}
}";
        assert_eq!(
            entries(text),
            [
                Reference {
                    title: "BERT in Österreich – a étude".to_owned(),
                    authors: "Jane Doe, John Van Roe, et al.".to_owned(),
                    text: "Two lines with a blank one, and 50% more".to_owned(),
                },
                Reference {
                    title: "Second".to_owned(),
                    authors: "K. Müller, P. Erdős, Łukasz Čech".to_owned(),
                    text: String::new(),
                },
            ]
        );
    }

    #[test]
    fn a_torn_entry_ends_at_the_next() {
        let text = "@article{a, title = {Torn, year = 2019\n@article{b, title = {Whole}}";
        let titles: Vec<String> = entries(text).into_iter().map(|reference| reference.title).collect();
        assert_eq!(titles.last().map(String::as_str), Some("Whole"));
        for torn in [
            "@article{",
            "@article{a",
            "@article{a,",
            "@article{a,title",
            "@article{a,title=",
            "@article{a,title={",
            "@a{b,c=\"\\",
        ] {
            entries(torn);
        }
    }

    #[test]
    fn an_address_is_no_entry() {
        assert!(entries("jane@example.org {x}\n@jane said {y").is_empty());
    }
}
