//! Fetching a base model once into Hugging Face's own cache, where its Python tools find it too.

mod cache;
mod transfer;

use super::ModelError;
use crate::progress::Progress;
use cache::ModelCache;
use std::path::PathBuf;
use transfer::{Remote, Transfer};

/// Files to fetch where the hub has them, the ones that must be complete last: a folder with weights is taken for whole.
const SMALL_FILES: [&str; 5] =
    ["config.json", "inference_config.json", "tokenizer_config.json", "vocab.txt", "tokenizer.json"];
const WEIGHTS: &str = "model.safetensors";
const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
const OLD_WEIGHTS: &str = "pytorch_model.bin";

/// The largest index of a sharded model that is read.
const LARGEST_INDEX: u64 = 16 << 20;

/// The folder in Hugging Face's cache that holds the model, downloaded first if needed (progress in bytes).
/// `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are respected; broken downloads are resumed.
///
/// # Errors
/// [`ModelError::Download`], [`ModelError::Cancelled`].
pub fn fetch(model: &str, progress: &dyn Progress) -> Result<PathBuf, ModelError> {
    Hub::from_environment(model)?.fetch(model, progress)
}

/// The folder in Hugging Face's cache that holds the whole model; None where it would have to be downloaded. Sends
/// nothing.
#[must_use]
pub fn cached(model: &str) -> Option<PathBuf> {
    let hub = Hub::from_environment(model).ok().filter(|_| is_model_id(model))?;
    ModelCache::new(&hub.cache, model).whole_snapshot()
}

/// Where models come from and where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Such as `https://huggingface.co`.
    pub endpoint: String,
    /// The folder that holds `models--owner--name`.
    pub cache: PathBuf,
    /// Send nothing; only what is in the cache can be used.
    pub offline: bool,
}

impl Hub {
    /// The hub that the environment variables of Hugging Face's tools describe.
    fn from_environment(model: &str) -> Result<Self, ModelError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let cache = match (variable("HF_HUB_CACHE"), variable("HF_HOME"), variable("XDG_CACHE_HOME")) {
            (Some(cache), ..) => PathBuf::from(cache),
            (None, Some(home), _) => PathBuf::from(home).join("hub"),
            (None, None, Some(caches)) => PathBuf::from(caches).join("huggingface/hub"),
            (None, None, None) => directories::BaseDirs::new()
                .ok_or_else(|| ModelError::Download {
                    model: model.to_owned(),
                    reason: "this user has no home folder for the cache; set HF_HOME".to_owned(),
                })?
                .home_dir()
                .join(".cache/huggingface/hub"),
        };
        let is_true = |value: &String| matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE");
        Ok(Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            cache,
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .iter()
                .any(|name| variable(name).is_some_and(|value| is_true(&value))),
        })
    }

    /// The folder in the cache that holds the model, downloaded first if it is not whole (progress in bytes). A whole
    /// one is used as it is, without a request.
    ///
    /// # Errors
    /// [`ModelError::Download`], [`ModelError::Cancelled`], [`ModelError::File`].
    pub fn fetch(&self, model: &str, progress: &dyn Progress) -> Result<PathBuf, ModelError> {
        let failed = |reason: String| ModelError::Download { model: model.to_owned(), reason };
        if !is_model_id(model) {
            return Err(failed("this is no name of a model, such as allenai/scibert_scivocab_uncased".to_owned()));
        }
        let cache = ModelCache::new(&self.cache, model);
        if let Some(folder) = cache.whole_snapshot() {
            return Ok(folder);
        }
        if self.offline {
            return Err(failed(format!(
                "HF_HUB_OFFLINE is set and {} does not hold the whole model; unset it once to download",
                self.cache.display()
            )));
        }
        let transfer = Transfer::new(&self.endpoint, model, &cache, progress);
        let config = transfer.find("main", SMALL_FILES[0])?.ok_or_else(|| {
            failed(format!("{} has no model of this name that everybody may read; check the spelling", self.endpoint))
        })?;
        // All further files come from the same commit, so that they belong together.
        let commit = config.commit.clone();
        let mut files = vec![config];
        for name in &SMALL_FILES[1..] {
            files.extend(transfer.find(&commit, name)?);
        }
        if !files.iter().any(|file| matches!(file.name.as_str(), "vocab.txt" | "tokenizer.json")) {
            return Err(failed("it has neither tokenizer.json nor vocab.txt, so it is no BERT model".to_owned()));
        }
        cache.write_commit(&commit).map_err(|source| ModelError::File { path: self.cache.clone(), source })?;
        files.extend(self.find_weights(model, &commit, &transfer, &cache)?);

        let total = files.iter().map(|file| file.size).sum();
        let mut done = 0;
        for file in &files {
            transfer.fetch(file, done, total)?;
            done += file.size;
        }
        progress.report(total, total);
        Ok(cache.snapshot(&commit))
    }

    /// The best of the formats in which the hub has the weights.
    fn find_weights(
        &self,
        model: &str,
        commit: &str,
        transfer: &Transfer<'_>,
        cache: &ModelCache,
    ) -> Result<Vec<Remote>, ModelError> {
        let failed = |reason: String| ModelError::Download { model: model.to_owned(), reason };
        if let Some(file) = transfer.find(commit, WEIGHTS)? {
            return Ok(vec![file]);
        }
        if let Some(index) = transfer.find(commit, WEIGHTS_INDEX)? {
            if index.size > LARGEST_INDEX {
                return Err(failed(format!("its {WEIGHTS_INDEX} is larger than any real one")));
            }
            transfer.fetch(&index, 0, index.size)?;
            let mut files = Vec::new();
            for name in cache::parts(&cache.snapshot(commit).join(WEIGHTS_INDEX)).unwrap_or_default() {
                let part = transfer.find(commit, &name)?;
                files.push(
                    part.ok_or_else(|| {
                        failed(format!("its index names {name}, which {} does not have", self.endpoint))
                    })?,
                );
            }
            return Ok(files);
        }
        match transfer.find(commit, OLD_WEIGHTS)? {
            Some(file) => Ok(vec![file]),
            None => Err(failed(format!("it has neither {WEIGHTS} nor {OLD_WEIGHTS}"))),
        }
    }
}

/// Whether the text could name a model of the hub: `name` or `owner/name`, each of letters, digits, `-`, `_` and `.`.
pub(super) fn is_model_id(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with(['.', '-'])
            && !part.ends_with(['.', '-'])
            && !part.contains("..")
            && !part.contains("--")
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    match text.split_once('/') {
        Some((owner, name)) => is_part(owner) && is_part(name),
        None => is_part(text),
    }
}

#[cfg(test)]
mod tests {
    use super::is_model_id;

    #[test]
    fn model_ids_are_told_from_paths() {
        for id in ["allenai/scibert_scivocab_uncased", "bert-base-uncased", "a/b.c-d"] {
            assert!(is_model_id(id), "{id}");
        }
        for path in ["", "/models/a", "./a", "../a", "a/b/c", "a/", "/a", "~/a", "a b", "a/..", "a--b", "C:\\a"] {
            assert!(!is_model_id(path), "{path}");
        }
    }
}
