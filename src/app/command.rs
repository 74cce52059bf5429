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
    /// Set up a training on the Train page.
    NewRun,
    /// Set up a comparison of several trainings.
    ShowGrid,
    /// A grid's folder: show it on the Train page.
    OpenGrid(PathBuf),
    /// Choose the base model's folder in the system's dialog.
    ChooseBaseFolder,
    /// Fetch the base model from the hub.
    DownloadBase,
    /// Stop fetching it.
    CancelDownload,
    /// Choose the folder that runs go to in the system's dialog.
    ChooseRunsFolder,
    /// Put the hyperparameters back to the notebook's.
    ResetHyperparameters,
    /// Start a training with what the form says.
    StartTraining,
    /// Start a grid with what its form says.
    StartGrid,
    /// Ask a run, or a grid, to checkpoint and stop.
    StopRun(PathBuf),
    /// Go on with a run, or a grid.
    ResumeRun(PathBuf),
    /// Show or hide what a run's process printed.
    ShowRunLog(PathBuf),
    /// Copy a path to the clipboard.
    CopyPath(PathBuf),
    /// Read the list of runs again.
    RefreshRuns,
    /// Close the window and let its runs go on.
    LeaveRunsAndClose,
    /// Ask the runs to stop, and close the window.
    StopRunsAndClose,
    /// Do not close the window after all.
    KeepOpen,
    /// Check the candidates of one sentence of the loaded dataset (positions among its records).
    CheckRows(Vec<usize>),
    /// Check the example sentence.
    CheckExample,
    /// Take the sentence and all candidates away.
    ClearCheck,
    /// Take back the last change of the sentence and its candidates that was more than typing.
    UndoCheck,
    /// Add an empty candidate to fill in.
    AddCandidate,
    /// Choose JSON lines of references in the system's dialog.
    OpenReferences,
    /// Choose a sentence of the loaded dataset to check.
    TakeFromDataset,
    /// Choose the folder of the model that checks, in the system's dialog.
    ChooseModelFolder,
    /// Copy the ranking.
    CopyRanking(CopyFormat),
    /// Score the loaded dataset, or the sample, with the bundled model and look at the predictions.
    ScoreWithBundled,
    /// Save the threshold in the run's best model.
    SaveThreshold,
    /// Save the threshold in a model folder that the user chooses.
    SaveThresholdIn,
    /// A model folder has a new threshold.
    ThresholdSaved(PathBuf),
    /// Copy the figures at the threshold as text.
    CopyFigures,
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

/// How a ranking is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// To be read.
    Text,
    /// For a spreadsheet.
    Csv,
    /// For a program; as `citelink check --json` writes it.
    Json,
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
        Self::NewRun,
        Self::ShowGrid,
        Self::StartTraining,
        Self::StartGrid,
        Self::DownloadBase,
        Self::CancelDownload,
        Self::ResetHyperparameters,
        Self::ChooseBaseFolder,
        Self::ChooseRunsFolder,
        Self::RefreshRuns,
        Self::CheckExample,
        Self::AddCandidate,
        Self::OpenReferences,
        Self::TakeFromDataset,
        Self::ChooseModelFolder,
        Self::ClearCheck,
        Self::UndoCheck,
        Self::CopyRanking(CopyFormat::Text),
        Self::CopyRanking(CopyFormat::Csv),
        Self::CopyRanking(CopyFormat::Json),
        Self::ScoreWithBundled,
        Self::SaveThreshold,
        Self::SaveThresholdIn,
        Self::CopyFigures,
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
            Self::Open => {
                (fixed("Open…"), fixed("Open a dataset (.jsonl) or a predictions file (.csv)"), control(Key::O))
            }
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
            Self::NewRun => (fixed("New training run"), fixed("Set up a training of one model"), None),
            Self::ShowGrid => {
                (fixed("Compare settings…"), fixed("Train several learning rates and epochs, and compare them"), None)
            }
            Self::OpenGrid(path) => (named(path), place(path), None),
            Self::ChooseBaseFolder => {
                (fixed("Choose a base model…"), fixed("A folder with config.json, weights and vocabulary"), None)
            }
            Self::DownloadBase => (
                fixed("Download the base model"),
                fixed("Fetch it once from the Hugging Face hub; the only request that Citelink ever sends"),
                None,
            ),
            Self::CancelDownload => {
                (fixed("Cancel the download"), fixed("What was fetched is kept for the next time"), None)
            }
            Self::ChooseRunsFolder => {
                (fixed("Choose where runs are kept…"), fixed("The folder that new runs go to"), None)
            }
            Self::ResetHyperparameters => {
                (fixed("Reset the settings"), fixed("Put the settings of the training back to their defaults"), None)
            }
            Self::StartTraining => (
                fixed("Start training"),
                fixed("Start the training in a process of its own"),
                Some(KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter)),
            ),
            Self::StartGrid => (fixed("Start the grid"), fixed("Start all these trainings, one after the other"), None),
            Self::StopRun(_) => (fixed("Stop"), fixed("Save a checkpoint after the present step, and stop"), None),
            Self::ResumeRun(_) => (fixed("Resume"), fixed("Go on from the last checkpoint"), None),
            Self::ShowRunLog(_) => {
                (fixed("Show or hide the log"), fixed("What the training process printed (citelink.log)"), None)
            }
            Self::CopyPath(path) => (fixed("Copy the path"), place(path), None),
            Self::RefreshRuns => (fixed("Refresh the list of runs"), fixed("Read the runs folder again"), None),
            Self::LeaveRunsAndClose => {
                (fixed("Leave runs running and quit"), fixed("They go on in the background"), None)
            }
            Self::StopRunsAndClose => {
                (fixed("Stop runs and quit"), fixed("They save a checkpoint and can be resumed"), None)
            }
            Self::KeepOpen => (fixed("Keep the window open"), fixed("Do not quit after all"), None),
            Self::CheckRows(_) => {
                (fixed("Check these candidates"), fixed("Rank the candidates of this sentence with a model"), None)
            }
            Self::CheckExample => {
                (fixed("Check an example"), fixed("A sentence with candidates to try the Check page with"), None)
            }
            Self::ClearCheck => {
                (fixed("Clear sentence and candidates"), fixed("Take the sentence and all candidates away"), None)
            }
            Self::UndoCheck => (
                fixed("Undo on the Check page"),
                fixed("Take back the last clearing, adding, removing or joining of candidates"),
                None,
            ),
            Self::AddCandidate => {
                (fixed("Add one"), fixed("Add a candidate and type its title, authors and text"), None)
            }
            Self::OpenReferences => (
                fixed("From a file…"),
                fixed("Add references from JSON lines with ref_paper_title, ref_paper_authors and ref_paper_text"),
                None,
            ),
            Self::TakeFromDataset => (
                fixed("From the dataset…"),
                fixed("Take a sentence of the loaded dataset with its candidates and their labels"),
                None,
            ),
            Self::ChooseModelFolder => {
                (fixed("Choose a model folder…"), fixed("Check with a saved model, such as a run's best"), None)
            }
            Self::CopyRanking(format) => match format {
                CopyFormat::Text => (fixed("Copy as text"), fixed("Copy the ranking to be read"), None),
                CopyFormat::Csv => (fixed("Copy as CSV"), fixed("Copy the ranking for a spreadsheet"), None),
                CopyFormat::Json => {
                    (fixed("Copy as JSON"), fixed("Copy the ranking as citelink check --json writes it"), None)
                }
            },
            Self::ScoreWithBundled => (
                fixed("Score with the bundled model"),
                fixed("Score the loaded dataset, or the sample, and look at the predictions on the Threshold page"),
                None,
            ),
            Self::SaveThreshold => (
                fixed("Save threshold"),
                fixed("Write the threshold into the inference_config.json of the run's best model"),
                control(Key::S),
            ),
            Self::SaveThresholdIn => (
                fixed("Save threshold in a model folder…"),
                fixed("Write the threshold into the inference_config.json of a model folder"),
                None,
            ),
            Self::ThresholdSaved(path) => (fixed("Use the saved threshold"), place(path), None),
            Self::CopyFigures => (fixed("Copy figures"), fixed("Copy the figures at the threshold as text"), None),
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
