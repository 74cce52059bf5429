//! (sentence, reference) pairs as token ids, and batches of them.

mod batch;
mod encoder;
mod tokenizer;
mod tokenizer_files;
mod wordpiece;
mod words;

pub use batch::{Batch, by_length};
pub use encoder::PairEncoder;
pub use tokenizer::{EncodedPair, PairTokenizer, SPECIAL_TOKENS, TokenizerError};
pub use wordpiece::{SMALLEST_VOCABULARY, VocabularySettings, learn_vocabulary};

pub use crate::dataset::{ReferenceBlock, reference_block};

/// The longest input that BERT's position embeddings allow, in tokens.
pub const MAX_LENGTH: usize = 512;
