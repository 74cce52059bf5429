//! What a path is: a dataset, a saved model, a run folder or predictions.

use super::command::Command;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What kinds of files the Open dialog offers.
pub const FILTERS: &[(&str, &[&str])] = &[
    ("Datasets and predictions", &["jsonl", "ndjson", "json", "csv"]),
    ("Datasets", &["jsonl", "ndjson", "json"]),
    ("Predictions", &["csv"]),
    ("All files", &["*"]),
];

/// Looks at the path and says what to do with it.
///
/// # Errors
/// What was found instead, for the user.
pub fn recognise(path: &Path) -> Result<Command, String> {
    let shown = path.display();
    let kind = std::fs::metadata(path).map_err(|failure| format!("Cannot open {shown}: {failure}"))?;
    if kind.is_dir() {
        return recognise_folder(path).ok_or_else(|| {
            format!(
                "{shown} is neither a saved model (it has no config.json) nor a run folder (it has no run.json): \
                 open a folder that has one of them, or a dataset"
            )
        });
    }
    if let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        && ["run.json", "events.jsonl", "config.json", "model.safetensors", "inference_config.json"].contains(&name)
        && let Some(command) = recognise_folder(folder)
    {
        return Ok(command);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "jsonl" | "ndjson" | "json" => Ok(Command::OpenDataset(path.to_owned())),
        "csv" => Ok(Command::ShowThreshold(path.to_owned())),
        _ if starts_as_json(path) => Ok(Command::OpenDataset(path.to_owned())),
        _ => Err(format!(
            "{shown} is nothing that Citelink opens: expected a dataset (.jsonl), predictions (.csv), a saved model \
             or a run folder"
        )),
    }
}

fn recognise_folder(folder: &Path) -> Option<Command> {
    if folder.join("run.json").is_file() {
        Some(Command::OpenRun(folder.to_owned()))
    } else if folder.join("config.json").is_file() {
        Some(Command::OpenModel(folder.to_owned()))
    } else {
        None
    }
}

/// Whether the first character that is not white space opens a JSON object.
fn starts_as_json(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    read.is_ok() && start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The path that a user typed or pasted: quotes, a `file://` address and `~` are understood.
#[must_use]
pub fn pasted_path(text: &str) -> Option<PathBuf> {
    let text = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let text = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text);
    if let Some(address) = text.strip_prefix("file://") {
        let local = address.strip_prefix("localhost").unwrap_or(address);
        return Some(PathBuf::from(without_percents(local)));
    }
    if let Some(rest) = text.strip_prefix("~/")
        && let Some(folders) = directories::UserDirs::new()
    {
        return Some(folders.home_dir().join(rest));
    }
    Some(PathBuf::from(text))
}

/// Replaces `%20` and its like; what is no such escape stays as it is.
fn without_percents(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let escape = (bytes[position] == b'%')
            .then(|| text.get(position + 1..position + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(bytes[position]));
        position += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The last part of a path.
#[must_use]
pub fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("data.jsonl"), "{}").unwrap();
        std::fs::write(at("data"), "\u{feff} \n{\"a\": 1}").unwrap();
        std::fs::write(at("validation.csv"), "").unwrap();
        std::fs::write(at("paper.pdf"), "%PDF").unwrap();
        std::fs::create_dir(at("run")).unwrap();
        std::fs::write(at("run").join("run.json"), "{}").unwrap();
        std::fs::write(at("run").join("events.jsonl"), "{}").unwrap();
        std::fs::create_dir(at("model")).unwrap();
        std::fs::write(at("model").join("config.json"), "{}").unwrap();
        std::fs::create_dir(at("empty")).unwrap();
        assert_eq!(recognise(&at("data.jsonl")), Ok(Command::OpenDataset(at("data.jsonl"))));
        assert_eq!(recognise(&at("data")), Ok(Command::OpenDataset(at("data"))));
        assert_eq!(recognise(&at("validation.csv")), Ok(Command::ShowThreshold(at("validation.csv"))));
        assert_eq!(recognise(&at("run")), Ok(Command::OpenRun(at("run"))));
        assert_eq!(recognise(&at("run").join("events.jsonl")), Ok(Command::OpenRun(at("run"))));
        assert_eq!(recognise(&at("model").join("config.json")), Ok(Command::OpenModel(at("model"))));
        for bad in ["paper.pdf", "empty", "missing"] {
            let message = recognise(&at(bad)).unwrap_err();
            assert!(message.contains(bad), "{message}");
        }
    }

    #[test]
    fn pasted_paths_are_understood() {
        assert_eq!(pasted_path("  \"/data/a b.jsonl\" "), Some(PathBuf::from("/data/a b.jsonl")));
        assert_eq!(pasted_path("\nfile:///data/a%20b.jsonl\n"), Some(PathBuf::from("/data/a b.jsonl")));
        assert_eq!(pasted_path("/data/100%.jsonl"), Some(PathBuf::from("/data/100%.jsonl")));
        assert_eq!(pasted_path(" \n "), None);
    }
}
