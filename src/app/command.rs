//! Every user action: what it is called, how it is explained, which keys reach it.
//!
//! To add one: a variant, its arm in [`Command::description`], and, where it needs no argument, its place in
//! [`Command::LISTED`], from which the palette and the keyboard take it.

use super::pages::Page;
use super::settings::ThemeChoice;
use egui::{Key, KeyboardShortcut, Modifiers};
use std::borrow::Cow;
use std::path::PathBuf;

/// One user action; what it is called and how it is reached stands in its methods.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Show a page.
    ShowPage(Page),
    /// Choose files to open in the system's dialog.
    Open,
    /// Choose a saved model or a run folder to open in the system's dialog.
    OpenFolder,
    /// Type or paste a path to open.
    PastePath,
    /// Open a dataset, a saved model, a run folder or predictions, whichever the path is.
    OpenPath(PathBuf),
    /// Open the bundled sample dataset.
    OpenSample,
    /// A path was found to be a dataset.
    OpenDataset(PathBuf),
    /// A path was found to be a saved model: check with it.
    OpenModel(PathBuf),
    /// A path was found to be a run folder.
    OpenRun(PathBuf),
    /// Forget which files were opened.
    ClearRecent,
    /// Go to the Train page with the loaded dataset.
    TrainOnDataset,
    /// Check the candidates of one sentence of the loaded dataset (positions among its records).
    CheckRows(Vec<usize>),
    /// Look at predictions on the Threshold page: a run folder, or a predictions file.
    ShowThreshold(PathBuf),
    /// Choose light, dark, or what the system has.
    SetTheme(ThemeChoice),
    /// Make everything larger.
    ZoomIn,
    /// Make everything smaller.
    ZoomOut,
    /// Everything at its own size.
    ZoomReset,
    /// The window over the whole screen, or back.
    ToggleFullScreen,
    /// Search for an action by its name.
    ShowPalette,
    /// What this program is, and its keys.
    ShowAbout,
    /// Dismiss all messages.
    DismissMessages,
    /// Close the window; pages with unfinished work may ask first.
    Close,
    /// Close the window without asking: a page has asked already.
    CloseNow,
}

/// How a command is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// On buttons and in the palette.
    pub label: Cow<'static, str>,
    /// One sentence more.
    pub tooltip: Cow<'static, str>,
    /// The keys that reach it.
    pub shortcut: Option<KeyboardShortcut>,
}

impl Command {
    /// The commands that need no argument, in the palette's order.
    pub const LISTED: &[Self] = &[
        Self::ShowPage(Page::Dataset),
        Self::ShowPage(Page::Train),
        Self::ShowPage(Page::Threshold),
        Self::ShowPage(Page::Check),
        Self::Open,
        Self::OpenFolder,
        Self::PastePath,
        Self::OpenSample,
        Self::TrainOnDataset,
        Self::ClearRecent,
        Self::SetTheme(ThemeChoice::System),
        Self::SetTheme(ThemeChoice::Light),
        Self::SetTheme(ThemeChoice::Dark),
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::ToggleFullScreen,
        Self::DismissMessages,
        Self::ShowPalette,
        Self::ShowAbout,
        Self::Close,
    ];

    /// Label, tooltip and shortcut.
    #[must_use]
    pub fn description(&self) -> Description {
        let control = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        let named = |path: &PathBuf| Cow::Owned(format!("Open {}", super::open::short_name(path)));
        let place = |path: &PathBuf| Cow::Owned(path.display().to_string());
        let fixed = Cow::Borrowed;
        let (label, tooltip, shortcut) = match self {
            Self::ShowPage(page) => (
                Cow::Owned(format!("Go to {}", page.title())),
                fixed(page.purpose()),
                control(match page {
                    Page::Dataset => Key::Num1,
                    Page::Train => Key::Num2,
                    Page::Threshold => Key::Num3,
                    Page::Check => Key::Num4,
                }),
            ),
            Self::Open => (
                fixed("Open…"),
                fixed("Open a dataset (.jsonl) or a predictions file (.csv)"),
                control(Key::O),
            ),
            Self::OpenFolder => (
                fixed("Open folder…"),
                fixed("Open a saved model or a run folder"),
                Some(KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O)),
            ),
            Self::PastePath => (
                fixed("Open path…"),
                fixed("Type or paste the path of a dataset, a saved model, a run folder or a predictions file"),
                control(Key::L),
            ),
            Self::OpenSample => (
                fixed("Open the sample dataset"),
                fixed("A small dataset that comes with the program, to try every page with"),
                None,
            ),
            Self::OpenPath(path) | Self::OpenDataset(path) | Self::OpenModel(path) | Self::OpenRun(path) => {
                (named(path), place(path), None)
            }
            Self::ClearRecent => (fixed("Clear recent files"), fixed("Forget which files were opened"), None),
            Self::TrainOnDataset => {
                (fixed("Train on this dataset"), fixed("Fine-tune a model on the loaded dataset"), None)
            }
            Self::CheckRows(_) => {
                (fixed("Check these candidates"), fixed("Rank the candidates of this sentence with a model"), None)
            }
            Self::ShowThreshold(path) => (fixed("Choose a threshold"), place(path), None),
            Self::SetTheme(choice) => (
                fixed(match choice {
                    ThemeChoice::System => "Colours: as the system",
                    ThemeChoice::Light => "Colours: light",
                    ThemeChoice::Dark => "Colours: dark",
                }),
                fixed("Light or dark"),
                None,
            ),
            Self::ZoomIn => (fixed("Zoom in"), fixed("Make everything larger"), control(Key::Plus)),
            Self::ZoomOut => (fixed("Zoom out"), fixed("Make everything smaller"), control(Key::Minus)),
            Self::ZoomReset => (fixed("Actual size"), fixed("Undo zooming"), control(Key::Num0)),
            Self::ToggleFullScreen => {
                (fixed("Full screen"), fixed("Fill the screen with the window, or go back"), plain(Key::F11))
            }
            Self::ShowPalette => (fixed("Search actions…"), fixed("Find any action by its name"), control(Key::K)),
            Self::ShowAbout => {
                (fixed("About and keyboard shortcuts"), fixed("What Citelink is, and its keys"), plain(Key::F1))
            }
            Self::DismissMessages => (fixed("Dismiss messages"), fixed("Put all messages away"), None),
            Self::Close | Self::CloseNow => (fixed("Quit"), fixed("Close the window"), control(Key::Q)),
        };
        Description { label, tooltip, shortcut }
    }

    /// Keys that also reach a command, beside the shortcut of its description.
    pub(super) const OTHER_SHORTCUTS: &[(KeyboardShortcut, Self)] =
        &[(KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals), Self::ZoomIn)];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn labels_and_shortcuts_are_unique() {
        let mut labels = HashSet::new();
        let mut shortcuts = HashSet::new();
        for command in Command::LISTED {
            let description = command.description();
            assert!(labels.insert(description.label.to_string()), "{description:?}");
            assert!(!description.tooltip.is_empty() && !description.tooltip.ends_with('.'), "{description:?}");
            if let Some(shortcut) = description.shortcut {
                assert!(shortcuts.insert(shortcut), "{description:?}");
            }
        }
    }
}
