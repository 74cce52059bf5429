//! The Check page.

use super::CloseDecision;
use crate::app::command::Command;
use crate::app::shared::Shared;

/// The page's state.
#[derive(Debug)]
pub struct CheckPage {}

impl CheckPage {
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

    /// Whether a command of this page can be used now; true for the commands of others.
    #[must_use]
    pub fn available(&self, command: &Command, shared: &Shared) -> bool {
        let _ = (command, shared);
        true
    }

    /// The window is about to close: may it?
    pub fn closing(&mut self, shared: &mut Shared) -> CloseDecision {
        let _ = shared;
        CloseDecision::Close
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut egui::Ui, shared: &mut Shared) {
        let _ = (ui, shared);
    }
}
