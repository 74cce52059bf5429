//! Splitting pasted text into references.

use super::Reference;
use super::authors::{are_surely_authors, look_like_authors};
use super::bibliography::{bulleted_item, first_sentence, numbered_item, split_bibliography_line};
use super::bibtex::{Piece, pieces};
use super::candidates::reference_of_line;
use crate::dataset::is_white_space;

/// A title is rarely longer, in characters; one line beyond it is a title and its abstract in one paragraph.
const LONGEST_TITLE: usize = 300;

/// A bibliography entry is rarely longer, in characters.
const LONGEST_ENTRY: usize = 600;

/// Splits pasted text into references: a blank line between them; in each the title, authors and text.
///
/// Each block's first line is its title and the next its authors, if they read as people; the rest is the text, its
/// lines joined. Beside that it knows numbered and bulleted lists (an item is a reference, blank lines or not),
/// bibliography lines (`Authors. Title. Venue` in the usual styles), labels (`Title:`, `Authors:`, `Abstract:`),
/// BibTeX entries, and the JSON lines of a dataset. Guesses can be wrong: show the result and let it be corrected.
#[must_use]
pub fn split_pasted(pasted: &str) -> Vec<Reference> {
    let pasted = pasted.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\u{feff}', "");
    if let Some(references) = json_lines(&pasted) {
        return references;
    }
    let mut references = Vec::new();
    for piece in pieces(&pasted) {
        match piece {
            Piece::Entry(reference) => references.push(reference),
            Piece::Text(text) => {
                references.extend(blocks(text).iter().map(|block| reference_of_block(block)));
            }
        }
    }
    references.retain(|reference| *reference != Reference::default());
    references
}

/// The references of JSON lines; None where a line is something else.
fn json_lines(text: &str) -> Option<Vec<Reference>> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !lines.first()?.starts_with('{') {
        return None;
    }
    lines.into_iter().map(|line| reference_of_line(line).ok()).collect()
}

/// The lines of one reference, trimmed.
#[derive(Debug)]
struct Block<'a> {
    lines: Vec<&'a str>,
    /// Whether it stood in a list, with other items directly above or below.
    item: bool,
}

/// Takes text apart at blank lines and at the items of lists.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let mut blank_above = true;
    for line in text.split('\n').map(|line| line.trim_matches(is_white_space)) {
        if line.is_empty() {
            blank_above = true;
            continue;
        }
        match blocks.last_mut() {
            // An abstract under its label belongs to what stands above it, blank lines or not.
            Some(block) if !blank_above || opens_text(line) || block.last().is_some_and(|last| is_bare_label(last)) => {
                block.push(line);
            }
            _ => blocks.push(vec![line]),
        }
        blank_above = false;
    }
    blocks.into_iter().flat_map(items).collect()
}

fn opens_text(line: &str) -> bool {
    label(line).is_some_and(|(field, _)| field == Field::Text)
}

fn is_bare_label(line: &str) -> bool {
    label(line).is_some_and(|(_, content)| content.is_empty())
}

/// The items of a block that is a list: numbers that count up, or a bullet on more than one line.
fn items(block: Vec<&str>) -> Vec<Block<'_>> {
    let numbers: Vec<u32> = block.iter().filter_map(|line| numbered_item(line)).map(|(number, _)| number).collect();
    let counts_up = numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let bullets = block.iter().filter(|line| bulleted_item(line).is_some()).count();
    let starts_item: fn(&str) -> bool = if counts_up && numbered_item(block[0]).is_some() {
        |line| numbered_item(line).is_some()
    } else if bullets > 1 && bulleted_item(block[0]).is_some() {
        |line| bulleted_item(line).is_some()
    } else {
        return vec![Block { lines: block, item: false }];
    };
    let mut items: Vec<Block<'_>> = Vec::new();
    for line in block {
        match items.last_mut() {
            Some(item) if !starts_item(line) => item.lines.push(line),
            _ => items.push(Block { lines: vec![line], item: true }),
        }
    }
    items
}

fn reference_of_block(block: &Block<'_>) -> Reference {
    let mut lines: Vec<&str> = block.lines.iter().copied().filter(|line| !is_address(line)).collect();
    let Some(first) = lines.first_mut() else { return Reference::default() };
    *first = numbered_item(first).map(|(_, item)| item).or_else(|| bulleted_item(first)).unwrap_or(first);
    lines.retain(|line| !line.is_empty());
    if lines.iter().any(|line| label(line).is_some()) {
        return labelled(&lines);
    }
    match lines.as_slice() {
        [] => Reference::default(),
        [line] => reference_of_line_of_text(line),
        [first, rest @ ..] => {
            let joined = lines.join(" ");
            if joined.chars().count() <= LONGEST_ENTRY
                && are_authors_with_more(first)
                && let Some(reference) = split_bibliography_line(&joined)
            {
                return reference;
            }
            // Authors above the title, as some sites print them.
            if are_surely_authors(first) && !look_like_authors(rest[0]) {
                return Reference {
                    title: rest[0].to_owned(),
                    authors: (*first).to_owned(),
                    text: rest[1..].join(" "),
                };
            }
            // In a list, a second line is rather the rest of the title than an abstract.
            if block.item && !rest.iter().any(|line| look_like_authors(line)) && joined.chars().count() <= LONGEST_TITLE
            {
                return reference_of_line_of_text(&joined);
            }
            titled(&lines)
        }
    }
}

/// Whether a line starts with people and goes on with something else, or breaks off within a bibliography entry.
fn are_authors_with_more(line: &str) -> bool {
    split_bibliography_line(line).is_some()
        // The title may go on in the next line, so that its end is not in this one.
        || split_bibliography_line(&format!("{line} more. ")).is_some()
}

/// One line alone: a bibliography entry, a title, or a title with its abstract behind it.
fn reference_of_line_of_text(line: &str) -> Reference {
    if line.chars().count() <= LONGEST_ENTRY
        && let Some(reference) = split_bibliography_line(line)
    {
        return reference;
    }
    let title = first_sentence(line);
    if line.chars().count() > LONGEST_TITLE && title.len() < line.len() {
        let text = line[title.len()..].trim_start_matches('.').trim_start();
        return Reference { title: title.to_owned(), text: text.to_owned(), ..Reference::default() };
    }
    Reference { title: line.to_owned(), ..Reference::default() }
}

/// Title, authors, text. The title may be broken over two lines, and the authors over any number.
fn titled(lines: &[&str]) -> Reference {
    let broken_title = lines.len() > 2
        && !look_like_authors(lines[1])
        && are_surely_authors(lines[2])
        && !lines[0].ends_with('.')
        && lines[0].chars().count() + lines[1].chars().count() < LONGEST_TITLE;
    let title_lines = if broken_title { 2 } else { 1 };
    let rest = &lines[title_lines..];
    let mut people = usize::from(look_like_authors(rest[0]));
    while people > 0 && people < rest.len() && continues_authors(rest[people - 1], rest[people]) {
        people += 1;
    }
    Reference {
        title: lines[..title_lines].join(" "),
        authors: rest[..people].join(" "),
        text: rest[people..].join(" "),
    }
}

/// Whether a list of people goes on in the next line.
fn continues_authors(line: &str, next: &str) -> bool {
    look_like_authors(next)
        && (line.ends_with(',') || line.ends_with(';') || line.ends_with(" and") || next.starts_with("and "))
}

/// What a label says of the rest of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Title,
    Authors,
    Text,
}

/// A label at the start of a line, and what follows it: `Title: …`, `Authors: …`, `Abstract: …`, or `Abstract` alone.
fn label(line: &str) -> Option<(Field, &str)> {
    const LABELS: [(&str, Field); 9] = [
        ("title", Field::Title),
        ("authors", Field::Authors),
        ("author(s)", Field::Authors),
        ("author", Field::Authors),
        ("by", Field::Authors),
        ("abstract", Field::Text),
        ("summary", Field::Text),
        ("text", Field::Text),
        ("background", Field::Text),
    ];
    LABELS.iter().find_map(|&(name, field)| {
        let start = line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name))?;
        let rest = &line[start.len()..];
        let alone = rest.trim_end_matches(['.', ':']).is_empty() && field == Field::Text && name != "text";
        let after = rest.trim_start().strip_prefix([':', '—', '–']);
        // "Background: …" opens a structured abstract and is part of it.
        match (name, after) {
            ("background", Some(_)) => Some((field, line)),
            ("background", None) => None,
            (_, Some(after)) => Some((field, after.trim_start())),
            (_, None) => alone.then_some((field, "")),
        }
    })
}

/// Lines with labels: each label opens its part. Before the first, lines are a title and authors as without labels.
fn labelled(lines: &[&str]) -> Reference {
    let first_label = lines.iter().position(|line| label(line).is_some()).unwrap_or(lines.len());
    let mut reference = match &lines[..first_label] {
        [] => Reference::default(),
        [title] => reference_of_line_of_text(title),
        before => titled(before),
    };
    // What stands above an abstract and is no title is authors, whether it reads as such or not.
    if reference.authors.is_empty() && !reference.text.is_empty() {
        reference.authors = std::mem::take(&mut reference.text);
    }
    let mut current = Field::Text;
    for line in &lines[first_label..] {
        let (field, content) = label(line).unwrap_or((current, line));
        current = field;
        let part = match field {
            Field::Title => &mut reference.title,
            Field::Authors => &mut reference.authors,
            Field::Text => &mut reference.text,
        };
        if !part.is_empty() && !content.is_empty() {
            part.push(' ');
        }
        part.push_str(content);
    }
    reference
}

/// A line that is nothing but a link or a DOI.
fn is_address(line: &str) -> bool {
    let lower = line.to_lowercase();
    !line.contains(char::is_whitespace)
        && (lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("doi:"))
        || lower.strip_prefix("doi: ").is_some_and(|rest| !rest.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests;
