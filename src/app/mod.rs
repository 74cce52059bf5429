//! The window: four pages in the order of the work.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the application's state and its frame |
//! | `shared.rs` | what every page may use: the loaded dataset, messages, the command queue, saving files |
//! | `settings.rs` | what is remembered between starts |
//! | `command.rs` | every user action, with label, tooltip, shortcut and palette entry |
//! | `open.rs` | what a path is: dataset, model, run or predictions |
//! | `dialogs.rs` | the system's file dialogs, off the frame |
//! | `job.rs` | work off the frame, with progress and cancel |
//! | `messages.rs` | errors and notes |
//! | `top_bar.rs`, `palette.rs`, `paste_path.rs`, `about.rs`, `drop_zone.rs` | what lies around and above the pages |
//! | `theme.rs`, `fonts.rs` | colours, spacing, type |
//! | `caret.rs`, `focus.rs` | when a caret blinks; where the keyboard is |
//! | `start.rs`, `crash.rs` | opening the window; what happens when that or anything else fails |
//! | `timing.rs` | what a start and a frame cost |
//! | `pages/` | Dataset, Train, Threshold, Check |
//! | `widgets/` | what more than one page draws |

mod about;
mod caret;
pub mod command;
mod crash;
pub mod dialogs;
mod drop_zone;
pub mod focus;
pub mod fonts;
pub mod job;
mod messages;
pub mod open;
pub mod pages;
mod palette;
mod paste_path;
pub mod settings;
pub mod shared;
mod start;
pub mod theme;
pub mod timing;
mod top_bar;
pub mod widgets;

pub use start::run;

use command::Command;
use job::Job;
use pages::{CheckPage, CloseDecision, DatasetPage, Page, ThresholdPage, TrainPage};
use settings::Settings;
use shared::Shared;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Commands are handled for at most this long before the next frame is drawn.
const HANDLING: Duration = Duration::from_millis(10);

/// The application.
pub struct CitelinkApp {
    shared: Shared,
    dataset: DatasetPage,
    train: TrainPage,
    threshold: ThresholdPage,
    check: CheckPage,
    palette: palette::CommandPalette,
    paste_path: paste_path::PastePath,
    about: bool,
    closing: bool,
    caret: caret::Caret,
    ring: focus::FocusRing,
    times: timing::FrameTimes,
    /// Files and folders that the user is choosing.
    choosing: Vec<Job<Vec<PathBuf>>>,
    choosing_folder: Option<Job<Option<PathBuf>>>,
    /// Paths being looked at.
    recognising: Vec<Job<Command>>,
}

impl CitelinkApp {
    /// The application in a context, opening `paths` first.
    #[must_use]
    pub fn new(context: &egui::Context, paths: Vec<PathBuf>) -> Self {
        Self::with_settings(context, Settings::default(), paths)
    }

    /// The application as it was left.
    #[must_use]
    pub fn with_settings(context: &egui::Context, settings: Settings, paths: Vec<PathBuf>) -> Self {
        theme::apply(context);
        context.set_theme(egui::ThemePreference::from(settings.theme));
        if (0.5..=3.0).contains(&settings.zoom) {
            context.set_zoom_factor(settings.zoom);
        }
        // The same keys are commands of ours, so that the palette and the shortcut list know them.
        context.options_mut(|options| options.zoom_with_keyboard = false);
        let mut shared = Shared::new(context.clone());
        shared.settings = settings;
        for path in paths {
            shared.send(Command::OpenPath(path));
        }
        Self {
            dataset: DatasetPage::new(&shared),
            train: TrainPage::new(&shared),
            threshold: ThresholdPage::new(&shared),
            check: CheckPage::new(&shared),
            palette: palette::CommandPalette::default(),
            paste_path: paste_path::PastePath::default(),
            about: false,
            closing: false,
            caret: caret::Caret::default(),
            ring: focus::FocusRing::default(),
            times: timing::FrameTimes::default(),
            choosing: Vec::new(),
            choosing_folder: None,
            recognising: Vec::new(),
            shared,
        }
    }

    /// What the pages share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the pages share; commands sent here are handled before the next frame.
    pub fn shared_mut(&mut self) -> &mut Shared {
        &mut self.shared
    }

    /// Handles queued commands and results of jobs; draws nothing. Runs even while the window is hidden.
    pub fn update(&mut self) {
        let started = Instant::now();
        while started.elapsed() < HANDLING
            && let Some(command) = self.shared.next_command()
        {
            self.handle(&command);
            self.dataset.handle(&command, &mut self.shared);
            self.train.handle(&command, &mut self.shared);
            self.threshold.handle(&command, &mut self.shared);
            self.check.handle(&command, &mut self.shared);
        }
        if self.shared.has_commands() {
            self.shared.context.request_repaint();
        }
        self.poll_opening();
        self.shared.update();
        self.dataset.update(&mut self.shared);
        self.train.update(&mut self.shared);
        self.threshold.update(&mut self.shared);
        self.check.update(&mut self.shared);
    }

    /// The shell's part of a command.
    fn handle(&mut self, command: &Command) {
        let context = self.shared.context.clone();
        match command {
            Command::ShowPage(page) => self.shared.page = *page,
            Command::Open => {
                let dialog = self.shared.dialogs.open_files(&context, "Open", open::FILTERS);
                self.choosing.push(dialog);
            }
            Command::OpenFolder => {
                let dialog = self.shared.dialogs.open_folder(&context, "Open a saved model or a run folder");
                self.choosing_folder = Some(dialog);
            }
            Command::PastePath => self.paste_path.open(),
            Command::OpenPath(path) => {
                let path = path.clone();
                self.recognising.push(Job::start(&context, "look at path", move |_| open::recognise(&path)));
            }
            Command::OpenDataset(path) => {
                self.shared.settings.add_recent(path);
                self.shared.page = Page::Dataset;
            }
            Command::OpenModel(path) => {
                self.shared.settings.add_recent(path);
                self.shared.page = Page::Check;
            }
            Command::OpenRun(path) => {
                self.shared.settings.add_recent(path);
                self.shared.page = Page::Train;
            }
            Command::ShowThreshold(_)
            | Command::ScoreWithBundled
            | Command::SaveThreshold
            | Command::SaveThresholdIn
            | Command::CopyFigures => {
                self.shared.page = Page::Threshold;
            }
            Command::CheckExample
            | Command::CheckRows(_)
            | Command::ClearCheck
            | Command::UndoCheck
            | Command::AddCandidate
            | Command::OpenReferences
            | Command::TakeFromDataset
            | Command::ChooseModelFolder
            | Command::CopyRanking(_) => self.shared.page = Page::Check,
            Command::OpenSample => self.shared.page = Page::Dataset,
            Command::TrainOnDataset => self.shared.page = Page::Train,
            Command::ClearRecent => self.shared.settings.recent.clear(),
            Command::SetTheme(choice) => {
                self.shared.settings.theme = *choice;
                context.set_theme(egui::ThemePreference::from(*choice));
            }
            Command::ZoomIn => self.zoom(context.zoom_factor() + 0.1),
            Command::ZoomOut => self.zoom(context.zoom_factor() - 0.1),
            Command::ZoomReset => self.zoom(1.0),
            Command::ToggleFullScreen => {
                let full = context.input(|input| input.viewport().fullscreen.unwrap_or(false));
                context.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
            }
            Command::ShowPalette => self.palette.toggle(),
            Command::ShowAbout => self.about = true,
            Command::DismissMessages => self.shared.messages.clear(),
            Command::Close => context.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::CloseNow => {
                self.closing = true;
                context.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            // The rest is the pages' own.
            _ => {}
        }
    }

    fn zoom(&mut self, factor: f32) {
        let factor = ((factor * 10.0).round() / 10.0).clamp(0.5, 3.0);
        self.shared.settings.zoom = factor;
        self.shared.context.set_zoom_factor(factor);
    }

    /// Paths that were chosen or looked at.
    fn poll_opening(&mut self) {
        let shared = &mut self.shared;
        self.choosing.retain_mut(|job| match job.poll() {
            None => true,
            Some(Ok(paths)) => {
                for path in paths {
                    shared.send(Command::OpenPath(path));
                }
                false
            }
            Some(Err(failure)) => {
                shared.error(failure);
                false
            }
        });
        if let Some(job) = &mut self.choosing_folder
            && let Some(result) = job.poll()
        {
            self.choosing_folder = None;
            match result {
                Ok(Some(path)) => shared.send(Command::OpenPath(path)),
                Ok(None) => {}
                Err(failure) => shared.error(failure),
            }
        }
        self.recognising.retain_mut(|job| match job.poll() {
            None => true,
            Some(Ok(command)) => {
                shared.send(command);
                false
            }
            Some(Err(failure)) => {
                shared.error(failure);
                false
            }
        });
    }

    /// Whether a command can be used now.
    fn available(&self, command: &Command) -> bool {
        match command {
            Command::ClearRecent if self.shared.settings.recent.is_empty() => return false,
            Command::TrainOnDataset if self.shared.dataset.is_none() => return false,
            _ => {}
        }
        self.dataset.available(command, &self.shared)
            && self.train.available(command, &self.shared)
            && self.threshold.available(command, &self.shared)
            && self.check.available(command, &self.shared)
    }

    /// Turns keys into commands.
    fn take_shortcuts(&mut self, ui: &egui::Ui) {
        let listed = Command::LISTED.iter().filter_map(|command| Some((command.description().shortcut?, command)));
        let others = Command::OTHER_SHORTCUTS.iter().map(|(shortcut, command)| (*shortcut, command));
        let mut shortcuts: Vec<_> = listed.chain(others).collect();
        // Ctrl+Shift+O also matches Ctrl+O, so the longer one is asked first.
        shortcuts.sort_by_key(|(shortcut, _)| !shortcut.modifiers.shift);
        for (shortcut, command) in shortcuts {
            if self.available(command) && ui.input_mut(|input| input.consume_shortcut(&shortcut)) {
                self.shared.send(command.clone());
            }
        }
    }

    /// Draws the frame.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        self.take_shortcuts(ui);
        self.ring.pass_edges(ui.ctx());
        top_bar::show(ui, &mut self.shared);
        self.shared.messages.show_errors(ui);
        match self.shared.page {
            Page::Dataset => self.dataset.show(ui, &mut self.shared),
            Page::Train => self.train.show(ui, &mut self.shared),
            Page::Threshold => self.threshold.show(ui, &mut self.shared),
            Page::Check => self.check.show(ui, &mut self.shared),
        }
        self.shared.messages.show_notes(ui);
        if self.about {
            self.about = about::show(ui);
        }
        if let Some(path) = self.paste_path.show(ui) {
            self.shared.send(Command::OpenPath(path));
        }
        let recent = self.shared.settings.recent.iter().map(|path| Command::OpenPath(path.clone()));
        let commands: Vec<Command> =
            Command::LISTED.iter().filter(|command| self.available(command)).cloned().chain(recent).collect();
        if let Some(command) = self.palette.show(ui, &commands) {
            self.shared.send(command);
        }
        for path in drop_zone::show(ui) {
            self.shared.send(Command::OpenPath(path));
        }
        self.ring.show(ui);
    }

    /// Whether the window may close; where it may not, a page asks the user.
    fn may_close(&mut self) -> bool {
        if self.closing {
            return true;
        }
        // All pages are asked, so that each can take notice.
        let decisions = [
            self.dataset.closing(&mut self.shared),
            self.train.closing(&mut self.shared),
            self.threshold.closing(&mut self.shared),
            self.check.closing(&mut self.shared),
        ];
        decisions.iter().all(|decision| *decision == CloseDecision::Close)
    }
}

impl eframe::App for CitelinkApp {
    fn logic(&mut self, context: &egui::Context, _frame: &mut eframe::Frame) {
        if context.input(|input| input.viewport().close_requested()) && !self.may_close() {
            context.send_viewport_cmd(egui::ViewportCommand::CancelClose);
        }
        self.update();
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.times.begin(ui.ctx(), frame);
        self.caret.update(ui.ctx());
        self.show(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, settings::STORAGE_KEY, &self.shared.settings);
    }

    fn persist_egui_memory(&self) -> bool {
        // Scroll positions and folded sections are alive only as long as the window.
        false
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
