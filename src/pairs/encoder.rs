//! Encoding many pairs that share texts: each text is tokenized once.
//!
//! A sentence stands beside each of its candidates, and a reference beside each sentence that might cite it. The tokens
//! of a text do not depend on its partner, so they are kept for the next pair that needs them.

use super::tokenizer::Tokens;
use super::{EncodedPair, PairTokenizer, TokenizerError};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of texts and their tokens that an encoder remembers at most: some ten thousand abstracts.
const REMEMBERED: usize = 32 << 20;

/// Encodes pairs for one input length and remembers the tokens of the texts it met last, in bounded memory.
#[derive(Debug)]
pub struct PairEncoder {
    tokenizer: PairTokenizer,
    max_length: usize,
    memory: Mutex<Memory>,
}

impl PairEncoder {
    /// An encoder that remembers nothing yet.
    #[must_use]
    pub fn new(tokenizer: &PairTokenizer, max_length: usize) -> Self {
        Self { tokenizer: tokenizer.clone(), max_length, memory: Mutex::new(Memory::new(REMEMBERED)) }
    }

    /// Encodes (sentence, reference block) pairs in parallel, in order, each as [`PairTokenizer::encode`] does.
    ///
    /// # Errors
    /// As [`PairTokenizer::encode`].
    pub fn encode<S: AsRef<str> + Sync, R: AsRef<str> + Sync>(
        &self,
        pairs: &[(S, R)],
    ) -> Result<Vec<EncodedPair>, TokenizerError> {
        PairTokenizer::check_length(self.max_length)?;
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut texts: Vec<&str> = Vec::new();
        let mut number = |text| {
            *numbers.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            })
        };
        let numbered: Vec<(usize, usize)> =
            pairs.iter().map(|(sentence, reference)| (number(sentence.as_ref()), number(reference.as_ref()))).collect();
        let tokens = self.tokens(&texts)?;
        Ok(numbered
            .par_iter()
            .map(|&(sentence, reference)| self.tokenizer.join(&tokens[sentence], &tokens[reference], self.max_length))
            .collect())
    }

    /// The tokens of different texts, in order.
    fn tokens(&self, texts: &[&str]) -> Result<Vec<Arc<Tokens>>, TokenizerError> {
        // Nothing that can panic runs under the lock, and a memory is valid between any two changes.
        let memory = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<Option<Arc<Tokens>>> = {
            let mut memory = memory();
            texts.iter().map(|text| memory.recall(text)).collect()
        };
        let tokens: Vec<Arc<Tokens>> = texts
            .par_iter()
            .zip(&known)
            .map(|(text, known)| match known {
                Some(tokens) => Ok(Arc::clone(tokens)),
                None => self.tokenizer.tokens(text, self.max_length).map(Arc::new),
            })
            .collect::<Result<_, _>>()?;
        let mut memory = memory();
        for ((text, tokens), known) in texts.iter().zip(&tokens).zip(&known) {
            if known.is_none() {
                memory.keep(text, tokens);
            }
        }
        Ok(tokens)
    }

    /// Tokens a pair at most.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The id of `[PAD]`.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        self.tokenizer.pad_id()
    }
}

/// The texts met last, in two generations: when the younger one is full, the older one is forgotten and the younger
/// takes its place. What is met again moves into the younger one.
#[derive(Debug)]
struct Memory {
    younger: HashMap<Box<str>, Arc<Tokens>>,
    older: HashMap<Box<str>, Arc<Tokens>>,
    /// Of the younger generation, with its texts.
    bytes: usize,
    /// Of one generation.
    limit: usize,
}

impl Memory {
    fn new(limit: usize) -> Self {
        Self { younger: HashMap::new(), older: HashMap::new(), bytes: 0, limit: limit / 2 }
    }

    fn recall(&mut self, text: &str) -> Option<Arc<Tokens>> {
        if let Some(tokens) = self.younger.get(text) {
            return Some(Arc::clone(tokens));
        }
        let (text, tokens) = self.older.remove_entry(text)?;
        self.insert(text, Arc::clone(&tokens));
        Some(tokens)
    }

    fn keep(&mut self, text: &str, tokens: &Arc<Tokens>) {
        self.insert(text.into(), Arc::clone(tokens));
    }

    fn insert(&mut self, text: Box<str>, tokens: Arc<Tokens>) {
        let bytes = text.len() + size_of_val(tokens.first.as_slice()) + ENTRY;
        if bytes > self.limit {
            return;
        }
        if self.bytes + bytes > self.limit {
            self.older = std::mem::take(&mut self.younger);
            self.bytes = 0;
        }
        if self.younger.insert(text, tokens).is_none() {
            self.bytes += bytes;
        }
    }
}

/// What an entry costs beside its text and ids, about: its place in the map, the counts and two allocations.
const ENTRY: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn tokenizer() -> PairTokenizer {
        let vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d"].map(str::to_owned);
        PairTokenizer::from_vocabulary(&vocabulary, true, Path::new("test")).unwrap()
    }

    fn tokens(length: usize) -> Arc<Tokens> {
        Arc::new(Tokens { first: vec![0; length], count: length })
    }

    #[test]
    fn pairs_are_as_if_encoded_alone_whatever_they_share() {
        let tokenizer = tokenizer();
        let long = "a b ".repeat(9_000);
        let texts = ["", "a", "b c", "a b c d a b c d a b c d", long.as_str()];
        let pairs: Vec<(&str, &str)> =
            texts.iter().flat_map(|&sentence| texts.map(|reference| (sentence, reference))).collect();
        for max_length in [8, 12, 512] {
            let encoder = PairEncoder::new(&tokenizer, max_length);
            // The second time everything is remembered, also where another length would have cut it.
            for _ in 0..2 {
                for (encoded, (sentence, reference)) in encoder.encode(&pairs).unwrap().iter().zip(&pairs) {
                    assert_eq!(*encoded, tokenizer.encode(sentence, reference, max_length).unwrap());
                }
            }
        }
        let too_short = PairEncoder::new(&tokenizer, 7).encode(&pairs);
        assert!(matches!(too_short, Err(TokenizerError::TooShort { max_length: 7 })));
    }

    #[test]
    fn a_text_met_again_is_not_tokenized_again() {
        let encoder = PairEncoder::new(&tokenizer(), 64);
        let first = encoder.tokens(&["a b", "c"]).unwrap();
        let second = encoder.tokens(&["c", "d", "a b"]).unwrap();
        assert!(Arc::ptr_eq(&first[0], &second[2]) && Arc::ptr_eq(&first[1], &second[0]));
        // Within one call the same holds, for sentences and references alike.
        encoder.encode(&[("b", "d"), ("b", "b b"), ("b b", "d")]).unwrap();
        let memory = encoder.memory.lock().unwrap();
        assert_eq!(memory.younger.len(), 5);
    }

    #[test]
    fn memory_is_bounded_and_forgets_what_was_met_longest_ago() {
        let entry = ENTRY + 1 + 4 * 100;
        let mut memory = Memory::new(2 * 3 * entry);
        for text in ["a", "b", "c"] {
            memory.keep(text, &tokens(100));
        }
        assert_eq!(memory.younger.len(), 3);
        memory.keep("d", &tokens(100));
        assert_eq!((memory.younger.len(), memory.older.len()), (1, 3));
        assert!(memory.recall("a").is_some());
        memory.keep("e", &tokens(100));
        memory.keep("f", &tokens(100));
        assert!(memory.recall("b").is_none() && memory.recall("a").is_some() && memory.recall("f").is_some());
        for number in 0..1000 {
            memory.keep(&number.to_string(), &tokens(99));
            assert!(memory.bytes <= memory.limit && memory.younger.len() + memory.older.len() <= 6);
        }
        // What would crowd out everything else is not kept at all.
        memory.keep("long", &tokens(1000));
        assert!(memory.recall("long").is_none());
    }
}
