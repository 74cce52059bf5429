//! Tokens and pairs against Hugging Face's fast BERT tokenizer, whose answers `goldens/tokens.py` wrote down.

use citelink::dataset::{Dataset, ReferenceBlock, reference_block};
use citelink::pairs::{
    Batch, EncodedPair, PairEncoder, PairTokenizer, SPECIAL_TOKENS, TokenizerError, VocabularySettings,
    learn_vocabulary,
};
use citelink::progress::{Progress, Unwatched};
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[derive(Deserialize)]
struct Goldens {
    vocabulary: Vec<String>,
    strings: Vec<String>,
    kinds: BTreeMap<String, Kind>,
    long: Vec<Long>,
    pairs: Vec<Pair>,
    real: Real,
}

#[derive(Deserialize)]
struct Kind {
    options: serde_json::Value,
    ids: serde_json::Value,
}

#[derive(Deserialize)]
struct Long {
    text: String,
    times: usize,
    count: usize,
    hash: String,
}

#[derive(Deserialize)]
struct Pair {
    sentence: String,
    reference: String,
    max_length: usize,
    /// None where Hugging Face fails.
    hashes: Option<[String; 2]>,
    sentence_tokens: usize,
    reference_tokens: usize,
}

#[derive(Deserialize)]
struct Real {
    strings: Vec<(usize, String, String)>,
    pairs: Vec<(usize, usize, String, String)>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/tokens.json")).unwrap()
}

fn digest(numbers: &[u32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Sha256::digest(&bytes)[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn write_folder(folder: &Path, vocabulary: &[String], options: &serde_json::Value) {
    std::fs::write(folder.join("vocab.txt"), vocabulary.join("\n") + "\n").unwrap();
    std::fs::write(folder.join("tokenizer_config.json"), options.to_string()).unwrap();
}

/// The ids of one text: a pair with nothing as its reference, without `[CLS]` and the two `[SEP]`.
fn ids(tokenizer: &PairTokenizer, text: &str) -> Vec<u32> {
    let pair = tokenizer.encode(text, "", 1_000_000).unwrap();
    pair.ids[1..pair.ids.len() - 2].to_vec()
}

#[test]
fn nasty_strings_have_hugging_faces_tokens() {
    let goldens = goldens();
    for (name, kind) in &goldens.kinds {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path(), &goldens.vocabulary, &kind.options);
        let plain = PairTokenizer::open(folder.path()).unwrap();
        // The same tokenizer once saved and opened from its tokenizer.json.
        let saved = tempfile::tempdir().unwrap();
        plain.save(saved.path()).unwrap();
        let reopened = PairTokenizer::open(saved.path()).unwrap();
        std::fs::remove_file(saved.path().join("tokenizer.json")).unwrap();
        let from_text = PairTokenizer::open(saved.path()).unwrap();
        for (text, golden) in goldens.strings.iter().zip(kind.ids.as_array().unwrap()) {
            for tokenizer in [&plain, &reopened, &from_text] {
                let found = ids(tokenizer, text);
                let agrees = match golden {
                    serde_json::Value::String(hash) => digest(&found) == *hash,
                    list => serde_json::json!(found) == *list,
                };
                assert!(agrees, "{name}: {text:?} became {found:?}, expected {golden}");
                assert_eq!(tokenizer.token_count(text).unwrap(), found.len());
            }
        }
    }
}

#[test]
fn long_texts_are_cut_without_a_trace() {
    let goldens = goldens();
    let tokenizer = PairTokenizer::from_vocabulary(&goldens.vocabulary, true, Path::new("goldens")).unwrap();
    for long in &goldens.long {
        let text = long.text.repeat(long.times);
        let found = ids(&tokenizer, &text);
        assert_eq!(found.len(), long.count, "{:?}", long.text);
        assert_eq!(digest(&found), long.hash, "{:?}", long.text);
        let pair = tokenizer.encode("the model", &text, 512).unwrap();
        assert_eq!(
            pair.ids.len() + pair.reference_tokens_cut,
            tokenizer.token_count("the model").unwrap() + long.count + 3
        );
    }
}

#[test]
fn pairs_are_truncated_as_hugging_face_does() {
    let goldens = goldens();
    let tokenizer = PairTokenizer::from_vocabulary(&goldens.vocabulary, true, Path::new("goldens")).unwrap();
    let mut cut = 0;
    for golden in &goldens.pairs {
        let pair = tokenizer.encode(&golden.sentence, &golden.reference, golden.max_length).unwrap();
        assert!(pair.ids.len() <= golden.max_length);
        assert_eq!(pair.ids.len(), pair.type_ids.len());
        let reference_kept = pair.type_ids.iter().sum::<u32>() as usize - 1;
        assert_eq!(pair.reference_tokens_cut, golden.reference_tokens - reference_kept);
        assert_eq!(pair.sentence_cut, golden.hashes.is_none(), "{:?}", golden.sentence);
        if let Some([ids, type_ids]) = &golden.hashes {
            assert_eq!(digest(&pair.ids), *ids, "{:?}", golden.sentence);
            assert_eq!(digest(&pair.type_ids), *type_ids);
        } else {
            cut += 1;
            let kept = pair.ids.len() - 3 - reference_kept;
            assert_eq!(kept, golden.max_length - 4);
            assert!(golden.sentence_tokens > kept);
            assert_eq!(reference_kept, golden.reference_tokens.min(1));
        }
    }
    assert!(cut > 5, "the goldens hold sentences that are too long");
}

/// Shared texts are tokenized once; what that saves is printed.
#[test]
fn a_dataset_encoded_together_is_as_if_encoded_pair_by_pair() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let rows = data.join("citations.jsonl");
    if !rows.is_file() {
        eprintln!("skipped: {} does not exist", rows.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data.join("scibert/vocab.txt"), folder.path().join("vocab.txt")).unwrap();
    let tokenizer = PairTokenizer::open(folder.path()).unwrap();
    let dataset = Dataset::read(&rows, &Unwatched).unwrap();
    let pairs: Vec<(&str, String)> = dataset
        .records
        .iter()
        .map(|record| (record.sentence.as_deref().unwrap_or_default(), reference_block(ReferenceBlock::of(record))))
        .collect();
    let began = Instant::now();
    let alone: Vec<EncodedPair> =
        pairs.par_iter().map(|(sentence, block)| tokenizer.encode(sentence, block, 512).unwrap()).collect();
    let apart = began.elapsed();
    let began = Instant::now();
    let encoder = PairEncoder::new(&tokenizer, 512);
    // In two parts, so that the second meets texts of the first again.
    let together = [&pairs[..1000], &pairs[1000..]].map(|part| encoder.encode(part).unwrap()).concat();
    eprintln!("{} pairs: {apart:?} one by one, {:?} together", pairs.len(), began.elapsed());
    assert!(alone == together);
}

#[test]
fn real_strings_have_hugging_faces_tokens() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let rows = data.join("citations.jsonl");
    if !rows.is_file() {
        eprintln!("skipped: {} does not exist", rows.display());
        return;
    }
    let real = goldens().real;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data.join("scibert/vocab.txt"), folder.path().join("vocab.txt")).unwrap();
    let tokenizer = PairTokenizer::open(folder.path()).unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 31_090);
    assert_eq!(tokenizer.pad_id(), 0);
    let text = std::fs::read_to_string(rows).unwrap();
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(&line.replace(": NaN", ": null")).unwrap()).collect();
    assert_eq!(real.strings.len(), 500);
    for (row, field, hash) in &real.strings {
        let text = rows[*row][field].as_str().unwrap();
        assert_eq!(digest(&ids(&tokenizer, text)), *hash, "{field} of row {row}");
    }
    let pairs: Vec<(&str, &str)> = real
        .pairs
        .iter()
        .map(|(row, ..)| (rows[*row]["sentence"].as_str().unwrap(), rows[*row]["ref_paper_text"].as_str().unwrap()))
        .collect();
    for length in [512, 128] {
        let encoded = PairEncoder::new(&tokenizer, length).encode(&pairs).unwrap();
        for (pair, (row, max_length, ids, type_ids)) in encoded.iter().zip(&real.pairs) {
            if *max_length == length {
                assert_eq!(digest(&pair.ids), *ids, "row {row} at {length}");
                assert_eq!(digest(&pair.type_ids), *type_ids);
            }
        }
    }
}

#[test]
fn a_folder_without_a_tokenizer_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let failure = PairTokenizer::open(folder.path()).unwrap_err();
    assert!(failure.to_string().contains("neither tokenizer.json nor vocab.txt"), "{failure}");

    std::fs::write(folder.path().join("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\na\n").unwrap();
    let failure = PairTokenizer::open(folder.path()).unwrap_err();
    assert!(failure.to_string().contains("lacks the token [SEP]"), "{failure}");

    let bpe = r#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#;
    std::fs::write(folder.path().join("tokenizer.json"), bpe).unwrap();
    let failure = PairTokenizer::open(folder.path()).unwrap_err();
    assert!(matches!(failure, TokenizerError::Malformed { .. }), "{failure}");
}

#[test]
fn what_the_tokenizer_library_would_panic_on_is_an_error() {
    let tokenizer = PairTokenizer::from_vocabulary(&goldens().vocabulary, true, Path::new("goldens")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let path = folder.path().join("tokenizer.json");
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let refusal = |part: &str, value: serde_json::Value| {
        let mut document = document.clone();
        document[part] = value;
        let failure = PairTokenizer::from_json(document.to_string().replace("HALF", "\\ud800").as_bytes(), &path);
        let failure = failure.unwrap_err();
        assert!(matches!(failure, TokenizerError::Malformed { .. }), "{failure}");
        failure.to_string()
    };
    assert!(refusal("decoder", serde_json::json!({"type": "HALF"})).contains("hex escape"));
    let precompiled = || serde_json::json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"});
    assert!(refusal("normalizer", precompiled()).contains("Precompiled"));
    let within = serde_json::json!({"type": "Sequence", "normalizers": [precompiled()]});
    assert!(refusal("normalizer", within).contains("Precompiled"));
}

#[test]
fn an_input_needs_eight_tokens() {
    let goldens = goldens();
    let tokenizer = PairTokenizer::from_vocabulary(&goldens.vocabulary, true, Path::new("goldens")).unwrap();
    assert!(matches!(tokenizer.encode("a", "b", 7), Err(TokenizerError::TooShort { max_length: 7 })));
    assert_eq!(tokenizer.encode("a", "b", 8).unwrap().ids.len(), 5);
}

#[test]
fn a_batch_is_padded_to_its_longest_pair() {
    let pair =
        |length: usize| EncodedPair { ids: vec![9; length], type_ids: vec![1; length], ..EncodedPair::default() };
    let (short, long) = (pair(2), pair(5));
    let batch = Batch::of(&[&short, &long], 7);
    assert_eq!((batch.rows, batch.length, batch.tokens()), (2, 5, 7));
    assert_eq!(batch.ids, [9, 9, 7, 7, 7, 9, 9, 9, 9, 9]);
    assert_eq!(batch.type_ids, [1, 1, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(citelink::pairs::by_length(&[short, long.clone(), long]), [1, 2, 0]);
}

fn learn(files: &[PathBuf], size: usize) -> Result<Vec<String>, TokenizerError> {
    learn_vocabulary(files, VocabularySettings { size }, &Unwatched)
}

#[test]
fn a_learned_vocabulary_is_reproducible_and_reads_compressed_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Learning learned learners learn; the Learning of CAFÉS and cafe's, twice.\n".repeat(40)
        + &(0..300).map(|number| format!("s{number:b} ").replace('0', "an").replace('1', "et")).collect::<String>()
        + "Representations of represented representation — 漢字, αβγ and 3.14.\n";
    let plain = folder.path().join("a.txt");
    std::fs::write(&plain, &text).unwrap();
    let compressed = folder.path().join("a.txt.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    std::fs::write(&compressed, encoder.finish().unwrap()).unwrap();

    let vocabulary = learn(std::slice::from_ref(&plain), 150).unwrap();
    assert_eq!(vocabulary.len(), 150);
    assert_eq!(vocabulary[..5], SPECIAL_TOKENS);
    assert_eq!(vocabulary, learn(&[compressed], 150).unwrap());
    assert!(vocabulary.iter().any(|token| token == "learn"), "{vocabulary:?}");
    assert!(vocabulary.iter().any(|token| token == "cafe"), "accents go and letters are lower-cased");
    let mut unique = vocabulary.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), vocabulary.len());

    let all = learn(&[plain], 100_000).unwrap();
    assert!(all.len() < 1000, "there is not more to learn from so few words");
    let tokenizer = PairTokenizer::from_vocabulary(&all, true, Path::new("learned")).unwrap();
    let unknown = all.iter().position(|token| token == "[UNK]").unwrap() as u32;
    assert!(!ids(&tokenizer, &text).contains(&unknown));
    assert_eq!(tokenizer.token_count("learning representations").unwrap(), 2);
}

#[test]
fn learning_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.txt");
    assert!(learn(&[missing], 100).unwrap_err().to_string().contains("missing.txt"));
    let blank = folder.path().join("blank.txt");
    std::fs::write(&blank, " \n\t").unwrap();
    assert!(matches!(learn(std::slice::from_ref(&blank), 100), Err(TokenizerError::NoWords)));
    assert!(matches!(learn(&[blank], 10), Err(TokenizerError::VocabularyTooSmall { size: 10 })));
    let broken = folder.path().join("broken.gz");
    std::fs::write(&broken, b"no gzip").unwrap();
    assert!(learn(&[broken], 100).unwrap_err().to_string().contains("broken.gz"));
}

#[test]
fn learning_reports_bytes_and_can_be_cancelled() {
    struct Watcher {
        done: AtomicU64,
        cancel: bool,
    }
    impl Progress for Watcher {
        fn report(&self, done: u64, total: u64) {
            assert!(done <= total);
            self.done.store(done, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.cancel
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    // Longer than a block, and one stretch of it without any space.
    let text = "some words ".repeat(150_000) + &"x".repeat(2_000_000) + " end";
    std::fs::write(&path, &text).unwrap();
    let settings = VocabularySettings { size: 60 };
    let watcher = Watcher { done: AtomicU64::new(0), cancel: false };
    let vocabulary = learn_vocabulary(std::slice::from_ref(&path), settings, &watcher).unwrap();
    assert_eq!(watcher.done.load(Ordering::Relaxed), text.len() as u64);
    assert!(vocabulary.iter().any(|token| token == "words"));
    let watcher = Watcher { done: AtomicU64::new(0), cancel: true };
    assert!(matches!(learn_vocabulary(&[path], settings, &watcher), Err(TokenizerError::Cancelled)));
}
