//! The reference as the model reads it.

use super::Record;
use super::text::{fold_white_space, measure};

/// The parts of a reference; empty parts may be `None` or empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReferenceBlock<'a> {
    /// Title.
    pub title: Option<&'a str>,
    /// Authors.
    pub authors: Option<&'a str>,
    /// Abstract or text.
    pub text: Option<&'a str>,
}

impl<'a> ReferenceBlock<'a> {
    /// The parts of a record's reference.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        Self {
            title: record.ref_paper_title.as_deref(),
            authors: record.ref_paper_authors.as_deref(),
            text: record.ref_paper_text.as_deref(),
        }
    }
}

/// Title, authors and text, each with white space folded, empty parts left out, joined with `". "`.
#[must_use]
pub fn reference_block(parts: ReferenceBlock<'_>) -> String {
    let folded = [parts.title, parts.authors, parts.text].into_iter().flatten().map(fold_white_space);
    folded.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(". ")
}

/// Characters of the block, without building it.
pub(super) fn reference_block_chars(parts: ReferenceBlock<'_>) -> usize {
    let folded = [parts.title, parts.authors, parts.text].into_iter().flatten().map(|part| measure(part).folded());
    let (chars, parts) = folded.filter(|&chars| chars > 0).fold((0, 0), |(sum, n), chars| (sum + chars, n + 1));
    chars + 2 * usize::saturating_sub(parts, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_are_left_out() {
        for (title, authors, text, block) in [
            (Some(" A \n title"), Some("B. Author"), Some("Some  text "), "A title. B. Author. Some text"),
            (None, Some("\u{1c}"), Some("Text"), "Text"),
            (Some("Title"), None, Some("é\u{a0}è"), "Title. é è"),
            (Some("Title."), Some(""), None, "Title."),
            (None, None, None, ""),
        ] {
            let parts = ReferenceBlock { title, authors, text };
            assert_eq!(reference_block(parts), block);
            assert_eq!(reference_block_chars(parts), block.chars().count());
        }
    }
}
