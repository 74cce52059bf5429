//! What every page may use.

use super::command::Command;
use super::pages::Page;
use crate::dataset::Dataset;
use std::collections::VecDeque;
use std::sync::Arc;

/// State that belongs to no single page.
#[derive(Debug)]
pub struct Shared {
    /// The page on screen.
    pub page: Page,
    /// The loaded dataset (set by the Dataset page).
    pub dataset: Option<Arc<Dataset>>,
    /// For starting jobs: every message of a job wakes this window.
    pub context: egui::Context,
    commands: VecDeque<Command>,
    errors: Vec<String>,
}

impl Shared {
    /// The state at start.
    #[must_use]
    pub fn new(context: egui::Context) -> Self {
        Self { page: Page::Dataset, dataset: None, context, commands: VecDeque::new(), errors: Vec::new() }
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

    /// Shows an error until the user dismisses it: what happened, where, and what to do.
    pub fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
        self.context.request_repaint();
    }
}
