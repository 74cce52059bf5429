//! What to do where there is nothing yet.

use super::layout::primary_button;
use crate::app::theme::{Palette, size, space};
use egui::{Response, RichText, Ui};

/// A sign, a sentence, and the button to press first.
#[derive(Debug, Clone, Copy)]
pub struct EmptyState<'a> {
    /// One character.
    pub icon: &'a str,
    /// What is not here yet.
    pub title: &'a str,
    /// What to do.
    pub text: &'a str,
    /// On the button.
    pub action: &'a str,
}

impl EmptyState<'_> {
    /// Draws it in the middle of the width; `more` comes under the button. The button's response.
    pub fn show(self, ui: &mut Ui, more: impl FnOnce(&mut Ui)) -> Response {
        let palette = Palette::of(ui);
        ui.vertical_centered(|ui| {
            ui.add_space(space::LARGE * 2.0);
            ui.label(RichText::new(self.icon).size(40.0).color(palette.weak));
            ui.add_space(space::SMALL);
            ui.label(RichText::new(self.title).heading());
            ui.add_space(space::TIGHT);
            ui.scope(|ui| {
                ui.set_max_width(space::READABLE.min(ui.available_width()));
                ui.label(RichText::new(self.text).size(size::BODY).color(palette.weak));
            });
            ui.add_space(space::MEDIUM);
            let button = primary_button(ui, self.action);
            ui.add_space(space::SMALL);
            more(ui);
            ui.add_space(space::LARGE);
            button
        })
        .inner
    }
}
