//! Asking the hub for a file and fetching it: resumed where it broke off, tried again where that may help, checked when
//! it is there.

use super::cache::ModelCache;
use crate::model::ModelError;
use crate::progress::Progress;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LOCATION, RANGE};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Tries without any progress before giving up.
const TRIES: u32 = 5;

/// Redirects that a question follows within the hub: a model that was renamed.
const REDIRECTS: u32 = 5;

/// A file as the hub describes it.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub name: String,
    pub commit: String,
    pub etag: String,
    pub size: u64,
}

/// Requests for one model.
pub(super) struct Transfer<'a> {
    endpoint: &'a str,
    model: &'a str,
    cache: &'a ModelCache,
    progress: &'a dyn Progress,
    /// Follows no redirect: the hub's answer itself carries the commit and the file's hash.
    asking: Agent,
    fetching: Agent,
}

/// What a try came to when it did not succeed.
enum Failure {
    /// Trying again may help.
    Passing(String),
    /// It will not.
    Final(ModelError),
}

impl<'a> Transfer<'a> {
    pub fn new(endpoint: &'a str, model: &'a str, cache: &'a ModelCache, progress: &'a dyn Progress) -> Self {
        let agent = |redirects| {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(redirects)
                .max_redirects_will_error(false)
                .user_agent(concat!("citelink/", env!("CARGO_PKG_VERSION")))
                // The certificates that the user's system trusts, for networks with a proxy of their own.
                .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
                .timeout_connect(Some(Duration::from_secs(15)))
                .timeout_recv_response(Some(Duration::from_secs(30)))
                .timeout_per_read(Some(Duration::from_secs(15)))
                .build()
                .new_agent()
        };
        Self { endpoint: endpoint.trim_end_matches('/'), model, cache, progress, asking: agent(0), fetching: agent(10) }
    }

    /// Describes a file of a revision; None where the hub does not have it.
    pub fn find(&self, revision: &str, name: &str) -> Result<Option<Remote>, ModelError> {
        self.with_tries(|| self.ask(revision, name), || 0)
    }

    fn ask(&self, revision: &str, name: &str) -> Result<Option<Remote>, Failure> {
        let mut address = self.address(revision, name);
        for _ in 0..=REDIRECTS {
            // Compressed, the length would be another.
            let answer = self.asking.head(&address).header("Accept-Encoding", "identity").call().map_err(passing)?;
            let status = answer.status();
            let headers = answer.headers();
            // A renamed model's place is given relative to the hub. An answer that carries the commit is the hub's own and
            // its redirect leads to the storage, which knows nothing of commits.
            if status.is_redirection()
                && let Some(place) = text(headers, LOCATION)
            {
                if place.starts_with('/') && !place.starts_with("//") {
                    address = format!("{}{place}", origin(&address));
                    continue;
                }
                if !headers.contains_key("x-repo-commit") {
                    address = place;
                    continue;
                }
            }
            return match status {
                status if status.is_success() || status.is_redirection() => self.describe(name, headers).map(Some),
                // The hub answers 401 for what does not exist and for what is private.
                StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::GONE => Ok(None),
                status => Err(self.refused(name, status)),
            };
        }
        Err(Failure::Final(self.failed(format!("{name} is redirected without end"))))
    }

    /// Reads a file's description off an answer.
    fn describe(&self, name: &str, headers: &HeaderMap) -> Result<Remote, Failure> {
        let lacking = |what: &str| {
            Failure::Final(
                self.failed(format!("the answer for {name} lacks {what}; {} is no model hub", self.endpoint)),
            )
        };
        let commit =
            text(headers, "x-repo-commit").filter(|commit| is_file_name(commit)).ok_or_else(|| lacking("a commit"))?;
        let etag = text(headers, "x-linked-etag").or_else(|| text(headers, ETAG)).ok_or_else(|| lacking("an ETag"))?;
        let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
        if !is_file_name(&etag) {
            return Err(lacking("an ETag that can name a file"));
        }
        let size = text(headers, "x-linked-size")
            .or_else(|| text(headers, CONTENT_LENGTH))
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| lacking("a length"))?;
        Ok(Remote { name: name.to_owned(), commit, etag, size })
    }

    /// Fetches a file into the cache; `before` bytes of `total` are there already.
    pub fn fetch(&self, remote: &Remote, before: u64, total: u64) -> Result<(), ModelError> {
        let blob = self.cache.blob(&remote.etag);
        let file_error = |source| ModelError::File { path: blob.clone(), source };
        if let Some(folder) = blob.parent() {
            fs::create_dir_all(folder).map_err(file_error)?;
        }
        let lock = loop {
            if let Some(lock) = self.cache.try_lock(&remote.etag).map_err(file_error)? {
                break lock;
            }
            self.pause(Duration::from_millis(200))?;
        };
        if fs::metadata(&blob).map(|metadata| metadata.len()).ok() != Some(remote.size) {
            let incomplete = blob.with_file_name(format!("{}.incomplete", remote.etag));
            let report = |done| self.progress.report(before + done, total);
            let length = || fs::metadata(&incomplete).map_or(0, |metadata| metadata.len());
            self.with_tries(|| self.receive(remote, &incomplete, &report), length)?;
            if !is_intact(remote, &incomplete).map_err(file_error)? {
                // What was there before the last try may have been damaged: once more from the start.
                fs::remove_file(&incomplete).map_err(file_error)?;
                self.with_tries(|| self.receive(remote, &incomplete, &report), length)?;
                if !is_intact(remote, &incomplete).map_err(file_error)? {
                    fs::remove_file(&incomplete).map_err(file_error)?;
                    return Err(self.failed(format!("{} arrived damaged; try again later", remote.name)));
                }
            }
            fs::rename(&incomplete, &blob).map_err(file_error)?;
        }
        self.cache.link(&remote.commit, &remote.name, &remote.etag).map_err(file_error)?;
        drop(lock);
        Ok(())
    }

    /// One request for what is missing of a file.
    fn receive(&self, remote: &Remote, incomplete: &Path, report: &dyn Fn(u64)) -> Result<(), Failure> {
        let file_error = |source| Failure::Final(ModelError::File { path: incomplete.to_owned(), source });
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(incomplete).map_err(file_error)?;
        let mut done = file.metadata().map_err(file_error)?.len();
        if done > remote.size {
            file.set_len(0).map_err(file_error)?;
            done = 0;
        }
        report(done);
        if done == remote.size {
            return Ok(());
        }
        let mut request =
            self.fetching.get(self.address(&remote.commit, &remote.name)).header("Accept-Encoding", "identity");
        if done > 0 {
            request = request.header(RANGE, format!("bytes={done}-"));
        }
        let answer = request.call().map_err(passing)?;
        let continues = answer.status() == StatusCode::PARTIAL_CONTENT
            && text(answer.headers(), CONTENT_RANGE).is_some_and(|range| range.starts_with(&format!("bytes {done}-")));
        match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT if continues || answer.status() == StatusCode::OK => {}
            // The server will not go on from here, so the next try starts over.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                file.set_len(0).map_err(file_error)?;
                return Err(Failure::Passing(format!("{} could not be resumed", remote.name)));
            }
            status => return Err(self.refused(&remote.name, status)),
        }
        if !continues {
            file.set_len(0).map_err(file_error)?;
            done = 0;
        }
        file.seek(SeekFrom::Start(done)).map_err(file_error)?;
        self.copy(answer.into_body(), &mut file, done, remote, report, &file_error)
    }

    fn copy(
        &self,
        mut body: Body,
        file: &mut File,
        mut done: u64,
        remote: &Remote,
        report: &dyn Fn(u64),
        file_error: &dyn Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        let mut reader = body.as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if self.progress.cancelled() {
                return Err(Failure::Final(ModelError::Cancelled));
            }
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(failure) if failure.kind() == io::ErrorKind::Interrupted => continue,
                Err(failure) => return Err(Failure::Passing(format!("{} broke off ({failure})", remote.name))),
            };
            if count == 0 {
                break;
            }
            if done + count as u64 > remote.size {
                file.set_len(0).map_err(file_error)?;
                return Err(Failure::Passing(format!("{} is longer than the hub said", remote.name)));
            }
            file.write_all(&buffer[..count]).map_err(file_error)?;
            done += count as u64;
            report(done);
        }
        if done < remote.size {
            return Err(Failure::Passing(format!("{} broke off after {done} of {} bytes", remote.name, remote.size)));
        }
        file.sync_all().map_err(file_error)
    }

    /// Tries until it succeeds, until it has failed in vain too often, or until the caller cancels. A try that brought
    /// `length` forward was not in vain.
    fn with_tries<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, Failure>,
        length: impl Fn() -> u64,
    ) -> Result<T, ModelError> {
        let mut failures = 0;
        let mut reached = length();
        loop {
            if self.progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            match attempt() {
                Ok(result) => return Ok(result),
                Err(Failure::Final(failure)) => return Err(failure),
                Err(Failure::Passing(reason)) => {
                    let now = length();
                    failures = if now > reached { 1 } else { failures + 1 };
                    reached = reached.max(now);
                    if failures >= TRIES {
                        return Err(self.failed(format!(
                            "{reason}; check the connection and try again: what has arrived is kept"
                        )));
                    }
                    self.pause(Duration::from_millis(100 << failures))?;
                }
            }
        }
    }

    /// Waits, unless the caller cancels.
    fn pause(&self, time: Duration) -> Result<(), ModelError> {
        let until = std::time::Instant::now() + time;
        while std::time::Instant::now() < until {
            if self.progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn address(&self, revision: &str, name: &str) -> String {
        format!("{}/{}/resolve/{revision}/{name}", self.endpoint, self.model)
    }

    fn refused(&self, name: &str, status: StatusCode) -> Failure {
        let reason = format!("{} answered {status} for {name}", self.endpoint);
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            Failure::Passing(reason)
        } else {
            Failure::Final(self.failed(reason))
        }
    }

    fn failed(&self, reason: String) -> ModelError {
        ModelError::Download { model: self.model.to_owned(), reason }
    }
}

/// Compares the contents with the hash that large files have as their `ETag`; small files have a Git hash, of which only
/// the length is checked.
fn is_intact(remote: &Remote, path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != remote.size {
        return Ok(false);
    }
    if remote.etag.len() != 64 || !remote.etag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(true);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    let mut found = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(found, "{byte:02x}");
    }
    Ok(found.eq_ignore_ascii_case(&remote.etag))
}

// By value, as `map_err` hands it over.
#[allow(clippy::needless_pass_by_value)]
fn passing(failure: ureq::Error) -> Failure {
    Failure::Passing(failure.to_string())
}

/// A header's text.
fn text(headers: &HeaderMap, name: impl ureq::http::header::AsHeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// `https://host` of an address.
fn origin(address: &str) -> String {
    let start = address.find("://").map_or(0, |position| position + 3);
    address[start..].find('/').map_or(address, |position| &address[..start + position]).to_owned()
}

/// Whether a server's word may become part of a path in the cache.
fn is_file_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
