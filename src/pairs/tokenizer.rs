//! `[CLS] sentence [SEP] reference block [SEP]` as Hugging Face's fast BERT tokenizer makes it.

use std::path::{Path, PathBuf};

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
    #[error("the input length {max_length} is too short: it must be at least 8 tokens")]
    TooShort { max_length: usize },
    /// The tokenizer library failed.
    #[error("the text cannot be tokenized: {0}")]
    Encode(String),
}

/// A BERT WordPiece tokenizer for sentence pairs.
#[derive(Debug, Clone)]
pub struct PairTokenizer {
    tokenizer: tokenizers::Tokenizer,
}

impl PairTokenizer {
    /// Opens a model folder's tokenizer: `tokenizer.json`, or else `vocab.txt` with the casing that
    /// `tokenizer_config.json` gives (lower case without it).
    ///
    /// # Errors
    /// See [`TokenizerError`].
    pub fn open(folder: &Path) -> Result<Self, TokenizerError> {
        let _ = folder;
        todo!()
    }

    /// The tokenizer written as `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`], naming `origin`.
    pub fn from_json(json: &[u8], origin: &Path) -> Result<Self, TokenizerError> {
        let _ = (json, origin);
        todo!()
    }

    /// A tokenizer over a vocabulary in the order of its ids; it must hold `[PAD] [UNK] [CLS] [SEP] [MASK]`.
    ///
    /// # Errors
    /// [`TokenizerError::Malformed`], naming `origin`.
    pub fn from_vocabulary(vocabulary: &[String], lower_case: bool, origin: &Path) -> Result<Self, TokenizerError> {
        let _ = (vocabulary, lower_case, origin);
        todo!()
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json` and `vocab.txt` so that
    /// `AutoTokenizer.from_pretrained` opens the folder.
    ///
    /// # Errors
    /// [`TokenizerError::File`].
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        let _ = folder;
        todo!()
    }

    /// Encodes a pair into at most `max_length` tokens; only the reference is truncated, unless the sentence alone
    /// would fill the input.
    ///
    /// # Errors
    /// [`TokenizerError::TooShort`] and [`TokenizerError::Encode`].
    pub fn encode(&self, sentence: &str, reference: &str, max_length: usize) -> Result<EncodedPair, TokenizerError> {
        let _ = (sentence, reference, max_length, &self.tokenizer);
        todo!()
    }

    /// Encodes many pairs in parallel, in order.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_all<S: AsRef<str> + Sync, R: AsRef<str> + Sync>(
        &self,
        pairs: &[(S, R)],
        max_length: usize,
    ) -> Result<Vec<EncodedPair>, TokenizerError> {
        let _ = (pairs, max_length);
        todo!()
    }

    /// How many tokens a text has, without special tokens.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`].
    pub fn token_count(&self, text: &str) -> Result<usize, TokenizerError> {
        let _ = text;
        todo!()
    }

    /// Entries of the vocabulary.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        todo!()
    }

    /// The id of `[PAD]`.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        todo!()
    }
}
