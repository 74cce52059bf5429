//! Pages, cards, sections, fields.

use crate::app::focus::keep_in_view;
use crate::app::theme::{self, Palette, space};
use egui::{Align, Frame, InnerResponse, Layout, Margin, PanelState, RichText, Stroke, Ui, UiBuilder, vec2};

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

/// Where a panel stands beside what [`before_panel`] draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Right,
    Below,
}

/// Lets `draw` fill the space that the panel `name` will leave, and then show that panel. egui wants panels first, and the
/// Tab key follows the order of drawing: so a panel at the right or below comes after what is read before it.
///
/// `draw` gets the space to fill and the `Ui` to show the panel in.
pub fn before_panel<R>(ui: &mut Ui, name: &str, beside: Beside, draw: impl FnOnce(&mut Ui, &mut Ui) -> R) -> R {
    let panel = ui.scope_id().with(name);
    let size_of = |ui: &Ui| PanelState::load(ui, panel).map(|state| state.size());
    let before = size_of(ui);
    let taken = before.unwrap_or_default();
    let mut space = ui.available_rect_before_wrap();
    match beside {
        Beside::Right => space.max.x -= taken.x,
        Beside::Below => space.max.y -= taken.y,
    }
    let mut body = ui.new_child(UiBuilder::new().id_salt((name, "before")).max_rect(space));
    let drawn = draw(&mut body, ui);
    if size_of(ui) != before {
        ui.ctx().request_discard("a panel has got another size");
    }
    drawn
}

/// Draws `contents` at the right end of a line, from left to right, as the Tab key goes. A layout from right to left would
/// turn that around. `name` is the line's own.
pub fn at_end<R>(ui: &mut Ui, name: &str, align: Align, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(("at end", name));
    ui.with_layout(Layout::right_to_left(align), |ui| {
        let before = ui.data(|data| data.get_temp::<f32>(id));
        let size = vec2(before.unwrap_or(0.0), ui.spacing().interact_size.y);
        let shown = ui.allocate_ui_with_layout(size, Layout::left_to_right(align), contents);
        let width = shown.response.rect.width();
        if before.is_none_or(|before| (before - width).abs() > 0.5) {
            ui.data_mut(|data| data.insert_temp(id, width));
            ui.ctx().request_discard("the end of a line has got another width");
        }
        shown.inner
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
