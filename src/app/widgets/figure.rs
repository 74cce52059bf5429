//! A label with its exact number.

use super::layout::card;
use crate::app::theme;
use egui::{Response, RichText, Ui};

/// A card as wide as there is room, with a label, its number, and a line more where there is one to say.
pub fn figure_card(ui: &mut Ui, label: &str, number: &str, detail: Option<&str>) -> Response {
    card(ui, |ui| {
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.weak(label);
            ui.label(RichText::new(number).text_style(theme::figure_style()));
            if let Some(detail) = detail {
                ui.label(RichText::new(detail).small().weak());
            }
        });
    })
    .response
}

/// Several figure cards, `(label, number, detail)`, of equal width, in as many lines as they need.
pub fn figure_row<'a>(ui: &mut Ui, figures: impl IntoIterator<Item = (&'a str, String, Option<String>)>) {
    /// Narrower than this, the longest details break.
    const LEAST: f32 = 172.0;
    let figures: Vec<_> = figures.into_iter().collect();
    let fitting = ((ui.available_width() / LEAST) as usize).clamp(1, figures.len().max(1));
    // Lines of equal length look better than one full line and a lone card.
    let lines = figures.len().div_ceil(fitting).max(1);
    let per_line = figures.len().div_ceil(lines).max(1);
    for line in figures.chunks(per_line) {
        let columns = per_line.max((ui.available_width() / 260.0) as usize);
        ui.columns(columns, |columns| {
            for (ui, (label, number, detail)) in columns.iter_mut().zip(line) {
                figure_card(ui, label, number, detail.as_deref());
            }
        });
    }
}
