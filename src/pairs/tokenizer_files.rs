//! The files in which Hugging Face keeps a BERT tokenizer.

use super::tokenizer::SPECIAL_TOKENS;
use super::{PairTokenizer, TokenizerError};
use crate::files::write_atomically;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Write};
use std::path::Path;
use tokenizers::{NormalizerWrapper, Tokenizer};

/// How the normaliser treats letters: the fields of `tokenizer_config.json` and their defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Casing {
    #[serde(rename = "do_lower_case")]
    pub lower_case: bool,
    /// Without a wish, accents go where letters are lower-cased.
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: bool,
}

impl Default for Casing {
    fn default() -> Self {
        Self { lower_case: true, strip_accents: None, tokenize_chinese_chars: true }
    }
}

/// Opens a folder's `tokenizer.json`, or else its `vocab.txt`.
pub(super) fn open(folder: &Path) -> Result<PairTokenizer, TokenizerError> {
    let path = folder.join("tokenizer.json");
    if let Some(json) = read(&path)? {
        return PairTokenizer::from_json(&json, &path);
    }
    let path = folder.join("vocab.txt");
    let Some(text) = read(&path)? else {
        return Err(TokenizerError::File {
            path: folder.to_owned(),
            source: std::io::Error::new(ErrorKind::NotFound, "it has neither tokenizer.json nor vocab.txt"),
        });
    };
    let text = String::from_utf8(text).map_err(|failure| malformed(&path, &failure))?;
    let config = folder.join("tokenizer_config.json");
    let casing = match read(&config)? {
        Some(json) => serde_json::from_slice(&json).map_err(|failure| malformed(&config, &failure))?,
        None => Casing::default(),
    };
    from_vocabulary(&lines(&text), casing, &path)
}

/// Largest tokenizer file read; BERT's multilingual one has 2 MB.
const LARGEST_FILE: u64 = 256 << 20;

/// A file's bytes, or None where it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, TokenizerError> {
    let file_error = |source| TokenizerError::File { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST_FILE => Err(malformed(path, &"the file is larger than 256 MiB")),
        Ok(_) => std::fs::read(path).map(Some).map_err(file_error),
        Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(file_error(failure)),
    }
}

fn malformed(path: &Path, reason: &dyn std::fmt::Display) -> TokenizerError {
    TokenizerError::Malformed { path: path.to_owned(), reason: reason.to_string() }
}

/// Lines as Python's text mode reads them: ended by `\n`, `\r\n` or `\r` and by nothing else.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').unwrap_or(&text).split('\n').map(str::to_owned).collect()
}

/// A tokenizer over a vocabulary in the order of its ids. Of a token that stands twice the last id counts, as in Hugging
/// Face's reader.
pub(super) fn from_vocabulary(
    vocabulary: &[String],
    casing: Casing,
    origin: &Path,
) -> Result<PairTokenizer, TokenizerError> {
    let ids: Map<String, Value> =
        vocabulary.iter().enumerate().map(|(id, token)| (token.clone(), Value::from(id))).collect();
    for token in SPECIAL_TOKENS {
        if !ids.contains_key(token) {
            return Err(malformed(origin, &format!("its vocabulary lacks the token {token}")));
        }
    }
    let added_tokens: Vec<Value> = SPECIAL_TOKENS
        .iter()
        .map(|token| {
            json!({
                "id": ids[*token], "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        })
        .collect();
    let special = |token: &str| json!({"id": token, "ids": [ids[token]], "tokens": [token]});
    let piece = |token: &str, side: u32| json!({"SpecialToken": {"id": token, "type_id": side}});
    let text = |name: &str, side: u32| json!({"Sequence": {"id": name, "type_id": side}});
    let document = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": casing.tokenize_chinese_chars,
            "strip_accents": casing.strip_accents,
            "lowercase": casing.lower_case,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
            "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 1), piece("[SEP]", 1)],
            "special_tokens": {"[CLS]": special("[CLS]"), "[SEP]": special("[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    });
    PairTokenizer::from_json(document.to_string().as_bytes(), origin)
}

/// Writes the four files of a tokenizer.
pub(super) fn save(tokenizer: &Tokenizer, folder: &Path) -> Result<(), TokenizerError> {
    let json = tokenizer.to_string(true).map_err(|failure| TokenizerError::Encode(failure.to_string()))?;
    write(&folder.join("tokenizer.json"), json.as_bytes())?;

    let casing = match tokenizer.get_normalizer() {
        Some(NormalizerWrapper::BertNormalizer(normalizer)) => Casing {
            lower_case: normalizer.lowercase,
            strip_accents: normalizer.strip_accents,
            tokenize_chinese_chars: normalizer.handle_chinese_chars,
        },
        _ => Casing::default(),
    };
    let [pad, unk, cls, sep, mask] = SPECIAL_TOKENS;
    let config = json!({
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": casing.lower_case,
        "strip_accents": casing.strip_accents,
        "tokenize_chinese_chars": casing.tokenize_chinese_chars,
        "model_max_length": super::MAX_LENGTH,
        "pad_token": pad, "unk_token": unk, "cls_token": cls, "sep_token": sep, "mask_token": mask,
    });
    write(&folder.join("tokenizer_config.json"), format!("{config:#}\n").as_bytes())?;
    let special = json!({"pad_token": pad, "unk_token": unk, "cls_token": cls, "sep_token": sep, "mask_token": mask});
    write(&folder.join("special_tokens_map.json"), format!("{special:#}\n").as_bytes())?;

    let mut vocabulary: Vec<(String, u32)> = tokenizer.get_vocab(true).into_iter().collect();
    vocabulary.sort_unstable_by_key(|(_, id)| *id);
    let mut text = String::new();
    let mut next = 0;
    for (token, id) in vocabulary {
        // A token's line is its id: where a vocabulary skips one, a token that no text can hold keeps the place.
        for missing in next..id {
            text.push_str("[missing");
            text.push_str(&missing.to_string());
            text.push_str("]\n");
        }
        text.push_str(&token);
        text.push('\n');
        next = id + 1;
    }
    write(&folder.join("vocab.txt"), text.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TokenizerError> {
    write_atomically(path, |file| file.write_all(bytes))
        .map_err(|source| TokenizerError::File { path: path.to_owned(), source })
}
