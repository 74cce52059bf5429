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

/// What each byte means to [`measure`].
const SPACE: u8 = 1;
const CONTINUATION: u8 = 2;
/// The first byte of characters of which some are white space: U+0085 and U+00A0, U+1680, U+2000 to U+205F, U+3000.
const DOUBTFUL: u8 = 4;

const BYTES: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'\t'..=b'\r' | 0x1c..=0x1f | b' ' => SPACE,
            0x80..=0xBF => CONTINUATION,
            0xC2 | 0xE1..=0xE3 => DOUBTFUL,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// The extent of the text folded by [`fold_white_space`], without building that.
///
/// Goes by bytes, because this runs over every text of a dataset, and decodes only where a character may be one of the
/// few white spaces beyond ASCII.
pub(super) fn measure(text: &str) -> Extent {
    let mut extent = Extent::default();
    let mut after_space = true;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let kind = BYTES[usize::from(byte)];
        if kind == DOUBTFUL {
            let character = text[at..].chars().next().unwrap_or_default();
            if is_white_space(character) {
                after_space = true;
                continue;
            }
        } else if kind == CONTINUATION {
            // Of a character that was judged at its first byte.
            continue;
        }
        let space = kind == SPACE;
        extent.words += usize::from(after_space && !space);
        extent.characters += usize::from(!space);
        after_space = space;
    }
    extent
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
        }
    }
}
