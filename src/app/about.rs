//! What this program is, and its keys.

use super::command::Command;
use super::theme::{self, space};

/// Draws the dialog; false once it is closed.
pub fn show(ui: &egui::Ui) -> bool {
    let modal = egui::Modal::new(egui::Id::unique("about")).show(ui.ctx(), |ui| {
        ui.set_width(440.0_f32.min(ui.ctx().content_rect().width() - 80.0));
        ui.heading(format!("Citelink {}", env!("CARGO_PKG_VERSION")));
        ui.label("Does this sentence cite that paper?");
        ui.add_space(space::TIGHT);
        ui.label(
            "Everything stays on this machine: nothing is ever sent anywhere. The only request that Citelink makes is \
             the download of a base model, when you ask for one by its name.",
        );
        ui.add_space(space::SMALL);
        ui.label(egui::RichText::new("Keyboard shortcuts").text_style(theme::section_style()));
        egui::ScrollArea::vertical().max_height(ui.ctx().content_rect().height() * 0.45).show(ui, |ui| {
            egui::Grid::new("shortcuts").num_columns(2).spacing([space::LARGE, space::TIGHT]).show(ui, |ui| {
                for description in Command::LISTED.iter().map(Command::description) {
                    let Some(shortcut) = description.shortcut else { continue };
                    ui.label(description.label.trim_end_matches('…'));
                    ui.monospace(ui.ctx().format_shortcut(&shortcut));
                    ui.end_row();
                }
                for (what, keys) in [
                    ("Next or previous control", "Tab, Shift+Tab"),
                    ("Press a button", "Space or Enter"),
                    ("Close a dialog", "Escape"),
                ] {
                    ui.label(what);
                    ui.monospace(keys);
                    ui.end_row();
                }
            });
        });
        ui.add_space(space::SMALL);
        ui.weak(format!("Licence: {}. Fonts: Noto Sans, SIL Open Font License", env!("CARGO_PKG_LICENSE")));
        ui.add_space(space::SMALL);
        ui.button("Close").clicked()
    });
    !(modal.inner || modal.should_close())
}
