//! Bibliography lines: who, what, where and when in one line, in the usual styles.

use super::Reference;
use super::authors::{are_surely_authors, ends_in_initials, look_like_authors, starts_with_initial};

/// The authors and the title of a bibliography line; venue, year and pages are left out, since a model reads a title,
/// authors and an abstract. None where the line is no such line.
///
/// The styles: `Authors. Title. Venue` (Vancouver, Nature, ACL with the year after the authors), `Authors (2019).
/// Title. Venue` (APA), `Authors, 2019. Title. Venue` (Harvard), `Authors: Title. Venue` (Springer), and `Authors,
/// "Title," venue` (IEEE).
pub(super) fn split_bibliography_line(line: &str) -> Option<Reference> {
    quoted(line).or_else(|| dated(line)).or_else(|| plain(line))
}

/// A marker such as `[12]`, `12.`, `(12)` or `12)` at the start of a line: its number and what follows.
pub(super) fn numbered_item(line: &str) -> Option<(u32, &str)> {
    let line = line.trim_start();
    let (open, rest) = match line.chars().next()? {
        '[' => (Some(']'), &line[1..]),
        '(' => (Some(')'), &line[1..]),
        _ => (None, line),
    };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    // A year or a page is no item's number.
    if digits == 0 || digits > 3 {
        return None;
    }
    let number = rest[..digits].parse().ok()?;
    let after = &rest[digits..];
    let item = match open {
        Some(close) => after.strip_prefix(close)?,
        None => after.strip_prefix(['.', ')'])?,
    };
    // "3.5 billion" and "2.0" are numbers, not items.
    (item.is_empty() || item.starts_with(char::is_whitespace) || open.is_some()).then(|| (number, item.trim_start()))
}

/// A bullet at the start of a line: what follows it.
pub(super) fn bulleted_item(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix(['•', '‣', '◦', '*', '-', '–', '—', '·'])?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim_start())
}

/// IEEE: `J. Smith and A. Doe, "A title," in Proc. X, 2019.`
fn quoted(line: &str) -> Option<Reference> {
    let open = line.find(['"', '“'])?;
    let authors = line[..open].trim().trim_end_matches([',', ':']).trim();
    let inside = line[open..].trim_start_matches(['"', '“']);
    let title = &inside[..inside.find(['"', '”'])?];
    (are_surely_authors(authors) || look_like_authors(authors)).then(|| found(authors, title))
}

/// APA: `Smith, J., & Doe, A. (2019). A title. Venue`; Harvard: `Smith, J., 2019. A title. Venue`.
fn dated(line: &str) -> Option<Reference> {
    for (start, _) in line.char_indices().filter(|&(_, c)| c == '1' || c == '2') {
        let Some((year, rest)) = line[start..].split_at_checked(4) else { break };
        let before = line[..start].trim_end();
        let in_brackets = before.ends_with('(');
        let year_ends = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let end = if in_brackets { year_ends.find(')').map(|close| &year_ends[close + 1..]) } else { Some(year_ends) };
        let Some(title_on) = end.and_then(|end| {
            // The brackets are enough of a sign; without them the year must end a part.
            end.strip_prefix(['.', ',', ':']).or_else(|| in_brackets.then_some(end))
        }) else {
            continue;
        };
        let is_year = year.bytes().all(|byte| byte.is_ascii_digit());
        let authors = before.trim_end_matches('(').trim().trim_end_matches(',').trim();
        let title = first_sentence(title_on.trim());
        if is_year && look_like_authors(authors) && title.split_whitespace().count() > 1 {
            return Some(found(authors, title));
        }
    }
    None
}

/// `Authors. Title. Venue` and `Authors: Title. Venue`.
fn plain(line: &str) -> Option<Reference> {
    let ends = line
        .char_indices()
        .filter(|&(at, c)| matches!(c, '.' | ':') && line[at + 1..].starts_with(char::is_whitespace))
        .map(|(at, _)| at);
    for end in ends {
        let authors = line[..=end].trim_end_matches(':');
        let rest = line[end + 1..].trim_start();
        let opens_title =
            rest.chars().next().is_some_and(|c| c.is_numeric() || (c.is_alphabetic() && !c.is_lowercase()));
        // "J. Smith, A." breaks off in the middle of a name where initials come first.
        let broken_off = starts_with_initial(authors) && ends_in_initials(authors);
        if !opens_title || broken_off || starts_with_initial(rest) || !are_surely_authors(authors) {
            continue;
        }
        let title = first_sentence(rest);
        // "Jane A. Doe, John Roe. Title": after a single name's initial, what reads as several people is people still.
        let still_people = !has_several(authors) && has_several(title) && look_like_authors(title);
        if title.split_whitespace().count() > 1 && !still_people {
            return Some(found(authors, title));
        }
    }
    None
}

fn has_several(people: &str) -> bool {
    people.contains([',', ';', '&']) || people.contains(" and ")
}

/// Up to the full stop, question mark or exclamation mark that ends the first sentence; initials and short
/// abbreviations end none.
pub(super) fn first_sentence(text: &str) -> &str {
    for (at, mark) in text.char_indices().filter(|&(_, c)| matches!(c, '.' | '?' | '!')) {
        let after = &text[at + mark.len_utf8()..];
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            continue;
        }
        let word = text[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let abbreviation = mark == '.'
            && (word.chars().count() == 1 && word.chars().all(char::is_uppercase)
                || ["vs", "cf", "e.g", "i.e", "al", "sp", "St", "Dr", "approx"].contains(&word));
        if !abbreviation || after.trim().is_empty() {
            return text[..at + mark.len_utf8()].trim_end_matches('.');
        }
    }
    text
}

fn found(authors: &str, title: &str) -> Reference {
    let trimmed = |text: &str| text.trim().trim_end_matches([',', ';', ':', ' ']).to_owned();
    let authors = trimmed(authors);
    // The full stop ends the list, unless it is an initial's.
    let authors = match authors.strip_suffix('.') {
        Some(list) if !ends_in_initials(&authors) && !authors.ends_with("al.") => list.to_owned(),
        _ => authors,
    };
    Reference { title: trimmed(title), authors, text: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_styles_are_read() {
        for (line, authors, title) in [
            (
                "Smith J, Doe A. A study of things in mice. Nature. 2019;12:1-10.",
                "Smith J, Doe A.",
                "A study of things in mice",
            ),
            ("Smith, J. & Doe, A. Things in mice. Nature 12, 1–10 (2019).", "Smith, J. & Doe, A.", "Things in mice"),
            (
                "Smith, J., & Doe, A. B. (2019). Things in mice: A review. Journal, 12(3), 1–10.",
                "Smith, J., & Doe, A. B.",
                "Things in mice: A review",
            ),
            ("Smith, J. and Doe, A., 2019. Things in mice. Journal, 12.", "Smith, J. and Doe, A.", "Things in mice"),
            (
                "Jane Doe and John Roe. 2019. Things in mice. In Proceedings of X.",
                "Jane Doe and John Roe",
                "Things in mice",
            ),
            (
                "Smith, J., Doe, A.: Things in mice. In: Proc. X, pp. 1–10. Springer (2019)",
                "Smith, J., Doe, A.",
                "Things in mice",
            ),
            (
                "J. Smith and A. Doe, \"Things in mice,\" in Proc. X, 2019, pp. 1-10.",
                "J. Smith and A. Doe",
                "Things in mice",
            ),
            (
                "J. Smith, A. B. Doe, and C. Roe. Deep things in mice. CVPR, 2016.",
                "J. Smith, A. B. Doe, and C. Roe",
                "Deep things in mice",
            ),
            ("K. He, X. Zhang. Deep Residual Learning. CVPR 2016.", "K. He, X. Zhang", "Deep Residual Learning"),
            ("Vaswani et al. Attention is all you need. NeurIPS 2017.", "Vaswani et al.", "Attention is all you need"),
            ("Jane A. Doe, John Roe. What do mice see? Nature, 2019.", "Jane A. Doe, John Roe", "What do mice see?"),
        ] {
            let reference = split_bibliography_line(line);
            let expected = Reference { title: title.to_owned(), authors: authors.to_owned(), text: String::new() };
            assert_eq!(reference, Some(expected), "{line}");
        }
    }

    #[test]
    fn titles_are_no_bibliography_lines() {
        for line in [
            "Attention is all you need",
            "BERT: Pre-training of Deep Bidirectional Transformers",
            "Deep Learning. A review of methods",
            "Deep Learning: A Review of Methods",
            "Mice in 2019: what we learned",
            "Gravity Probe B: final results of a space experiment to test general relativity.",
            "",
        ] {
            assert_eq!(split_bibliography_line(line), None, "{line}");
        }
    }

    #[test]
    fn items_are_told_from_numbers() {
        assert_eq!(numbered_item("[12] A"), Some((12, "A")));
        assert_eq!(numbered_item(" 3. A"), Some((3, "A")));
        assert_eq!(numbered_item("(4) A"), Some((4, "A")));
        assert_eq!(numbered_item("5) A"), Some((5, "A")));
        for line in ["3.5 billion", "2019. A", "3D shapes", "[a] A", "12 angry men", ""] {
            assert_eq!(numbered_item(line), None, "{line}");
        }
        assert_eq!(bulleted_item("• A"), Some("A"));
        assert_eq!(bulleted_item("-omics"), None);
    }
}
