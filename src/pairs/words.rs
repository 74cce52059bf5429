//! Counting the words of text files of any size in bounded memory.

use super::TokenizerError;
use crate::progress::Progress;
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;

/// A stretch without white space is cut at this many bytes.
const LONGEST_CHUNK: usize = 4096;

/// Longer words are `[UNK]` to BERT's tokenizer.
const LONGEST_WORD: usize = 100;

/// Different strings, in bytes and in number, that are held before they are reduced.
const MOST_BYTES: usize = 256 << 20;
const MOST_STRINGS: usize = 6_000_000;

/// The words of the files as BERT's lower-casing tokenizer sees them, with their counts, in alphabetical order.
///
/// Text between spaces is counted first as it stands and taken apart only once per different string, which is many times
/// faster than normalising every word. Where the different words alone would fill the memory, the rarest are forgotten.
pub(super) fn count_words(files: &[PathBuf], progress: &dyn Progress) -> Result<Vec<(String, u64)>, TokenizerError> {
    let mut total = 0;
    for path in files {
        total += std::fs::metadata(path).map_err(|source| file_error(path, source))?.len();
    }
    let read = AtomicU64::new(0);
    let mut counter = Counter::default();
    for path in files {
        let file = File::open(path).map_err(|source| file_error(path, source))?;
        let counted = Counted { inner: file, read: &read };
        let mut reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
            Box::new(MultiGzDecoder::new(counted))
        } else {
            Box::new(counted)
        };
        let mut buffer = Vec::with_capacity(BLOCK + LONGEST_CHUNK);
        loop {
            if progress.cancelled() {
                return Err(TokenizerError::Cancelled);
            }
            let kept = buffer.len();
            let added = (&mut reader)
                .take((BLOCK - kept) as u64)
                .read_to_end(&mut buffer)
                .map_err(|source| file_error(path, source))?;
            progress.report(read.load(Ordering::Relaxed), total);
            let end = if added == 0 {
                buffer.len()
            } else {
                buffer.iter().rposition(|&byte| is_space(byte)).unwrap_or(buffer.len())
            };
            counter.add_text(&buffer[..end]);
            buffer.drain(..end);
            if added == 0 {
                break;
            }
            // What is left is the start of one word; one that fills half a block will not end.
            if buffer.len() > BLOCK / 2 {
                counter.add_text(&buffer);
                buffer.clear();
            }
        }
    }
    Ok(counter.finish())
}

fn file_error(path: &Path, source: std::io::Error) -> TokenizerError {
    TokenizerError::File { path: path.to_owned(), source }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// Counts the bytes that pass through, which for a compressed file are the compressed ones.
struct Counted<'a> {
    inner: File,
    read: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[derive(Debug, Default)]
struct Counter {
    /// What stands between spaces, as it is in the file.
    chunks: HashMap<Box<[u8]>, u64>,
    chunk_bytes: usize,
    words: HashMap<String, u64>,
}

impl Counter {
    fn add_text(&mut self, text: &[u8]) {
        for chunk in text.split(|&byte| is_space(byte)).flat_map(|chunk| chunk.chunks(LONGEST_CHUNK)) {
            if let Some(count) = self.chunks.get_mut(chunk) {
                *count += 1;
            } else {
                self.chunk_bytes += chunk.len();
                self.chunks.insert(chunk.into(), 1);
                if self.chunks.len() > MOST_STRINGS || self.chunk_bytes > MOST_BYTES {
                    self.reduce();
                }
            }
        }
    }

    /// Takes the chunks apart into words.
    fn reduce(&mut self) {
        let chunks: Vec<(Box<[u8]>, u64)> = std::mem::take(&mut self.chunks).into_iter().collect();
        self.chunk_bytes = 0;
        let parts: Vec<HashMap<String, u64>> = chunks
            .par_chunks(16_384)
            .map(|chunks| {
                let mut words: HashMap<String, u64> = HashMap::new();
                for (chunk, count) in chunks {
                    for word in split_words(&String::from_utf8_lossy(chunk)) {
                        *words.entry(word).or_default() += count;
                    }
                }
                words
            })
            .collect();
        for (word, count) in parts.into_iter().flatten() {
            *self.words.entry(word).or_default() += count;
        }
        let mut least = 1;
        while self.words.len() > MOST_STRINGS / 2 {
            least += 1;
            self.words.retain(|_, count| *count >= least);
        }
    }

    fn finish(mut self) -> Vec<(String, u64)> {
        self.reduce();
        let mut words: Vec<(String, u64)> = self.words.into_iter().collect();
        words.sort_unstable();
        words
    }
}

/// The words of a text as BERT's lower-casing normaliser and its pre-tokenizer give them.
fn split_words(text: &str) -> Vec<String> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return if (1..=LONGEST_WORD).contains(&text.len()) { vec![text.to_ascii_lowercase()] } else { Vec::new() };
    }
    let mut normalized = NormalizedString::from(text);
    // Neither step can fail on text: both only filter, map and split characters.
    if BertNormalizer::default().normalize(&mut normalized).is_err() {
        return Vec::new();
    }
    let mut cut = PreTokenizedString::from(normalized);
    if BertPreTokenizer.pre_tokenize(&mut cut).is_err() {
        return Vec::new();
    }
    cut.get_splits(OffsetReferential::Normalized, OffsetType::None)
        .into_iter()
        .map(|(word, _, _)| word)
        .filter(|word| !word.is_empty() && word.chars().count() <= LONGEST_WORD)
        .map(str::to_owned)
        .collect()
}
