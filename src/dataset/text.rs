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

/// How long a text is once its white space is folded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// White-space words.
    pub(super) words: usize,
    /// Characters of these words together.
    pub(super) characters: usize,
}

impl Extent {
    /// Characters of the folded text: the words with one space between each two.
    pub(super) fn folded(self) -> usize {
        self.characters + self.words.saturating_sub(1)
    }
}

/// How many bytes are counted at once; their counts must fit a byte.
const CHUNK: usize = 128;

/// The extent of the text folded by [`fold_white_space`], without building that.
///
/// Runs over every text of a dataset, so it counts bytes in a form that compiles to vector instructions, and looks at
/// characters only in chunks that hold one of the few white spaces beyond ASCII.
pub(super) fn measure(text: &str) -> Extent {
    let mut extent = Extent::default();
    let mut after_space = true;
    let mut rest = text;
    while !rest.is_empty() {
        // Where a character ends, at most three bytes later.
        let end = (CHUNK..CHUNK + 4).find(|&end| rest.is_char_boundary(end)).unwrap_or(rest.len());
        let (chunk, later) = rest.split_at(end);
        let bytes = chunk.as_bytes();
        if bytes.iter().fold(0, |found, &byte| found | u8::from(may_start_wide_space(byte))) != 0
            && has_wide_space(bytes)
        {
            for character in chunk.chars() {
                let space = is_white_space(character);
                extent.words += usize::from(after_space && !space);
                extent.characters += usize::from(!space);
                after_space = space;
            }
        } else {
            let counts = |count: u8, byte: u8| count + u8::from(!is_ascii_space(byte) & !is_continuation(byte));
            extent.characters += usize::from(bytes.iter().copied().fold(0, counts));
            extent.words += usize::from(after_space && !is_ascii_space(bytes[0]));
            let starts = |count: u8, (&before, &byte): (&u8, &u8)| {
                count + u8::from(is_ascii_space(before) & !is_ascii_space(byte))
            };
            extent.words += usize::from(bytes.iter().zip(&bytes[1..]).fold(0, starts));
            after_space = is_ascii_space(bytes[bytes.len() - 1]);
        }
        rest = later;
    }
    extent
}

fn is_ascii_space(byte: u8) -> bool {
    (byte.wrapping_sub(b'\t') < 5) | (byte.wrapping_sub(0x1c) < 5)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// The first byte of U+0085 and U+00A0, U+1680, U+2000 to U+205F, and U+3000, and of other characters.
fn may_start_wide_space(byte: u8) -> bool {
    (byte == 0xC2) | (byte.wrapping_sub(0xE1) < 3)
}

/// Whether one of these white spaces stands in the text.
#[expect(clippy::needless_bitwise_bool, reason = "lazy operators branch, and branches are no vector instructions")]
fn has_wide_space(text: &[u8]) -> bool {
    let (second, third) = (text.get(1..).unwrap_or_default(), text.get(2..).unwrap_or_default());
    // Sums of bytes become vector instructions where those of truths do not.
    let two = |found: u8, (&a, &b): (&u8, &u8)| found | u8::from((a == 0xC2) & ((b == 0x85) | (b == 0xA0)));
    let three = |found: u8, ((&a, &b), &c): ((&u8, &u8), &u8)| {
        let general = (b == 0x80) & ((c <= 0x8A) | (c == 0xA8) | (c == 0xA9) | (c == 0xAF));
        let space = (a == 0xE2) & (general | ((b == 0x81) & (c == 0x9F)));
        found | u8::from(space | ((a == 0xE1) & (b == 0x9A) & (c == 0x80)) | ((a == 0xE3) & (b == 0x80) & (c == 0x80)))
    };
    text.iter().zip(second).fold(0, two) | text.iter().zip(second).zip(third).fold(0, three) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_python_s() {
        // `[c for c in range(0x110000) if chr(c).isspace()]`
        let mut spaces: Vec<u32> = (9..14).chain(28..33).collect();
        spaces.extend([0x85, 0xA0, 0x1680]);
        spaces.extend(0x2000..0x200B);
        spaces.extend([0x2028, 0x2029, 0x202F, 0x205F, 0x3000]);
        assert_eq!(
            (0..=0x10_FFFF).filter(|&c| char::from_u32(c).is_some_and(is_white_space)).collect::<Vec<_>>(),
            spaces
        );
    }

    #[test]
    fn every_wide_space_is_found() {
        for character in ('\u{80}'..=char::MAX).filter(|&character| is_white_space(character)) {
            assert!(has_wide_space(character.to_string().as_bytes()), "{character:?}");
        }
    }

    #[test]
    fn folding_trims_and_joins() {
        assert_eq!(fold_white_space("\n a\t\u{1f}b \u{3000}c\u{a0}"), "a b c");
        assert_eq!(fold_white_space(" \r\n"), "");
    }

    #[test]
    fn measuring_agrees_with_folding() {
        let characters: Vec<char> =
            "ab \t\u{1c}\u{85}\u{a0}é\u{1680}\u{1681}\u{2003}\u{200b}\u{2028}√\u{3000}あ😀".chars().collect();
        // Every text of up to four of these characters.
        for code in 0..characters.len().pow(4) {
            let text: String =
                (0..4).map(|place| characters[code / characters.len().pow(place) % characters.len()]).collect();
            let folded = fold_white_space(&text);
            let extent = measure(&text);
            assert_eq!(extent.folded(), folded.chars().count(), "{text:?}");
            assert_eq!(extent.words, folded.split(' ').filter(|word| !word.is_empty()).count(), "{text:?}");
            // The same around the end of a chunk.
            assert_eq!(has_wide_space(text.as_bytes()), text.chars().any(|c| !c.is_ascii() && is_white_space(c)));
            for before in CHUNK - 6..=CHUNK {
                let long = format!("{}{text}{text}", "xé".repeat(CHUNK).chars().take(before).collect::<String>());
                assert_eq!(measure(&long).folded(), fold_white_space(&long).chars().count(), "{long:?}");
            }
        }
    }
}
