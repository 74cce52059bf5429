//! What the window remembers between starts; everything else lives only as long as the window.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Under which the settings stand in eframe's storage.
pub const STORAGE_KEY: &str = "citelink";

/// How many recent paths are remembered.
const RECENT: usize = 10;

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

impl From<ThemeChoice> for egui::ThemePreference {
    fn from(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::System => Self::System,
            ThemeChoice::Light => Self::Light,
            ThemeChoice::Dark => Self::Dark,
        }
    }
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Light or dark.
    pub theme: ThemeChoice,
    /// 1.0 is the size that the system asks for.
    pub zoom: f32,
    /// Paths opened last, newest first.
    pub recent: Vec<PathBuf>,
    /// What each page remembers, by its own key.
    pub pages: serde_json::Map<String, serde_json::Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: ThemeChoice::System, zoom: 1.0, recent: Vec::new(), pages: serde_json::Map::new() }
    }
}

impl Settings {
    /// Puts a path at the head of the recent ones.
    pub fn add_recent(&mut self, path: &Path) {
        // A relative path means nothing at the next start.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|known| *known != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }

    /// What a page remembered under `key`; None where it remembered nothing, or something of another shape.
    #[must_use]
    pub fn recall<T: serde::de::DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.pages.get(key)?.clone()).ok()
    }

    /// Remembers a page's value under `key`.
    pub fn remember(&mut self, key: &str, value: &impl Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.pages.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_paths_are_unique_newest_first_and_few() {
        let mut settings = Settings::default();
        for number in 0..20 {
            settings.add_recent(Path::new(&format!("/data/{number}.jsonl")));
        }
        settings.add_recent(Path::new("/data/15.jsonl"));
        assert_eq!(settings.recent.len(), RECENT);
        assert_eq!(settings.recent[0], Path::new("/data/15.jsonl"));
        assert_eq!(settings.recent[1], Path::new("/data/19.jsonl"));
    }

    #[test]
    fn settings_of_another_version_still_load() {
        let settings: Settings = serde_json::from_str(r#"{"theme": "Dark", "unknown": 3}"#).unwrap();
        assert_eq!(settings.theme, ThemeChoice::Dark);
        assert_eq!(settings.zoom, 1.0);
    }
}
