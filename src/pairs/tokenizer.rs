//! `[CLS] sentence [SEP] reference block [SEP]` as Hugging Face's fast BERT tokenizer makes it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// One pair, encoded and not padded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedPair {
    /// Token ids with the special tokens.
    pub ids: Vec<u32>,
    /// 0 for `[CLS] sentence [SEP]`, 1 for `reference block [SEP]`; as long as `ids`.
    pub type_ids: Vec<u32>,
    /// The sentence alone would have filled the input and was cut to `max_length − 4` tokens.
    pub sentence_cut: bool,
    /// How many tokens of the reference block did not fit.
    pub reference_tokens_cut: usize,
}

/// Why a tokenizer could not be opened, saved or used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file is missing or cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    /// The folder's tokenizer is not one that this program understands.
    #[error("{path} is no BERT tokenizer: {reason}")]
    Malformed { path: PathBuf, reason: String },
    /// `max_length` leaves no room for both texts.
    #[error("the input length {max_length} is too short: it must be at least {SHORTEST_INPUT} tokens")]
    TooShort { max_length: usize },
    /// The tokenizer library failed.
    #[error("the text cannot be tokenized: {0}")]
    Encode(String),
    /// A vocabulary was asked for that has no room for letters.
    #[error("a vocabulary of {size} entries is too small: it must have at least {}", super::SMALLEST_VOCABULARY)]
    VocabularyTooSmall { size: usize },
    /// There is nothing to learn a vocabulary from.
    #[error("the text files hold no words; name files with plain text")]
    NoWords,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// The special tokens, in the order in which a new vocabulary lists them.
pub const SPECIAL_TOKENS: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Tokens that an input must be able to hold.
const SHORTEST_INPUT: usize = 8;

/// `[CLS]` and two `[SEP]`.
const SPECIAL_TOKENS_OF_A_PAIR: usize = 3;

/// Texts longer than this many bytes are tokenized in pieces: the library keeps some 50 bytes per byte of text.
const PIECE: usize = 16 * 1024;

/// A BERT `WordPiece` tokenizer for sentence pairs.
#[derive(Debug, Clone)]
pub struct PairTokenizer {
    tokenizer: Arc<Tokenizer>,
    pad: u32,
    cls: u32,
    sep: u32,
    /// A space separates tokens whatever stands beside it, so that a long text may be cut there.
    spaces_separate: bool,
}

impl PairTokenizer {
    /// Opens a model folder's tokenizer: `tokenizer.json`, or else `vocab.txt` with the casing that
    /// `tokenizer_config.json` gives (lower case without it).
    ///
    /// # Errors
    /// See [`TokenizerError`].
    pub fn open(folder: &Path) -> Result<Self, TokenizerError> {
        super::tokenizer_files::open(folder)
    }

    /// The tokenizer written as `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`], naming `origin`.
    pub fn from_json(json: &[u8], origin: &Path) -> Result<Self, TokenizerError> {
        let malformed = |reason: String| TokenizerError::Malformed { path: origin.to_owned(), reason };
        check_json(json).map_err(malformed)?;
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|failure| malformed(failure.to_string()))?;
        if !matches!(tokenizer.get_model(), ModelWrapper::WordPiece(_)) {
            return Err(malformed("its model is not WordPiece; choose a BERT model".to_owned()));
        }
        // Truncating and padding are this module's work; whoever wrote the file may have left their settings in it.
        tokenizer.with_truncation(None).map_err(|failure| malformed(failure.to_string()))?;
        tokenizer.with_padding(None);
        let special = |token: &str| {
            tokenizer.token_to_id(token).ok_or_else(|| malformed(format!("its vocabulary lacks the token {token}")))
        };
        let [pad, _, cls, sep, _] = {
            let mut ids = [0; SPECIAL_TOKENS.len()];
            for (id, token) in ids.iter_mut().zip(SPECIAL_TOKENS) {
                *id = special(token)?;
            }
            ids
        };
        let spaces_separate = matches!(tokenizer.get_normalizer(), Some(NormalizerWrapper::BertNormalizer(_)))
            && matches!(tokenizer.get_pre_tokenizer(), Some(PreTokenizerWrapper::BertPreTokenizer(_)))
            && tokenizer.get_added_vocabulary().get_vocab().keys().all(|token| !token.contains(char::is_whitespace));
        Ok(Self { tokenizer: Arc::new(tokenizer), pad, cls, sep, spaces_separate })
    }

    /// A tokenizer over a vocabulary in the order of its ids; it must hold `[PAD] [UNK] [CLS] [SEP] [MASK]`.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`], naming `origin`.
    pub fn from_vocabulary(vocabulary: &[String], lower_case: bool, origin: &Path) -> Result<Self, TokenizerError> {
        super::tokenizer_files::from_vocabulary(
            vocabulary,
            super::tokenizer_files::Casing { lower_case, ..super::tokenizer_files::Casing::default() },
            origin,
        )
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json` and `vocab.txt` so that
    /// `AutoTokenizer.from_pretrained` opens the folder.
    ///
    /// # Errors
    /// [`TokenizerError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        super::tokenizer_files::save(&self.tokenizer, folder)
    }

    /// Encodes a pair into at most `max_length` tokens; only the reference is truncated, unless the sentence alone
    /// would fill the input.
    ///
    /// # Errors
    /// [`TokenizerError::TooShort`] and [`TokenizerError::Encode`].
    pub fn encode(&self, sentence: &str, reference: &str, max_length: usize) -> Result<EncodedPair, TokenizerError> {
        Self::check_length(max_length)?;
        let (sentence, reference) = (self.tokens(sentence, max_length)?, self.tokens(reference, max_length)?);
        Ok(self.join(&sentence, &reference, max_length))
    }

    /// Whether both texts of a pair find room in `max_length` tokens.
    pub(super) fn check_length(max_length: usize) -> Result<(), TokenizerError> {
        if max_length < SHORTEST_INPUT { Err(TokenizerError::TooShort { max_length }) } else { Ok(()) }
    }

    /// The pair of two texts' tokens, of which at least the first `max_length` are there.
    pub(super) fn join(&self, sentence: &Tokens, reference: &Tokens, max_length: usize) -> EncodedPair {
        let longest_sentence = max_length - SPECIAL_TOKENS_OF_A_PAIR - 1;
        let sentence_cut = sentence.count > longest_sentence
            && sentence.count + reference.count + SPECIAL_TOKENS_OF_A_PAIR > max_length;
        let sentence = if sentence_cut { &sentence.first[..longest_sentence] } else { &sentence.first };
        let room = max_length - SPECIAL_TOKENS_OF_A_PAIR - sentence.len();
        let kept = &reference.first[..reference.first.len().min(room)];

        let length = sentence.len() + kept.len() + SPECIAL_TOKENS_OF_A_PAIR;
        let mut ids = Vec::with_capacity(length);
        ids.push(self.cls);
        ids.extend_from_slice(sentence);
        ids.push(self.sep);
        let mut type_ids = Vec::with_capacity(length);
        type_ids.resize(ids.len(), 0);
        ids.extend_from_slice(kept);
        ids.push(self.sep);
        type_ids.resize(ids.len(), 1);
        EncodedPair { ids, type_ids, sentence_cut, reference_tokens_cut: reference.count - kept.len() }
    }

    /// How many tokens a text has, without special tokens.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`].
    pub fn token_count(&self, text: &str) -> Result<usize, TokenizerError> {
        Ok(self.tokens(text, 0)?.count)
    }

    /// Entries of the vocabulary: one more than the highest id.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.tokenizer.get_vocab(true).into_values().max().map_or(0, |highest| highest as usize + 1)
    }

    /// The id of `[PAD]`.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// The first `keep` token ids of a text, and the number of all.
    pub(super) fn tokens(&self, text: &str, keep: usize) -> Result<Tokens, TokenizerError> {
        let mut tokens = Tokens::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = if self.spaces_separate { rest.split_at(piece_length(rest)) } else { (rest, "") };
            let encoding = self
                .tokenizer
                .encode_fast(piece, false)
                .map_err(|failure| TokenizerError::Encode(failure.to_string()))?;
            let ids = encoding.get_ids();
            tokens.count += ids.len();
            let room = keep - tokens.first.len();
            tokens.first.extend_from_slice(&ids[..ids.len().min(room)]);
            rest = after;
        }
        Ok(tokens)
    }
}

/// Refuses what the library would panic on: text that is no JSON in its decoder, and a precompiled normaliser, which no
/// BERT tokenizer has.
fn check_json(json: &[u8]) -> Result<(), String> {
    let document: Value = serde_json::from_slice(json).map_err(|failure| failure.to_string())?;
    if has_precompiled(&document["normalizer"]) {
        return Err("its normalizer is Precompiled; choose a BERT model".to_owned());
    }
    Ok(())
}

fn has_precompiled(normalizer: &Value) -> bool {
    normalizer["type"] == "Precompiled"
        || normalizer.get("precompiled_charsmap").is_some()
        || normalizer["normalizers"].as_array().is_some_and(|parts| parts.iter().any(has_precompiled))
}

/// A text's tokens, without special ones.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Their ids, as many as an input has room for.
    pub(super) first: Vec<u32>,
    /// How many there are.
    pub(super) count: usize,
}

/// Bytes of the first piece: all of a short text, else up to a space. BERT's normaliser and pre-tokenizer treat the two
/// sides of a space alike whether or not they see the other, so the pieces' tokens are the text's.
fn piece_length(text: &str) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let bytes = text.as_bytes();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t');
    bytes[..PIECE]
        .iter()
        .rposition(is_space)
        .or_else(|| bytes[PIECE..].iter().position(is_space).map(|position| PIECE + position))
        .map_or(text.len(), |position| position + 1)
}
