//! Typing or pasting the path of what to open, for where files cannot be dropped.

use super::open::pasted_path;
use super::theme::space;
use super::widgets::primary_button;
use std::path::PathBuf;

/// The dialog.
#[derive(Debug, Default)]
pub struct PastePath {
    open: bool,
    text: String,
}

impl PastePath {
    /// Opens it, empty.
    pub fn open(&mut self) {
        *self = Self { open: true, text: String::new() };
    }

    /// Draws it; the path to open.
    pub fn show(&mut self, ui: &egui::Ui) -> Option<PathBuf> {
        if !self.open {
            return None;
        }
        let mut chosen = None;
        let modal = egui::Modal::new(egui::Id::unique("paste path")).show(ui.ctx(), |ui| {
            ui.set_width(520.0_f32.min(ui.ctx().content_rect().width() - 80.0));
            let name = ui.heading("Open path");
            ui.weak("The path of a dataset, a saved model, a run folder or a predictions file");
            let field = ui
                .add(egui::TextEdit::singleline(&mut self.text).desired_width(f32::INFINITY).hint_text("/home/…"))
                .labelled_by(name.id);
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if !field.has_focus() && !entered {
                field.request_focus();
            }
            ui.add_space(space::SMALL);
            let path = pasted_path(&self.text);
            let mut cancelled = false;
            ui.horizontal(|ui| {
                let pressed = ui.add_enabled_ui(path.is_some(), |ui| primary_button(ui, "Open").clicked()).inner;
                cancelled = ui.button("Cancel").clicked();
                if pressed || entered {
                    chosen = path;
                }
            });
            cancelled
        });
        if chosen.is_some() || modal.inner || modal.should_close() {
            self.open = false;
        }
        chosen
    }
}
