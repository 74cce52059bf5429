//! Files dropped on the window.

use super::theme::{Palette, space};
use std::path::PathBuf;

/// Shows where a file may be dropped while one hovers over the window; the paths that were dropped.
pub fn show(ui: &egui::Ui) -> Vec<PathBuf> {
    let hovering = ui.input(|input| !input.raw.hovered_files.is_empty());
    if hovering {
        overlay(ui);
    }
    ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect())
}

fn overlay(ui: &egui::Ui) {
    let area = ui.ctx().content_rect();
    let palette = Palette::of(ui);
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop zone"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(area, 0.0, palette.page.gamma_multiply(0.92));
    let inner = area.shrink(space::LARGE);
    painter.rect_stroke(inner, 12.0, egui::Stroke::new(2.5, palette.accent), egui::StrokeKind::Inside);
    painter.text(
        inner.center(),
        egui::Align2::CENTER_CENTER,
        "Drop a dataset, a saved model, a run folder or predictions",
        egui::FontId::proportional(super::theme::size::HEADING),
        palette.text,
    );
}

/// Whether files cannot be dropped here: native Wayland windows do not receive them.
#[must_use]
pub fn is_deaf() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "linux") && (set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET"))
}
