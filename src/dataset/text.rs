//! White space and emptiness as Python sees them.

/// Whether Python's `str.isspace` calls the character white space (Rust's differs at U+001C to U+001F).
#[must_use]
pub fn is_white_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Whether a text has no character but white space.
#[must_use]
pub fn is_empty_text(text: &str) -> bool {
    text.chars().all(is_white_space)
}

/// The text with each run of white space folded to one space, trimmed.
#[must_use]
pub fn fold_white_space(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(is_white_space).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}
