//! Downloads against a server on loopback that breaks off, refuses, redirects and lies.

use super::fixture;
use citelink::model::{Hub, ModelError, SavedModel};
use citelink::progress::{Progress, Unwatched};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const MODEL: &str = "somebody/some-bert";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the server treats the next request for a file's contents.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    /// Sends this many bytes of what was asked for, then closes the connection.
    BreakOff(usize),
    /// Answers with this status.
    Refuse(u16),
    /// Sends everything from the start, whatever the range asked for.
    IgnoreRange,
    /// Sends as many bytes as asked for, but other ones.
    Damage,
    /// Claims and sends bytes beyond the file's length.
    TooLong,
}

#[derive(Debug, Default)]
struct Site {
    files: BTreeMap<String, Vec<u8>>,
    /// Taken from the front, one for each request for the weights' contents.
    moods: Mutex<Vec<Mood>>,
    /// `METHOD path range` of each request.
    requests: Mutex<Vec<String>>,
    renamed: bool,
}

struct Server {
    endpoint: String,
    site: Arc<Site>,
    stopping: Arc<AtomicBool>,
}

impl Server {
    fn start(site: Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let site = Arc::new(site);
        let stopping = Arc::new(AtomicBool::new(false));
        let (for_thread, stop) = (Arc::clone(&site), Arc::clone(&stopping));
        std::thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || {
                for connection in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    // A client that goes away in the middle is part of the test.
                    let _ = answer(connection.unwrap(), &for_thread);
                }
            })
            .unwrap();
        Self { endpoint: format!("http://{address}"), site, stopping }
    }

    fn hub(&self, cache: &Path) -> Hub {
        Hub { endpoint: self.endpoint.clone(), cache: cache.to_owned(), offline: false }
    }

    fn requests(&self) -> Vec<String> {
        self.site.requests.lock().unwrap().clone()
    }

    fn fetches(&self, name: &str) -> Vec<String> {
        self.requests().into_iter().filter(|request| request.starts_with("GET") && request.contains(name)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Answers one request and closes the connection.
fn answer(mut stream: TcpStream, site: &Site) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut start = 0;
    let mut range = String::new();
    for line in lines {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(agent) = line.strip_prefix("user-agent: ") {
            assert_eq!(agent, concat!("citelink/", env!("CARGO_PKG_VERSION")));
        }
        if let Some(asked) = line.strip_prefix("range: bytes=") {
            asked.clone_into(&mut range);
            start = asked.trim_end_matches('-').parse().unwrap();
        }
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    if method.is_empty() {
        return Ok(());
    }
    site.requests.lock().unwrap().push(format!("{method} {path} {range}").trim_end().to_owned());
    let plain =
        |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n{more}\r\n");

    if site.renamed && path.starts_with("/somebody/") {
        let place = path.replacen("/somebody/", "/renamed/", 1);
        return stream.write_all(plain("307 Temporary Redirect", &format!("Location: {place}\r\n")).as_bytes());
    }
    if let Some(name) = path.strip_prefix("/storage/") {
        return send(stream, site, name, start, &range);
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some(contents) = site.files.get(name) else {
        return stream.write_all(plain("404 Not Found", "").as_bytes());
    };
    // Large files lie elsewhere and carry their SHA-256; small ones are sent at once and carry a Git hash.
    let is_large = Path::new(name).extension().is_some_and(|kind| kind == "bin" || kind == "safetensors");
    if is_large {
        let more = format!(
            "X-Repo-Commit: {COMMIT}\r\nX-Linked-ETag: \"{}\"\r\nX-Linked-Size: {}\r\nETag: \"else\"\r\nLocation: \
             http://{}/storage/{name}\r\n",
            hash(contents),
            contents.len(),
            stream.local_addr()?
        );
        return stream.write_all(plain("302 Found", &more).as_bytes());
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\nX-Repo-Commit: {COMMIT}\r\nETag: W/\"{}\"\r\n\r\n",
        contents.len(),
        &hash(contents)[..40]
    );
    stream.write_all(head.as_bytes())?;
    if method == "GET" { stream.write_all(contents) } else { Ok(()) }
}

/// Sends a large file's contents in the mood of the moment.
fn send(mut stream: TcpStream, site: &Site, name: &str, mut start: usize, range: &str) -> std::io::Result<()> {
    let mut contents = site.files[name].clone();
    let mood = {
        let mut moods = site.moods.lock().unwrap();
        if moods.is_empty() { None } else { Some(moods.remove(0)) }
    };
    match mood {
        Some(Mood::Refuse(status)) => {
            let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return stream.write_all(head.as_bytes());
        }
        Some(Mood::IgnoreRange) => start = 0,
        Some(Mood::Damage) => contents.iter_mut().for_each(|byte| *byte ^= 1),
        Some(Mood::TooLong) => contents.extend([0; 1000]),
        _ => {}
    }
    let total = contents.len();
    let rest = &contents[start..];
    let status = if range.is_empty() || mood == Some(Mood::IgnoreRange) {
        "200 OK".to_owned()
    } else {
        format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}", total - 1)
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
    stream.write_all(head.as_bytes())?;
    let sent = if let Some(Mood::BreakOff(count)) = mood { count.min(rest.len()) } else { rest.len() };
    stream.write_all(&rest[..sent])
}

/// A site with the files of a fixture.
fn site(name: &str) -> Site {
    let mut site = Site::default();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != "inference_config.json" {
            site.files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    site
}

fn with_moods(site: Site, moods: &[Mood]) -> Site {
    Site { moods: Mutex::new(moods.to_vec()), ..site }
}

#[test]
fn a_model_is_fetched_once_into_hugging_faces_layout() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(site("hugging_face"));
    let folder = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
    let model = cache.path().join("models--somebody--some-bert");
    assert_eq!(folder, model.join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read_to_string(model.join("refs/main")).unwrap(), COMMIT);
    let weights = &server.site.files["model.safetensors"];
    assert_eq!(&std::fs::read(model.join("blobs").join(hash(weights))).unwrap(), weights);
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(folder.join("model.safetensors")).unwrap(),
        Path::new("../../blobs").join(hash(weights))
    );
    SavedModel::open(&folder).unwrap();
    let asked = server.requests();
    assert!(asked.iter().all(|request| request.starts_with("HEAD ") || request.starts_with("GET ")));
    assert!(!asked.iter().any(|request| request.contains("pytorch_model.bin")), "the better format is there");

    // Whole now: no further request, and none is needed.
    assert_eq!(server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap(), folder);
    assert_eq!(server.requests().len(), asked.len());
    let offline = Hub { endpoint: "http://127.0.0.1:1".to_owned(), cache: cache.path().to_owned(), offline: true };
    assert_eq!(offline.fetch(MODEL, &Unwatched).unwrap(), folder);
}

#[test]
fn offline_without_a_cache_sends_nothing_and_says_why() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(site("hugging_face"));
    let hub = Hub { offline: true, ..server.hub(cache.path()) };
    let failure = hub.fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("HF_HUB_OFFLINE") && failure.contains(MODEL), "{failure}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let cache = tempfile::tempdir().unwrap();
    let moods = [Mood::BreakOff(100), Mood::Refuse(500), Mood::BreakOff(2000), Mood::BreakOff(0)];
    let server = Server::start(with_moods(site("old_layout"), &moods));
    let folder = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
    SavedModel::open(&folder).unwrap();
    let ranges: Vec<String> =
        server.fetches("/storage/").iter().map(|request| request.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(ranges, ["/storage/pytorch_model.bin", "100-", "100-", "2100-", "2100-"]);
}

#[test]
fn a_download_is_resumed_by_a_later_call() {
    let cache = tempfile::tempdir().unwrap();
    let mut moods = vec![Mood::BreakOff(300)];
    moods.extend([Mood::Refuse(500); 4]);
    let server = Server::start(with_moods(site("zip_half"), &moods));
    let failure = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("500") && failure.contains("pytorch_model.bin"), "{failure}");
    let folder = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
    SavedModel::open(&folder).unwrap();
    assert!(server.fetches("/storage/").last().unwrap().ends_with(" 300-"));
}

#[test]
fn servers_that_cannot_resume_send_everything_again() {
    for moods in [
        [Mood::BreakOff(500), Mood::IgnoreRange],
        [Mood::BreakOff(500), Mood::Refuse(416)],
        [Mood::TooLong, Mood::BreakOff(500)],
    ] {
        let cache = tempfile::tempdir().unwrap();
        let server = Server::start(with_moods(site("old_layout"), &moods));
        let folder = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
        SavedModel::open(&folder).unwrap();
        assert!(server.site.moods.lock().unwrap().is_empty());
    }
}

#[test]
fn damaged_contents_are_fetched_again_and_never_kept() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(with_moods(site("hugging_face"), &[Mood::Damage]));
    SavedModel::open(&server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap()).unwrap();

    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(with_moods(site("hugging_face"), &[Mood::Damage, Mood::Damage]));
    let failure = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("model.safetensors arrived damaged"), "{failure}");
    let blobs = cache.path().join("models--somebody--some-bert/blobs");
    let weights = hash(&server.site.files["model.safetensors"]);
    assert!(!blobs.join(&weights).exists() && !blobs.join(format!("{weights}.incomplete")).exists());
}

#[test]
fn a_model_that_does_not_exist_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(Site::default());
    let failure = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains(MODEL) && failure.contains("check the spelling"), "{failure}");

    let mut without_weights = site("old_layout");
    without_weights.files.remove("pytorch_model.bin");
    let server = Server::start(without_weights);
    let failure = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("neither model.safetensors nor pytorch_model.bin"), "{failure}");
}

#[test]
fn a_refused_file_is_not_tried_again() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(with_moods(site("old_layout"), &[Mood::Refuse(404)]));
    let failure = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("404"), "{failure}");
    assert_eq!(server.fetches("/storage/").len(), 1);
}

#[test]
fn a_renamed_model_and_a_sharded_one_are_found() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(Site { renamed: true, ..site("parts") });
    let folder = server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
    SavedModel::open(&folder).unwrap();
    assert!(server.requests().iter().any(|request| request.contains("/renamed/some-bert/resolve/main/config.json")));
    // Without one of its parts, the cache does not count as whole.
    std::fs::remove_file(folder.join("model-00002-of-00002.safetensors")).unwrap();
    let before = server.requests().len();
    server.hub(cache.path()).fetch(MODEL, &Unwatched).unwrap();
    assert!(server.requests().len() > before);
    SavedModel::open(&folder).unwrap();
}

#[test]
fn progress_is_told_in_bytes_and_cancelling_keeps_what_has_arrived() {
    struct Watcher {
        cancel_at: u64,
        done: AtomicU64,
        total: AtomicU64,
    }
    impl Progress for Watcher {
        fn report(&self, done: u64, total: u64) {
            assert!(total == 0 || done <= total);
            self.done.store(done, Ordering::Relaxed);
            self.total.store(total, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.done.load(Ordering::Relaxed) >= self.cancel_at
        }
    }
    let cache = tempfile::tempdir().unwrap();
    let mut site = site("hugging_face");
    let weights = site.files["model.safetensors"].clone();
    // Large enough to be cancelled in the middle.
    site.files.insert("model.safetensors".to_owned(), weights.iter().copied().cycle().take(3_000_000).collect());
    let total: u64 = ["config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors"]
        .iter()
        .map(|name| site.files[*name].len() as u64)
        .sum();
    let server = Server::start(site);
    let watcher = Watcher { cancel_at: 1_000_000, done: AtomicU64::new(0), total: AtomicU64::new(0) };
    let failure = server.hub(cache.path()).fetch(MODEL, &watcher).unwrap_err();
    assert!(matches!(failure, ModelError::Cancelled), "{failure}");
    assert_eq!(watcher.total.load(Ordering::Relaxed), total);

    let watcher = Watcher { cancel_at: u64::MAX, done: AtomicU64::new(0), total: AtomicU64::new(0) };
    server.hub(cache.path()).fetch(MODEL, &watcher).unwrap();
    assert_eq!(watcher.done.load(Ordering::Relaxed), total);
    let range = server.fetches("/storage/").last().unwrap().rsplit(' ').next().unwrap().to_owned();
    assert!(range.trim_end_matches('-').parse::<u64>().unwrap() > 900_000, "{range}");
}

#[test]
fn what_is_no_name_of_a_model_is_refused_before_anything_is_asked() {
    let hub = Hub { endpoint: "http://127.0.0.1:1".to_owned(), cache: "unused".into(), offline: false };
    let failure = hub.fetch("../escape", &Unwatched).unwrap_err().to_string();
    assert!(failure.contains("no name of a model"), "{failure}");
}
