//! Damaged model folders: an error that names the file, or a model that is whole, and never a panic or much memory.

use super::fixture;
use citelink::model::{ModelError, SavedModel, counter_random};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which remembers the largest piece of memory that anybody asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LARGEST.fetch_max(new_size, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

const FIXTURES: [&str; 6] = ["hugging_face", "old_layout", "zip_half", "zip_views", "old_views", "parts"];

/// Numbers for one mutation.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.drawn += 1;
        (counter_random(self.seed, 0, 0, self.drawn) % limit.max(1) as u64) as usize
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// Whether a mutation leaves any chance that the model still opens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expect {
    Failure,
    Anything,
}

fn copy_fixture(name: &str, to: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(fixture(name)).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        std::fs::copy(entry.path(), &target).unwrap();
        files.push(target);
    }
    files.sort();
    files
}

fn weights_of(files: &[PathBuf]) -> Vec<&PathBuf> {
    let is_weights = |path: &&PathBuf| path.extension().is_some_and(|kind| kind == "safetensors" || kind == "bin");
    files.iter().filter(is_weights).collect()
}

/// Damages one file of the folder.
fn mutate(files: &[PathBuf], random: &mut Random) -> (String, Expect) {
    let any = random.pick(files);
    let weights = random.pick(&weights_of(files)).clone();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    match random.below(10) {
        0 => {
            let bytes = std::fs::read(&weights).unwrap();
            let length = random.below(bytes.len() - 1);
            std::fs::write(&weights, &bytes[..length]).unwrap();
            (format!("{} cut off at {length}", name(&weights)), Expect::Failure)
        }
        1 => {
            let bytes = std::fs::read(&any).unwrap();
            let length = random.below(bytes.len());
            std::fs::write(&any, &bytes[..length]).unwrap();
            (format!("{} cut off at {length}", name(&any)), Expect::Anything)
        }
        2 | 3 => {
            let mut bytes = std::fs::read(&any).unwrap();
            for _ in 0..=random.below(8) {
                let place = random.below(bytes.len());
                bytes[place] = random.below(256) as u8;
            }
            std::fs::write(&any, &bytes).unwrap();
            (format!("{} with changed bytes", name(&any)), Expect::Anything)
        }
        4 => {
            let mut bytes = std::fs::read(&weights).unwrap();
            let place = random.below(bytes.len().min(4000) - 8);
            let huge = random.pick(&[u64::MAX, 1 << 62, 1 << 40, u64::from(u32::MAX), 1 << 31, 0]);
            bytes[place..place + 8].copy_from_slice(&huge.to_le_bytes());
            std::fs::write(&weights, &bytes).unwrap();
            (format!("{} with {huge:#x} at {place}", name(&weights)), Expect::Anything)
        }
        5 => {
            let mut bytes = std::fs::read(&any).unwrap();
            let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
            let length = random.below(200).min(bytes.len() - from);
            let stretch = bytes[from..from + length].to_vec();
            bytes.splice(to..to, stretch);
            std::fs::write(&any, &bytes).unwrap();
            (format!("{} with a stretch twice", name(&any)), Expect::Anything)
        }
        6 => {
            let path = any.with_file_name("config.json");
            let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let field: &str = random.pick(&[
                "vocab_size",
                "hidden_size",
                "num_hidden_layers",
                "num_attention_heads",
                "intermediate_size",
                "max_position_embeddings",
                "type_vocab_size",
            ]);
            let absurd = random.pick(&[
                serde_json::json!(0),
                serde_json::json!(-1),
                serde_json::json!(1),
                serde_json::json!(7.5),
                serde_json::json!(1e300),
                serde_json::json!(9_007_199_254_740_993_u64),
                serde_json::json!(200_000),
                serde_json::json!("768"),
                serde_json::json!([8]),
                serde_json::json!({}),
                serde_json::json!(true),
            ]);
            config[field] = absurd.clone();
            std::fs::write(&path, config.to_string()).unwrap();
            let harmless = absurd == 1 && matches!(field, "num_hidden_layers" | "num_attention_heads");
            (format!("config.json with {field} {absurd}"), if harmless { Expect::Anything } else { Expect::Failure })
        }
        7 => {
            std::fs::remove_file(&weights).unwrap();
            (format!("without {}", name(&weights)), Expect::Failure)
        }
        8 => {
            let what: &str = random.pick(&["", "{}", "[]", "null", "PK\x03\x04", "\u{80}\u{2}."]);
            std::fs::write(&weights, what).unwrap();
            (format!("{} holding {what:?}", name(&weights)), Expect::Failure)
        }
        _ => mutate_header(&weights, random),
    }
}

/// Changes the declarations of a `.safetensors` file, or bytes where a pickle declares sizes.
fn mutate_header(path: &Path, random: &mut Random) -> (String, Expect) {
    let mut bytes = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|kind| kind == "bin") {
        // Where the pickles are: in the first few kilobytes.
        for _ in 0..=random.below(3) {
            let place = random.below(bytes.len().min(5000));
            bytes[place] = random.pick(b"()tR.u}q\x85\x8a\xff\x00JKQcb]e");
        }
        std::fs::write(path, bytes).unwrap();
        return ("a pickle with other instructions".to_owned(), Expect::Anything);
    }
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let names: Vec<String> = header.keys().filter(|name| *name != "__metadata__").cloned().collect();
    let name = random.pick(&names);
    let huge = random.pick(&[0_u64, 3, 1 << 32, 1 << 62, u64::MAX]);
    let change: &str = random.pick(&["shape", "start", "end", "dtype", "gone"]);
    match change {
        "shape" => header[&name]["shape"] = serde_json::json!([huge, 8]),
        "start" => header[&name]["data_offsets"][0] = serde_json::json!(huge.max(1 << 32)),
        "end" => header[&name]["data_offsets"][1] = serde_json::json!(huge.max(1 << 32)),
        "dtype" => header[&name]["dtype"] = serde_json::json!("I64"),
        _ => drop(header.remove(&name)),
    }
    let text = serde_json::Value::Object(header).to_string();
    let mut changed = (text.len() as u64).to_le_bytes().to_vec();
    changed.extend(text.as_bytes());
    changed.extend(&bytes[8 + length..]);
    std::fs::write(path, changed).unwrap();
    let may_be_gone = change == "gone" && (name.starts_with("classifier.") || name.starts_with("bert.pooler."));
    let what = format!("{name} with another {change} ({huge})");
    (what, if may_be_gone { Expect::Anything } else { Expect::Failure })
}

/// Opens mutations `from..to` and returns how many failed to open.
fn open_mutations(seeds: std::ops::Range<u64>) -> usize {
    let mut failures = 0;
    for seed in seeds {
        let mut random = Random { seed, drawn: 0 };
        let folder = tempfile::tempdir().unwrap();
        let files = copy_fixture(random.pick(&FIXTURES), folder.path());
        let (what, expected) = mutate(&files, &mut random);
        LARGEST.store(0, Ordering::Relaxed);
        let opened = SavedModel::open(folder.path()).and_then(|mut model| {
            model.weights.complete(&model.config, 0, folder.path())?;
            Ok(model)
        });
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest < 16 << 20, "mutation {seed} ({what}) asked for {largest} bytes at once");
        match opened {
            Ok(_) => assert_eq!(expected, Expect::Anything, "mutation {seed} ({what}) opened"),
            Err(failure) => {
                failures += 1;
                let message = failure.to_string();
                assert!(!matches!(failure, ModelError::Tensor(_)), "mutation {seed} ({what}): {message}");
                let place = folder.path().display().to_string();
                assert!(message.contains(&place), "mutation {seed} ({what}) does not say where: {message}");
            }
        }
    }
    failures
}

#[test]
fn five_hundred_damaged_folders_fail_clearly() {
    let failures = open_mutations(0..500);
    assert!(failures > 300, "only {failures} of 500 mutations did any damage");
}

/// More of them: `CITELINK_MUTATIONS=100000 cargo test --test models -- --ignored`.
#[test]
#[ignore = "takes as long as one likes"]
fn many_more_damaged_folders_fail_clearly() {
    let count = std::env::var("CITELINK_MUTATIONS").map_or(20_000, |count| count.parse().unwrap());
    let failures = open_mutations(500..500 + count);
    eprintln!("{failures} of {count} damaged folders did not open");
}
