//! The Dataset page.

use crate::app::command::Command;
use crate::app::shared::Shared;

/// The page's state.
#[derive(Debug)]
pub struct DatasetPage {}

impl DatasetPage {
    /// The page at start.
    #[must_use]
    pub fn new(shared: &Shared) -> Self {
        let _ = shared;
        Self {}
    }

    /// A command came.
    pub fn handle(&mut self, command: &Command, shared: &mut Shared) {
        let _ = (command, shared);
    }

    /// Looks after jobs; draws nothing.
    pub fn update(&mut self, shared: &mut Shared) {
        let _ = shared;
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut egui::Ui, shared: &mut Shared) {
        let _ = (ui, shared);
    }
}
