//! What is shown before a dataset is loaded.

use crate::app::command::Command;
use crate::app::drop_zone;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::{EmptyState, layout};
use egui::{Frame, Margin, RichText, Stroke, Ui};

/// Draws the drop zone, the sample and the recent files.
pub fn show(ui: &mut Ui, shared: &mut Shared) {
    let palette = Palette::of(ui);
    let deaf = drop_zone::is_deaf();
    let text = if deaf {
        "One JSON object a line with original_paper_id, sentence, ref_paper_title, ref_paper_text and label. Under Wayland \
         files cannot be dropped here: open one, or paste its path"
    } else {
        "Drop a .jsonl file anywhere on this window, or open one. It holds one JSON object a line with \
         original_paper_id, sentence, ref_paper_title, ref_paper_text and label"
    };
    Frame::new()
        .stroke(Stroke::new(1.5, palette.line))
        .corner_radius(12.0)
        .fill(palette.card)
        .inner_margin(Margin::same(space::MEDIUM as i8))
        .outer_margin(Margin { left: 0, right: 0, top: 8, bottom: space::MEDIUM as i8 })
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let state = EmptyState { icon: "⬇", title: "Open a labelled dataset", text, action: "Open…" };
            let mut sent = None;
            let open = state.show(ui, |ui| {
                for command in [Command::PastePath, Command::OpenSample] {
                    let description = command.description();
                    if ui.button(description.label.as_ref()).on_hover_text(description.tooltip.as_ref()).clicked() {
                        sent = Some(command);
                    }
                }
            });
            if open.clicked() {
                sent = Some(Command::Open);
            }
            if let Some(command) = sent {
                shared.send(command);
            }
        });
    if shared.settings.recent.is_empty() {
        return;
    }
    layout::section(ui, "Recent", None);
    for path in shared.settings.recent.clone() {
        ui.horizontal(|ui| {
            if ui.button(short_name(&path)).on_hover_text("Open it again").clicked() {
                shared.send(Command::OpenPath(path.clone()));
            }
            let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
            ui.add(egui::Label::new(RichText::new(folder).color(palette.weak)).truncate());
        });
    }
}
