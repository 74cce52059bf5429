//! The dataset room against Python's json, pandas and NumPy (`goldens/dataset.py` makes the golden values), against
//! broken files, and through the commands.

use citelink::dataset::{
    ByLabel, Cleaning, Dataset, DatasetError, PaperId, Record, Report, Split, SplitSettings, Summary, clean,
    report_of_file, sample_dataset_bytes,
};
use citelink::progress::{Progress, Unwatched};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

const NASTY: &[u8] = include_bytes!("goldens/dataset_nasty.jsonl");

fn goldens() -> Value {
    serde_json::from_str(include_str!("goldens/dataset.json")).unwrap()
}

fn count(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hexadecimal_digit).collect()
}

fn hexadecimal_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap()
}

fn assert_summary(ours: Summary, golden: &Value, what: &str) {
    let theirs = (number(&golden["mean"]), count(&golden["median"]), count(&golden["max"]));
    assert_eq!((ours.mean, ours.median as usize, ours.max as usize), theirs, "{what}");
}

fn assert_labels(ours: ByLabel<usize>, golden: &Value, what: &str) {
    assert_eq!((ours.not_citation, ours.citation), (count(&golden["0"]), count(&golden["1"])), "{what}");
}

fn assert_weights(ours: ByLabel<f64>, golden: &Value, what: &str) {
    assert_eq!((ours.not_citation, ours.citation), (number(&golden["0"]), number(&golden["1"])), "{what}");
}

fn assert_report(report: &Report, golden: &Value, what: &str) {
    assert_eq!(report.rows, count(&golden["rows"]), "{what}");
    let rejected: Vec<usize> = report.rejected.iter().map(|rejected| rejected.line).collect();
    assert_eq!(rejected, golden["rejected"].as_array().unwrap().iter().map(count).collect::<Vec<_>>(), "{what}");
    assert_labels(report.labels, &golden["labels"], what);
    for (field, missing) in report.missing.fields() {
        assert_eq!(missing, count(&golden["missing"][field]), "{what}: {field}");
    }
    assert_summary(report.sentence_words, &golden["sentence_words"], what);
    assert_summary(report.ref_text_chars, &golden["ref_text_chars"], what);
    assert_eq!(report.papers, count(&golden["papers"]), "{what}");
    let clean = &golden["clean"];
    assert_eq!((report.clean.rows, report.clean.dropped), (count(&clean["rows"]), count(&clean["dropped"])), "{what}");
    assert_labels(report.clean.labels, &clean["labels"], what);
    assert_summary(report.clean.ref_block_chars, &clean["ref_block_chars"], what);
    assert_weights(report.clean.class_weights, &clean["class_weights"], what);
}

fn assert_split(dataset: &Dataset, golden: &Value, what: &str) {
    let kept = clean(&dataset.records, Cleaning::default());
    let split = Split::by_paper(&dataset.records, &kept, SplitSettings::default()).unwrap();
    for (name, part) in split.parts() {
        let golden = &golden[name];
        assert_eq!(part.papers.len(), count(&golden["papers"]), "{what}: {name}");
        let written = serde_json::to_string(&part.papers).unwrap();
        assert_eq!(sha256(written.as_bytes()), golden["papers_sha256"].as_str().unwrap(), "{what}: {name}");
        assert_eq!(part.rows.len(), count(&golden["rows"]), "{what}: {name}");
        assert_labels(part.labels.into(), &golden["labels"], what);
    }
    assert_weights(split.class_weights.into(), &golden["class_weights"], what);
}

#[test]
fn papers_are_shuffled_as_numpy_shuffles_them() {
    let record = |paper: usize| Record {
        line: paper + 1,
        original_paper_id: PaperId::Integer(i64::try_from(paper).unwrap()),
        sentence: Some("A sentence".into()),
        ref_paper_id: None,
        ref_paper_title: None,
        ref_paper_authors: None,
        ref_paper_text: Some("A text".into()),
        label: None,
    };
    let golden = goldens();
    let shuffles = golden["shuffles"].as_array().unwrap();
    assert!(shuffles.len() > 200);
    let records: Vec<Record> = (0..70_000).map(record).collect();
    for shuffle in shuffles {
        let papers = count(&shuffle["papers"]);
        let seed = u32::try_from(shuffle["seed"].as_u64().unwrap()).unwrap();
        let kept: Vec<usize> = (0..papers).collect();
        let all = SplitSettings { seed, train: 1.0, validation: 0.0 };
        let split = Split::by_paper(&records[..papers], &kept, all).unwrap();
        let ids: Vec<String> = split.train.papers.iter().map(ToString::to_string).collect();
        assert_eq!(sha256(ids.join(",").as_bytes()), shuffle["sha256"].as_str().unwrap(), "{shuffle}");
    }
}

#[test]
fn a_nasty_file_is_read_as_python_reads_it() {
    let golden = &goldens()["nasty"];
    let dataset = Dataset::from_bytes(Path::new("nasty.jsonl"), NASTY).unwrap();
    assert!(dataset.labelled);
    assert_report(&Report::of(&dataset, Cleaning::default()), &golden["report"], "nasty");
    assert_split(&dataset, &golden["split"], "nasty");
}

#[test]
fn real_datasets_are_read_as_python_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    for name in ["citations.jsonl", "citepairs_small.jsonl"] {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("skipped: {} is not there", path.display());
            return;
        }
        let golden = &goldens()[name];
        let dataset = Dataset::read(&path, &Unwatched).unwrap();
        let report = report_of_file(&path, Cleaning::default(), &Unwatched).unwrap();
        assert_report(&report, &golden["report"], name);
        assert_eq!(report, Report::of(&dataset, Cleaning::default()), "{name}");
        assert_split(&dataset, &golden["split"], name);
    }
}

/// A file with these bytes in a folder that lasts as long as the first value.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn file_memory_and_gzip_read_the_same() {
    // More than one block, so that tallies are joined.
    let lines: Vec<u8> = NASTY.iter().copied().chain(*b"\n").collect::<Vec<u8>>().repeat(60);
    let expected = Dataset::from_bytes(Path::new("here"), &lines).unwrap();
    assert_eq!(expected.records.len(), 60 * 114);
    assert!(expected.records.windows(2).all(|pair| pair[0].line < pair[1].line));
    assert_eq!(expected.sha256.len(), 64);
    let report = Report::of(&expected, Cleaning::default());
    for bytes in [lines.clone(), gzip(&lines), [gzip(&lines[..1_000_000]), gzip(&lines[1_000_000..])].concat()] {
        let (_folder, path) = file("data", &bytes);
        let read = Dataset::read(&path, &Unwatched).unwrap();
        assert!(read.records == expected.records && read.rejected == expected.rejected);
        assert_eq!(read.sha256, sha256(&bytes));
        assert!(report == report_of_file(&path, Cleaning::default(), &Unwatched).unwrap());
    }
    let packed = gzip(&lines);
    let (_folder, path) = file("torn.gz", &packed[..packed.len() / 2]);
    assert!(matches!(Dataset::read(&path, &Unwatched), Err(DatasetError::Read { .. })));
}

#[test]
fn a_file_without_labels_can_be_described() {
    let unlabelled =
        "{\"original_paper_id\": 1, \"sentence\": \"A sentence\", \"ref_paper_text\": \"A text\"}\n".repeat(3);
    let dataset = Dataset::from_bytes(Path::new("here"), unlabelled.as_bytes()).unwrap();
    assert_eq!((dataset.records.len(), dataset.labelled), (3, false));
    let report = Report::of(&dataset, Cleaning::default());
    assert_eq!((report.missing.label, report.clean.rows), (3, 3));
    let json: Value = serde_json::to_value(&report).unwrap();
    assert_eq!(json["clean"]["class_weights"], serde_json::json!({"0": null, "1": null}));

    let mixed = format!("{unlabelled}{{\"original_paper_id\": 1, \"label\": 1}}\n");
    let dataset = Dataset::from_bytes(Path::new("here"), mixed.as_bytes()).unwrap();
    assert_eq!((dataset.records.len(), dataset.labelled), (1, true));
    let rejected: Vec<_> = dataset.rejected.iter().map(|line| (line.line, line.reason.as_ref())).collect();
    assert_eq!(rejected, [(1, "label is missing"), (2, "label is missing"), (3, "label is missing")]);
}

#[test]
fn a_file_with_no_usable_line_says_what_was_found() {
    let found = |bytes: &[u8]| Dataset::from_bytes(Path::new("here.jsonl"), bytes).unwrap_err().to_string();
    for (bytes, words) in [
        (&b""[..], "found an empty file"),
        (b"\xEF\xBB\xBF\n \r\n", "found an empty file"),
        (b"{}", "found one unusable line (line 1): original_paper_id is missing"),
        (b"\n[1,\n2]\n", "found 2 unusable lines, the first (line 2): not valid JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the first (line 1): not valid UTF-8"),
    ] {
        let message = found(bytes);
        assert!(message.contains(words) && message.starts_with("here.jsonl has no usable line: expected"), "{message}");
    }
    let garbage = found(&b"x\n".repeat(1_200_000));
    assert!(garbage.starts_with("more than 1,000,000 lines of here.jsonl cannot be used"), "{garbage}");
}

/// Cancels once so many bytes are done.
struct CancelAfter {
    limit: u64,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress for CancelAfter {
    fn report(&self, done: u64, total: u64) {
        assert!(done >= self.done.swap(done, Ordering::Relaxed), "progress goes forward");
        self.total.store(total, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.done.load(Ordering::Relaxed) >= self.limit
    }
}

#[test]
fn reading_tells_its_progress_and_can_be_cancelled() {
    let bytes = sample_dataset_bytes().repeat(150);
    let (_folder, path) = file("long.jsonl", &bytes);
    let watch = |limit| CancelAfter { limit, done: AtomicU64::new(0), total: AtomicU64::new(0) };
    let to_the_end = watch(u64::MAX);
    Dataset::read(&path, &to_the_end).unwrap();
    let size = bytes.len() as u64;
    assert!(size > 3 << 20);
    assert_eq!((to_the_end.done.into_inner(), to_the_end.total.into_inner()), (size, size));
    let cancelled = watch(1);
    assert!(matches!(Dataset::read(&path, &cancelled), Err(DatasetError::Cancelled { .. })));
    assert!(cancelled.done.into_inner() < size);
    let refused = report_of_file(&path, Cleaning::default(), &watch(0));
    assert!(matches!(refused, Err(DatasetError::Cancelled { .. })));
}

/// Steele, Lea and Flood's SplitMix64: enough chance for breaking files.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap()
    }
}

/// A dataset file broken in a few ways that `seed` chooses.
fn broken(seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed);
    let mut bytes = if chance.below(2) == 0 { sample_dataset_bytes() } else { NASTY }.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        match chance.below(20) {
            0 => bytes.truncate(at),
            1..=4 => {
                for _ in 0..=chance.below(50) {
                    let at = chance.below(bytes.len());
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << chance.below(8);
                    }
                }
            }
            5..=7 => {
                let end = (at + chance.below(3000)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = chance.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            8..=10 => drop(bytes.drain(at..(at + chance.below(500)).min(bytes.len()))),
            11..=13 => {
                let bracket: &[u8] = [&b"["[..], b"{\"a\":", b"[{\"a\":"][chance.below(3)];
                bytes.splice(at..at, bracket.repeat(1 + chance.below(200_000)));
            }
            14..=15 => {
                let digits = b"9".repeat(1 + chance.below(100_000));
                bytes.splice(at..at, digits);
            }
            16..=17 => {
                let piece: &[u8] = [
                    &b"\"label\": 1e999999999, "[..],
                    b"\"original_paper_id\": -0, ",
                    b"\\ud800",
                    b"\\u0000",
                    b"\xff",
                    b"\n",
                    b"\0\0\0\0",
                    b"\"",
                    b"\\",
                    b"\xEF\xBB\xBF",
                ][chance.below(10)];
                bytes.splice(at..at, piece.iter().copied());
            }
            18 => bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' '),
            _ => bytes = bytes.iter().flat_map(|&byte| [byte, 0]).collect(),
        }
    }
    bytes
}

fn survive(seeds: std::ops::Range<u64>) {
    let (mut read, mut refused) = (0, 0);
    for seed in seeds {
        let bytes = broken(seed);
        let lines = bytes.split(|&byte| byte == b'\n').count();
        match Dataset::from_bytes(Path::new("broken.jsonl"), &bytes) {
            Ok(dataset) => {
                read += 1;
                let numbers = dataset.records.iter().map(|record| record.line);
                let mut numbers: Vec<usize> = numbers.chain(dataset.rejected.iter().map(|line| line.line)).collect();
                numbers.sort_unstable();
                assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: a line counts twice");
                assert!(numbers.iter().all(|line| (1..=lines).contains(line)), "seed {seed}");
                assert!(dataset.rejected.iter().all(|line| (5..200).contains(&line.reason.len())), "seed {seed}");
                let report = Report::of(&dataset, Cleaning::default());
                assert_eq!(report.rows, dataset.records.len());
                assert!(serde_json::to_string(&report).unwrap().len() < 2_000_000);
                let kept = clean(&dataset.records, Cleaning { keep_title_only: true });
                let split = Split::by_paper(&dataset.records, &kept, SplitSettings::default()).unwrap();
                assert_eq!(split.parts().iter().map(|(_, part)| part.rows.len()).sum::<usize>(), kept.len());
            }
            Err(failure) => {
                refused += 1;
                assert!(failure.to_string().contains("no usable line"), "seed {seed}: {failure}");
            }
        }
    }
    eprintln!("{read} read in part, {refused} refused");
    assert!(read > refused && refused > 0);
}

#[test]
fn five_hundred_broken_files_are_survived() {
    survive(0..500);
}

#[test]
#[ignore = "long: CITELINK_MUTATIONS says how many files (20,000 without it)"]
fn many_broken_files_are_survived() {
    let files = std::env::var("CITELINK_MUTATIONS").ok().and_then(|files| files.parse().ok()).unwrap_or(20_000);
    survive(1_000..1_000 + files);
}

fn citelink(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_citelink")).args(arguments).output().unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn eda_prints_one_document() {
    let (_folder, path) = file("sample.jsonl", sample_dataset_bytes());
    let output = citelink(&["eda", path.to_str().unwrap(), "--json"]);
    assert!(output.status.success() && output.stderr.is_empty());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        keys(&report),
        ["rows", "rejected", "labels", "missing", "sentence_words", "ref_text_chars", "papers", "clean", "lint"]
    );
    assert_eq!(keys(&report["clean"]), ["rows", "dropped", "labels", "ref_block_chars", "class_weights"]);
    assert_eq!(keys(&report["sentence_words"]), ["mean", "median", "max"]);
    assert_eq!(keys(&report["lint"][0]), ["kind", "count", "lines"]);
    assert_eq!(report["rejected"][0], serde_json::json!({"line": 65, "reason": "label must be 0 or 1, not \"maybe\""}));
    assert_eq!(report["labels"], serde_json::json!({"0": 54, "1": 29}));

    let table = citelink(&["eda", path.to_str().unwrap()]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("Contradictory labels") && table.contains("line 65: label must be 0 or 1"), "{table}");
}

#[test]
fn split_prints_one_document() {
    let (_folder, path) = file("sample.jsonl", sample_dataset_bytes());
    let path = path.to_str().unwrap();
    let output = citelink(&["split", path, "--json"]);
    assert!(output.status.success() && output.stderr.is_empty());
    let split: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(keys(&split), ["train", "validation", "test", "class_weights"]);
    assert_eq!(keys(&split["test"]), ["papers", "rows", "labels"]);
    let papers = |part: &str| split[part]["papers"].as_array().unwrap().clone();
    assert_eq!([papers("train").len(), papers("validation").len(), papers("test").len()], [16, 3, 5]);
    let all = [papers("train"), papers("validation"), papers("test")].concat();
    assert!(all.contains(&serde_json::json!(9001)) && all.contains(&serde_json::json!("9032")));

    let other = citelink(&["split", path, "--seed", "7", "--train", "0.5", "--validation", "0.25", "--json"]);
    let other: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(other["train"]["papers"].as_array().unwrap().len(), 12);
}

#[test]
fn commands_say_what_is_wrong() {
    let absent = citelink(&["eda", "/nowhere/at/all.jsonl", "--json"]);
    let message = String::from_utf8(absent.stderr).unwrap();
    assert_eq!((absent.status.code(), absent.stdout.len(), message.lines().count()), (Some(1), 0, 1));
    assert!(message.contains("/nowhere/at/all.jsonl"), "{message}");

    let (_folder, path) = file("empty.jsonl", b"");
    let empty = citelink(&["split", path.to_str().unwrap()]);
    let message = String::from_utf8(empty.stderr).unwrap();
    assert_eq!((empty.status.code(), message.lines().count()), (Some(1), 1));
    assert!(message.contains("has no usable line"), "{message}");

    let (_folder, path) = file("sample.jsonl", sample_dataset_bytes());
    let fractions = citelink(&["split", path.to_str().unwrap(), "--train", "0.9", "--validation", "0.2"]);
    assert_eq!(fractions.status.code(), Some(1));
    assert_eq!(citelink(&["eda"]).status.code(), Some(2));
    assert_eq!(citelink(&["split", "x", "--seed", "-1"]).status.code(), Some(2));
}
