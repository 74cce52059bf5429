//! Token counts: how much of a pair fits the model's input.

use crate::dataset::{Dataset, ReferenceBlock, reference_block};
use crate::model::{ModelSource, SavedModel};
use crate::pairs::{MAX_LENGTH, PairTokenizer};
use crate::progress::Progress;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A tokenizer, whose it is, and how much its model reads.
#[derive(Debug)]
pub struct Reader {
    /// As the user named the model.
    pub name: String,
    pub tokenizer: PairTokenizer,
    /// Tokens a pair at most.
    pub max_length: usize,
}

impl Reader {
    /// The tokenizer of the base model chosen for training, where it lies in a folder, else the bundled one. Nothing is
    /// downloaded to count tokens.
    ///
    /// # Errors
    /// For the user.
    pub fn open(base: Option<&str>) -> Result<Self, String> {
        if let Some(ModelSource::Folder(folder)) = base.map(ModelSource::parse) {
            return Self::of_folder(&folder);
        }
        let model = SavedModel::bundled().map_err(|failure| failure.to_string())?;
        Ok(Self { name: "the bundled model".to_owned(), max_length: model.max_length(), tokenizer: model.tokenizer })
    }

    fn of_folder(folder: &Path) -> Result<Self, String> {
        let tokenizer = PairTokenizer::open(folder).map_err(|failure| failure.to_string())?;
        Ok(Self { name: folder.display().to_string(), tokenizer, max_length: MAX_LENGTH })
    }
}

/// A pair as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPair {
    /// Which record.
    pub row: usize,
    /// The whole reference block.
    pub block: String,
    /// How many bytes of the block the model reads; the rest is cut off.
    pub block_read: usize,
    /// Tokens with the special ones.
    pub tokens: usize,
    /// Tokens of the reference that did not fit.
    pub reference_tokens_cut: usize,
    /// The sentence alone would have filled the input.
    pub sentence_cut: bool,
    /// Tokens a pair at most.
    pub max_length: usize,
    /// Whose tokenizer.
    pub tokenizer: String,
}

impl SeenPair {
    /// Of one record.
    ///
    /// # Errors
    /// For the user.
    pub fn of(dataset: &Dataset, row: usize, reader: &Reader) -> Result<Self, String> {
        let record = &dataset.records[row];
        let block = reference_block(ReferenceBlock::of(record));
        let sentence = record.sentence.as_deref().unwrap_or_default();
        let failed = |failure: crate::pairs::TokenizerError| failure.to_string();
        let pair = reader.tokenizer.encode(sentence, &block, reader.max_length).map_err(failed)?;
        let block_read = if pair.reference_tokens_cut == 0 {
            block.len()
        } else {
            // The block's tokens and its [SEP] have type 1.
            let kept = pair.type_ids.iter().filter(|kind| **kind == 1).count().saturating_sub(1);
            read_until(&reader.tokenizer, &block, kept).map_err(failed)?
        };
        Ok(Self {
            row,
            block,
            block_read,
            tokens: pair.ids.len(),
            reference_tokens_cut: pair.reference_tokens_cut,
            sentence_cut: pair.sentence_cut,
            max_length: reader.max_length,
            tokenizer: reader.name.clone(),
        })
    }
}

/// The end of the longest run of whole words with at most `kept` tokens. Words are tokenized one by one, so the count
/// grows with every word and the end can be searched by halving.
fn read_until(tokenizer: &PairTokenizer, block: &str, kept: usize) -> Result<usize, crate::pairs::TokenizerError> {
    let ends: Vec<usize> = block.match_indices(' ').map(|(position, _)| position).chain([block.len()]).collect();
    let (mut fits, mut low, mut high) = (0, 0, ends.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if tokenizer.token_count(&block[..ends[middle]])? <= kept {
            fits = ends[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(fits)
}

/// Tokens of every cleaned row's pair, ascending, special tokens included and nothing cut. Progress in rows.
///
/// # Errors
/// For the user, or when it was cancelled.
pub fn count_all(
    dataset: &Dataset,
    rows: &[usize],
    reader: &Reader,
    progress: &dyn Progress,
) -> Result<Vec<u32>, String> {
    let done = AtomicUsize::new(0);
    let counted: Result<Vec<u32>, String> = rows
        .par_iter()
        .map(|&row| {
            if progress.cancelled() {
                return Err("cancelled".to_owned());
            }
            let record = &dataset.records[row];
            let sentence = record.sentence.as_deref().unwrap_or_default();
            let block = reference_block(ReferenceBlock::of(record));
            let count = |text: &str| reader.tokenizer.token_count(text).map_err(|failure| failure.to_string());
            let tokens = count(sentence)? + count(&block)? + 3;
            progress.report(done.fetch_add(1, Ordering::Relaxed) as u64 + 1, rows.len() as u64);
            Ok(tokens as u32)
        })
        .collect();
    let mut tokens = counted?;
    tokens.sort_unstable();
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;

    fn reader(max_length: usize) -> Reader {
        let vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c", "."];
        let vocabulary: Vec<String> = vocabulary.map(str::to_owned).to_vec();
        let tokenizer = PairTokenizer::from_vocabulary(&vocabulary, true, Path::new("test")).unwrap();
        Reader { name: "test".to_owned(), tokenizer, max_length }
    }

    fn dataset() -> Dataset {
        let line = r#"{"original_paper_id": 1, "sentence": "a b", "ref_paper_title": "bc a", "ref_paper_text": "bc bc bc bc", "label": 1}"#;
        Dataset::from_bytes(Path::new("test"), line.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_cut_is_found() {
        let seen = SeenPair::of(&dataset(), 0, &reader(12)).unwrap();
        assert_eq!(seen.block, "bc a. bc bc bc bc");
        // [CLS] a b [SEP] takes 4 and the last [SEP] 1 of 12: b ##c a . b ##c b are left, of which `b` is half a word.
        assert_eq!((seen.tokens, seen.reference_tokens_cut), (12, 5));
        assert_eq!(&seen.block[..seen.block_read], "bc a. bc");
        let whole = SeenPair::of(&dataset(), 0, &reader(64)).unwrap();
        assert_eq!((whole.tokens, whole.block_read), (17, whole.block.len()));
        assert_eq!(count_all(&dataset(), &[0], &reader(12), &Unwatched), Ok(vec![17]));
    }
}
