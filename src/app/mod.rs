//! The window: four pages in the order of the work.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the application's state and its frame |
//! | `shared.rs` | what every page may use: the loaded dataset, messages, the command queue, remembered settings |
//! | `command.rs` | every user action, with label, tooltip, shortcut and palette entry |
//! | `job.rs` | work off the frame, with progress and cancel |
//! | `theme.rs` | colours, spacing, fonts |
//! | `pages/` | Dataset, Train, Threshold, Check |
//! | `widgets/` | what more than one page draws |

pub mod command;
pub mod job;
pub mod pages;
pub mod shared;
pub mod theme;
pub mod widgets;

use command::Command;
use pages::{CheckPage, DatasetPage, Page, ThresholdPage, TrainPage};
use shared::Shared;
use std::path::PathBuf;

/// The application.
pub struct CitelinkApp {
    shared: Shared,
    dataset: DatasetPage,
    train: TrainPage,
    threshold: ThresholdPage,
    check: CheckPage,
}

impl CitelinkApp {
    /// The application in a context, opening `paths` first.
    #[must_use]
    pub fn new(context: &egui::Context, paths: Vec<PathBuf>) -> Self {
        theme::apply(context);
        let mut shared = Shared::new(context.clone());
        for path in paths {
            shared.send(Command::OpenPath(path));
        }
        Self {
            dataset: DatasetPage::new(&shared),
            train: TrainPage::new(&shared),
            threshold: ThresholdPage::new(&shared),
            check: CheckPage::new(&shared),
            shared,
        }
    }

    /// Handles queued commands and results of jobs; draws nothing. Runs even while the window is hidden.
    pub fn update(&mut self) {
        while let Some(command) = self.shared.next_command() {
            if let Command::ShowPage(page) = command {
                self.shared.page = page;
            }
            self.dataset.handle(&command, &mut self.shared);
            self.train.handle(&command, &mut self.shared);
            self.threshold.handle(&command, &mut self.shared);
            self.check.handle(&command, &mut self.shared);
        }
        self.dataset.update(&mut self.shared);
        self.train.update(&mut self.shared);
        self.threshold.update(&mut self.shared);
        self.check.update(&mut self.shared);
    }

    /// Draws the frame.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        match self.shared.page {
            Page::Dataset => self.dataset.show(ui, &mut self.shared),
            Page::Train => self.train.show(ui, &mut self.shared),
            Page::Threshold => self.threshold.show(ui, &mut self.shared),
            Page::Check => self.check.show(ui, &mut self.shared),
        }
    }
}

impl eframe::App for CitelinkApp {
    fn logic(&mut self, _context: &egui::Context, _frame: &mut eframe::Frame) {
        self.update();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }
}

/// Opens the window and runs until it is closed.
///
/// # Errors
/// Where no window can be opened.
pub fn run(paths: Vec<PathBuf>) -> anyhow::Result<()> {
    let options = eframe::NativeOptions::default();
    eframe::run_native(
        "Citelink",
        options,
        Box::new(|creation| Ok(Box::new(CitelinkApp::new(&creation.egui_ctx, paths)))),
    )
    .map_err(|failure| anyhow::anyhow!("cannot open a window: {failure}"))
}
