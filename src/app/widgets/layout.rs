//! Pages, cards, sections, fields.

use crate::app::focus::keep_in_view;
use crate::app::theme::{self, Palette, space};
use egui::{Frame, InnerResponse, Margin, RichText, Stroke, Ui};

/// The body of a page: margins, and a scroll bar where it is higher than the window.
pub fn page<R>(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::same(space::PAGE as i8));
    egui::CentralPanel::no_frame()
        .show(ui, |ui| {
            egui::ScrollArea::vertical()
                .id_salt(name)
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    let shown = frame.show(ui, contents).inner;
                    keep_in_view(ui);
                    shown
                })
                .inner
        })
        .inner
}

/// A surface that holds what belongs together.
pub fn card<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let palette = Palette::of(ui);
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(8.0)
        .inner_margin(Margin::same(space::MEDIUM as i8))
        .show(ui, contents)
}

/// The name of a part of a page, and optionally one line about it.
pub fn section(ui: &mut Ui, title: &str, about: Option<&str>) {
    ui.label(RichText::new(title).text_style(theme::section_style()));
    if let Some(about) = about {
        ui.weak(about);
    }
    ui.add_space(space::TIGHT);
}

/// The button that is to be pressed first.
pub fn primary_button(ui: &mut Ui, text: &str) -> egui::Response {
    let palette = Palette::of(ui);
    ui.add(egui::Button::new(RichText::new(text).color(palette.on_accent)).fill(palette.accent).stroke(Stroke::NONE))
}

/// A label, a widget and a line of help under it; the widget takes the label as its accessible name.
pub fn field_row(
    ui: &mut Ui,
    label: &str,
    help: &str,
    widget: impl FnOnce(&mut Ui) -> egui::Response,
) -> egui::Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let name = ui.label(RichText::new(label).strong());
        let response = widget(ui).labelled_by(name.id);
        if !help.is_empty() {
            ui.add(egui::Label::new(RichText::new(help).small().weak()).wrap());
        }
        response
    })
    .inner
}

/// A sentence that warns, with a sign beside the colour.
pub fn warning(ui: &mut Ui, text: &str) -> egui::Response {
    let colour = Palette::of(ui).warning;
    ui.add(egui::Label::new(RichText::new(format!("⚠ {text}")).color(colour)).wrap())
}
