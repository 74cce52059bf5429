//! Learning a `WordPiece` vocabulary from text.
//!
//! The words of the text, lower-cased and cut as BERT's tokenizer does, are taken apart into characters, and the pair of
//! neighbouring pieces that is most frequent becomes a piece of its own, again and again: byte-pair encoding's merges
//! (Sennrich, Haddow and Birch 2016) written as word pieces, which is how Hugging Face's trainer learns them too. Its order
//! of ties depends on a hash map's random state; here equal counts go by the pieces' ids, so that the same text always
//! gives the same vocabulary.

use super::words::count_words;
use super::{SPECIAL_TOKENS, TokenizerError};
use crate::progress::Progress;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::path::PathBuf;

/// What to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VocabularySettings {
    /// Entries at most, special tokens included.
    pub size: usize,
}

/// Fewest entries that make a vocabulary: the special tokens and some letters.
pub const SMALLEST_VOCABULARY: usize = 32;

/// Most characters kept, as in Hugging Face's trainer; words with a rarer one are left out.
const LARGEST_ALPHABET: usize = 1000;

/// Marks a piece that goes on with a word.
const CONTINUING: &str = "##";

/// Learns a lower-cased `WordPiece` vocabulary from text files (`.gz` is read), special tokens first; fewer entries where
/// the text has no more. The same files give the same vocabulary. Progress in bytes read.
///
/// # Errors
/// [`TokenizerError::File`], [`TokenizerError::VocabularyTooSmall`], [`TokenizerError::NoWords`],
/// [`TokenizerError::Cancelled`].
pub fn learn_vocabulary(
    files: &[PathBuf],
    settings: VocabularySettings,
    progress: &dyn Progress,
) -> Result<Vec<String>, TokenizerError> {
    if settings.size < SMALLEST_VOCABULARY {
        return Err(TokenizerError::VocabularyTooSmall { size: settings.size });
    }
    let words = count_words(files, progress)?;
    if words.is_empty() {
        return Err(TokenizerError::NoWords);
    }
    let mut pieces = Pieces::default();
    for token in SPECIAL_TOKENS {
        pieces.id(token.to_owned());
    }
    // At least half of the vocabulary is left to longer pieces.
    let alphabet = alphabet(&words, (settings.size - SPECIAL_TOKENS.len()) / 2);
    for &(character, _) in &alphabet {
        pieces.id(character.to_string());
    }
    for (character, _) in alphabet.iter().filter(|(_, continues)| *continues) {
        pieces.id(format!("{CONTINUING}{character}"));
    }
    let mut text = Text::new(&words, &pieces);
    drop(words);
    while pieces.names.len() < settings.size {
        if progress.cancelled() {
            return Err(TokenizerError::Cancelled);
        }
        let Some((left, right)) = text.most_frequent_pair() else { break };
        let name =
            format!("{}{}", pieces.names[left as usize], pieces.names[right as usize].replacen(CONTINUING, "", 1));
        let merged = pieces.id(name);
        text.merge(left, right, merged);
    }
    Ok(pieces.names)
}

/// The most frequent characters, by code point, and whether they go on with words: punctuation marks and ideographs, which
/// are words of their own, never do. Each takes an entry of the vocabulary, or two where it goes on with words.
fn alphabet(words: &[(String, u64)], most_entries: usize) -> Vec<(char, bool)> {
    let mut counts: HashMap<char, (u64, bool)> = HashMap::new();
    for (word, count) in words {
        for (position, character) in word.char_indices() {
            let (total, continues) = counts.entry(character).or_default();
            *total += count;
            *continues |= position > 0;
        }
    }
    let mut ranked: Vec<(char, (u64, bool))> = counts.into_iter().collect();
    ranked.sort_unstable_by_key(|&(character, (count, _))| (Reverse(count), character));
    let mut entries = 0;
    let mut alphabet: Vec<(char, bool)> = ranked
        .into_iter()
        .take(LARGEST_ALPHABET)
        .map(|(character, (_, continues))| (character, continues))
        .take_while(|&(_, continues)| {
            entries += 1 + usize::from(continues);
            entries <= most_entries
        })
        .collect();
    alphabet.sort_unstable();
    alphabet
}

/// The vocabulary so far: names by id and ids by name.
#[derive(Debug, Default)]
struct Pieces {
    names: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Pieces {
    /// The id of a piece, new or not: different merges can spell the same piece.
    fn id(&mut self, name: String) -> u32 {
        if let Some(&id) = self.ids.get(&name) {
            return id;
        }
        let id = self.names.len() as u32;
        self.ids.insert(name.clone(), id);
        self.names.push(name);
        id
    }
}

type Pair = (u32, u32);

/// The text as words of pieces, with the count and the whereabouts of each pair of neighbours.
#[derive(Debug)]
struct Text {
    words: Vec<(Vec<u32>, i64)>,
    counts: HashMap<Pair, i64>,
    /// Words in which a pair stands, or stood before another merge took it.
    places: HashMap<Pair, Vec<u32>>,
    /// Pairs by the count that they had when they were put here.
    queue: BinaryHeap<(i64, Reverse<Pair>)>,
}

impl Text {
    fn new(words: &[(String, u64)], pieces: &Pieces) -> Self {
        let mut text =
            Self { words: Vec::new(), counts: HashMap::new(), places: HashMap::new(), queue: BinaryHeap::new() };
        for (word, count) in words {
            let spelled: Option<Vec<u32>> = word
                .char_indices()
                .map(|(position, character)| {
                    let name = if position == 0 { character.to_string() } else { format!("{CONTINUING}{character}") };
                    pieces.ids.get(&name).copied()
                })
                .collect();
            // A word with a character outside the alphabet is [UNK] whatever the vocabulary.
            let Some(spelled) = spelled else { continue };
            let place = text.words.len() as u32;
            for pair in spelled.windows(2) {
                text.add((pair[0], pair[1]), *count as i64, place);
            }
            text.words.push((spelled, *count as i64));
        }
        text.queue = text.counts.iter().map(|(&pair, &count)| (count, Reverse(pair))).collect();
        text
    }

    fn add(&mut self, pair: Pair, count: i64, place: u32) {
        *self.counts.entry(pair).or_default() += count;
        let places = self.places.entry(pair).or_default();
        if places.last() != Some(&place) {
            places.push(place);
        }
    }

    /// Takes out the pair with the highest count, the lowest ids among equals.
    fn most_frequent_pair(&mut self) -> Option<Pair> {
        loop {
            let (queued, Reverse(pair)) = self.queue.pop()?;
            let count = self.counts.get(&pair).copied().unwrap_or(0);
            if count <= 0 {
                continue;
            }
            if count == queued {
                return Some(pair);
            }
            // Other merges have taken some since it was queued, so it goes back to where it belongs now.
            self.queue.push((count, Reverse(pair)));
        }
    }

    /// Replaces the pair everywhere.
    fn merge(&mut self, left: u32, right: u32, merged: u32) {
        self.counts.remove(&(left, right));
        let mut grown: Vec<Pair> = Vec::new();
        for place in self.places.remove(&(left, right)).unwrap_or_default() {
            let (old, count) = &self.words[place as usize];
            let count = *count;
            let mut new = Vec::with_capacity(old.len());
            let mut position = 0;
            while position < old.len() {
                if old[position..].starts_with(&[left, right]) {
                    new.push(merged);
                    position += 2;
                } else {
                    new.push(old[position]);
                    position += 1;
                }
            }
            if new.len() == old.len() {
                continue;
            }
            for pair in old.windows(2) {
                if let Some(total) = self.counts.get_mut(&(pair[0], pair[1])) {
                    *total -= count;
                }
            }
            for pair in new.windows(2) {
                let pair = (pair[0], pair[1]);
                self.add(pair, count, place);
                if pair.0 == merged || pair.1 == merged {
                    grown.push(pair);
                }
            }
            self.words[place as usize].0 = new;
        }
        grown.sort_unstable();
        grown.dedup();
        for pair in grown {
            self.queue.push((self.counts.get(&pair).copied().unwrap_or(0), Reverse(pair)));
        }
    }
}
