//! What every page may use.

use super::command::Command;
use super::dialogs::Dialogs;
use super::job::Job;
use super::messages::Messages;
use super::pages::Page;
use super::settings::Settings;
use crate::dataset::{Cleaning, Dataset, SplitSettings};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// State that belongs to no single page.
#[derive(Debug)]
pub struct Shared {
    /// The page on screen.
    pub page: Page,
    /// The loaded dataset (set by the Dataset page).
    pub dataset: Option<Arc<Dataset>>,
    /// How the loaded dataset is split (set on the Dataset page; training uses the same).
    pub split: SplitSettings,
    /// Which rows of the loaded dataset are kept (set on the Dataset page; training uses the same).
    pub cleaning: Cleaning,
    /// The base model chosen for training, as the user named it (set by the Train page).
    pub base: Option<String>,
    /// The model that checks sentences, for the top bar (set by the Check page).
    pub model_name: Option<String>,
    /// For starting jobs: every message of a job wakes this window.
    pub context: egui::Context,
    /// What is remembered between starts.
    pub settings: Settings,
    /// The system's file dialogs.
    pub dialogs: Dialogs,
    /// Errors and notes on screen.
    pub(super) messages: Messages,
    commands: VecDeque<Command>,
    saving: Vec<Saving>,
    screenshots: Vec<(String, Receiver<Vec<u8>>)>,
}

/// Makes the bytes of a file, off the frame.
type Contents = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// A file on its way to the disk.
enum Saving {
    /// The user chooses where.
    Asking(Job<Option<PathBuf>>, Option<Contents>),
    /// The file is written.
    Writing(Job<PathBuf>),
}

impl std::fmt::Debug for Saving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Asking(..) => "Asking",
            Self::Writing(_) => "Writing",
        })
    }
}

impl Shared {
    /// The state at start.
    #[must_use]
    pub fn new(context: egui::Context) -> Self {
        Self {
            page: Page::Dataset,
            dataset: None,
            split: SplitSettings::default(),
            cleaning: Cleaning::default(),
            base: None,
            model_name: None,
            context,
            settings: Settings::default(),
            dialogs: Dialogs::default(),
            messages: Messages::default(),
            commands: VecDeque::new(),
            saving: Vec::new(),
            screenshots: Vec::new(),
        }
    }

    /// Queues an action; it is handled before the next frame is drawn.
    pub fn send(&mut self, command: Command) {
        self.commands.push_back(command);
        self.context.request_repaint();
    }

    /// The next queued action.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Whether actions wait.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Shows an error until the user dismisses it: what happened, where, and what to do.
    pub fn error(&mut self, text: impl Into<String>) {
        self.messages.error(text.into());
        self.context.request_repaint();
    }

    /// Shows a note for a few seconds: something was done.
    pub fn info(&mut self, text: impl Into<String>) {
        self.messages.note(text.into());
        self.context.request_repaint();
    }

    /// The errors on screen, oldest first.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.messages.errors()
    }

    /// Asks where to save, then makes the file's bytes and writes them, both off the frame. `file_name` is the proposed
    /// name with its ending. A note says where the file is; a failure is shown as an error.
    pub fn save_file(&mut self, file_name: &str, contents: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) {
        let title = format!("Save {file_name}");
        let asking = self.dialogs.save_file(&self.context, &title, file_name);
        self.saving.push(Saving::Asking(asking, Some(Box::new(contents))));
    }

    /// Copies text and says so; `what` names it in a note such as “The table was copied”.
    pub fn copy(&mut self, what: &str, text: impl Into<String>) {
        self.context.copy_text(text.into());
        self.info(format!("{what} was copied"));
    }

    /// Saves what the window shows inside `area` (in points) as a PNG, once the next frame is drawn.
    pub fn save_picture(&mut self, file_name: &str, area: egui::Rect) {
        let (sender, receiver) = sync_channel(1);
        let context = self.context.clone();
        let pixels_per_point = context.pixels_per_point();
        self.context.request_screenshot(move |image| {
            let encode = move || {
                let picture = image.region(&area, Some(pixels_per_point));
                // A picture that cannot be encoded drops the sender, which `update` reports.
                if let Ok(png) = super::widgets::export::png(&picture) {
                    let _ = sender.send(png);
                }
                context.request_repaint();
            };
            // Without a thread the sender is dropped, which `update` reports.
            let _ = std::thread::Builder::new().name("picture".to_owned()).spawn(encode);
        });
        self.screenshots.push((file_name.to_owned(), receiver));
    }

    /// Looks after files being saved.
    pub(super) fn update(&mut self) {
        for (file_name, receiver) in std::mem::take(&mut self.screenshots) {
            match receiver.try_recv() {
                Ok(png) => self.save_file(&file_name, move || Ok(png)),
                Err(std::sync::mpsc::TryRecvError::Empty) => self.screenshots.push((file_name, receiver)),
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    self.error(format!("{file_name} could not be made: the window's picture cannot be read here"));
                }
            }
        }
        for saving in std::mem::take(&mut self.saving) {
            match saving {
                Saving::Asking(mut job, mut contents) => match job.poll() {
                    None => self.saving.push(Saving::Asking(job, contents)),
                    Some(Ok(Some(path))) => {
                        let Some(contents) = contents.take() else { continue };
                        self.saving.push(Saving::Writing(Job::start(&self.context, "save file", move |_| {
                            let bytes = contents()?;
                            crate::files::write_atomically(&path, |file| std::io::Write::write_all(file, &bytes))
                                .map_err(|failure| format!("Cannot write {}: {failure}", path.display()))?;
                            Ok::<_, String>(path)
                        })));
                    }
                    Some(Ok(None)) => {}
                    Some(Err(failure)) => self.error(failure),
                },
                Saving::Writing(mut job) => match job.poll() {
                    None => self.saving.push(Saving::Writing(job)),
                    Some(Ok(path)) => self.info(format!("Saved {}", path.display())),
                    Some(Err(failure)) => self.error(failure),
                },
            }
        }
    }
}
