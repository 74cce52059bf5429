//! A label with its exact number.

use super::layout::card;
use crate::app::theme::{self, space};
use egui::{Response, RichText, Ui};

/// A card with a label, its number, and a line more where there is one to say.
pub fn figure_card(ui: &mut Ui, label: &str, number: &str, detail: Option<&str>) -> Response {
    card(ui, |ui| {
        ui.vertical(|ui| {
            ui.set_min_width(110.0);
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

/// Several figure cards, `(label, number, detail)`, wrapped into as many lines as they need.
pub fn figure_row<'a>(ui: &mut Ui, figures: impl IntoIterator<Item = (&'a str, String, Option<String>)>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(space::SMALL, space::SMALL);
        for (label, number, detail) in figures {
            figure_card(ui, label, &number, detail.as_deref());
        }
    });
}
