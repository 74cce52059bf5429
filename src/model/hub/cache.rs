//! Hugging Face's cache folder: `models--owner--name` with `refs/main` (a commit), `snapshots/COMMIT/FILE` (links) and
//! `blobs/ETAG` (contents).

use super::{OLD_WEIGHTS, WEIGHTS, WEIGHTS_INDEX};
use crate::files::write_atomically;
use hf_hub::{Cache, CacheRepo, Repo};
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One model's part of the cache.
#[derive(Debug)]
pub(super) struct ModelCache {
    repository: CacheRepo,
    folder: PathBuf,
    locks: PathBuf,
}

impl ModelCache {
    pub fn new(cache: &Path, model: &str) -> Self {
        let repository = Repo::model(model.to_owned());
        let folder = repository.folder_name();
        Self {
            repository: Cache::new(cache.to_owned()).repo(repository),
            folder: cache.join(&folder),
            locks: cache.join(".locks").join(folder),
        }
    }

    /// The folder of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.repository.pointer_path(commit)
    }

    /// The folder of `main`, where it holds all that a model needs.
    pub fn whole_snapshot(&self) -> Option<PathBuf> {
        let folder = self.repository.get("config.json")?.parent()?.to_owned();
        let has = |name: &str| folder.join(name).is_file();
        let has_tokenizer = has("tokenizer.json") || has("vocab.txt");
        let has_weights = has(WEIGHTS)
            || has(OLD_WEIGHTS)
            || parts(&folder.join(WEIGHTS_INDEX)).is_some_and(|names| names.iter().all(|name| has(name)));
        (has_tokenizer && has_weights).then_some(folder)
    }

    /// Notes the commit that `main` stands for.
    pub fn write_commit(&self, commit: &str) -> io::Result<()> {
        let folder = self.folder.join("refs");
        fs::create_dir_all(&folder)?;
        write_atomically(&folder.join("main"), |file| file.write_all(commit.as_bytes()))
    }

    /// Where a file's contents lie.
    pub fn blob(&self, etag: &str) -> PathBuf {
        self.repository.blob_path(etag)
    }

    /// Makes the contents appear in the snapshot: a relative link, or a copy where the system has none.
    pub fn link(&self, commit: &str, name: &str, etag: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(name);
        let Some(folder) = pointer.parent() else { return Ok(()) };
        fs::create_dir_all(folder)?;
        if pointer.is_file() {
            return Ok(());
        }
        // A link that leads nowhere, left by a cache that was tidied by hand.
        if pointer.is_symlink() {
            fs::remove_file(&pointer)?;
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(Path::new("../../blobs").join(etag), &pointer)
        }
        #[cfg(not(unix))]
        {
            fs::copy(self.blob(etag), &pointer).map(|_| ())
        }
    }

    /// Keeps other processes, Python's too, from writing the same contents; None while one does.
    pub fn try_lock(&self, etag: &str) -> io::Result<Option<File>> {
        fs::create_dir_all(&self.locks)?;
        let file =
            File::options().create(true).truncate(false).write(true).open(self.locks.join(format!("{etag}.lock")))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(failure)) => Err(failure),
        }
    }
}

/// The files that a sharded model's index names; None where it cannot be read or leads out of its folder.
pub(super) fn parts(index: &Path) -> Option<BTreeSet<String>> {
    let document: serde_json::Value = serde_json::from_slice(&fs::read(index).ok()?).ok()?;
    let names: BTreeSet<String> =
        document.get("weight_map")?.as_object()?.values().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let is_plain = |name: &String| name.ends_with(".safetensors") && !name.contains(['/', '\\', '?', '#', '%']);
    (!names.is_empty() && names.iter().all(is_plain)).then_some(names)
}
