//! Drawing the candidates: one line each, the chosen one opened for editing in place.

use super::input::{Entry, Inputs};
use crate::app::theme::{Palette, space};
use crate::app::widgets::at_end;
use crate::dataset::Label;
use egui::{Align, Layout, Rect, RichText, Sense, TextEdit, UiBuilder, pos2, vec2};

/// Height of a closed candidate.
const ROW: f32 = 34.0;
/// Height of an opened one.
const OPEN: f32 = 226.0;

/// What the user did with the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListAction {
    /// Open this one for editing, or close the opened one.
    Select(Option<usize>),
    /// A text changed.
    Edited,
    Remove(usize),
    JoinWithPrevious(usize),
    AuthorsToText(usize),
}

/// Draws the list into the space that is left; only what is in view costs anything.
pub(super) fn show(ui: &mut egui::Ui, inputs: &mut Inputs, selected: Option<usize>, focus: bool) -> Option<ListAction> {
    let mut action = None;
    let count = inputs.candidates.len();
    let top_of =
        |index: usize| index as f32 * ROW + if selected.is_some_and(|open| open < index) { OPEN - ROW } else { 0.0 };
    egui::ScrollArea::vertical().id_salt("candidates").auto_shrink([false, false]).show_viewport(ui, |ui, viewport| {
        ui.set_height(top_of(count));
        let origin = ui.max_rect().min;
        let width = ui.available_width();
        for index in 0..count {
            let open = selected == Some(index);
            let (top, height) = (top_of(index), if open { OPEN } else { ROW });
            if top + height < viewport.min.y || top > viewport.max.y {
                continue;
            }
            let rect = Rect::from_min_size(pos2(origin.x, origin.y + top), vec2(width, height - 2.0));
            let builder = UiBuilder::new().max_rect(rect).id_salt(("candidate", index));
            ui.scope_builder(builder, |ui| {
                let happened = if open {
                    opened(ui, index, &mut inputs.candidates[index], focus)
                } else {
                    closed(ui, index, &inputs.candidates[index])
                };
                action = action.or(happened);
            });
        }
    });
    action
}

fn closed(ui: &mut egui::Ui, index: usize, entry: &Entry) -> Option<ListAction> {
    let palette = Palette::of(ui);
    let rect = ui.max_rect();
    let mut action = None;
    let response = ui.interact(rect, ui.scope_id().with("row"), Sense::click());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Button,
            true,
            format!("Edit candidate {}: {}", index + 1, entry.heading()),
        )
    });
    let fill = if response.hovered() || response.has_focus() { palette.accent_wash } else { palette.card };
    ui.painter().rect(rect, 6.0, fill, egui::Stroke::new(1.0, palette.line), egui::StrokeKind::Inside);
    if response.clicked() {
        action = Some(ListAction::Select(Some(index)));
    }
    let inner = rect.shrink2(vec2(space::SMALL, 3.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).layout(Layout::right_to_left(Align::Center)), |ui| {
        if remove_button(ui, index) {
            action = Some(ListAction::Remove(index));
        }
        let note = if entry.is_empty() {
            Some("empty")
        } else if entry.reference.text.trim().is_empty() {
            Some("no text")
        } else if entry.reference.title.trim().is_empty() {
            Some("no title")
        } else {
            None
        };
        if let Some(note) = note {
            ui.label(RichText::new(note).small().color(palette.warning));
        }
        if let Some(label) = entry.label {
            ui.label(RichText::new(true_label(label)).small().color(palette.weak));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.label(RichText::new(format!("{}", index + 1)).color(palette.weak));
            ui.add(egui::Label::new(entry.heading()).truncate().selectable(false));
        });
    });
    action
}

fn opened(ui: &mut egui::Ui, index: usize, entry: &mut Entry, focus: bool) -> Option<ListAction> {
    let palette = Palette::of(ui);
    let rect = ui.max_rect();
    ui.painter().rect(rect, 6.0, palette.card, egui::Stroke::new(1.5, palette.accent), egui::StrokeKind::Inside);
    let mut action = None;
    let inner = rect.shrink2(vec2(space::SMALL, 6.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min)), |ui| {
        ui.spacing_mut().item_spacing.y = space::TIGHT;
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("Candidate {}", index + 1)).strong());
            if let Some(label) = entry.label {
                ui.label(RichText::new(true_label(label)).small().color(palette.weak));
            }
            at_end(ui, "candidate", Align::Center, |ui| {
                if ui.button("Done").on_hover_text("Close this candidate").clicked() {
                    action = Some(ListAction::Select(None));
                }
                if remove_button(ui, index) {
                    action = Some(ListAction::Remove(index));
                }
            });
        });
        let reference = &mut entry.reference;
        let mut field = |ui: &mut egui::Ui, text: &mut String, name: &str, rows: usize| {
            let edit =
                if rows == 1 { TextEdit::singleline(text) } else { TextEdit::multiline(text).desired_rows(rows) };
            let response = ui
                .add(edit.id_salt((name, index)).hint_text(name.to_owned()).desired_width(f32::INFINITY))
                .accessible_name(format!("{name} of candidate {}", index + 1));
            if response.changed() {
                action = Some(ListAction::Edited);
            }
            response
        };
        let title = field(ui, &mut reference.title, "Title", 1);
        if focus {
            title.request_focus();
        }
        field(ui, &mut reference.authors, "Authors", 1);
        egui::ScrollArea::vertical().id_salt(("text", index)).max_height(66.0).show(ui, |ui| {
            field(ui, &mut reference.text, "Abstract or text", 3);
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().button_padding = vec2(8.0, 2.0);
            let join = ui.add_enabled(index > 0, egui::Button::new("Join with the one above").small());
            if join
                .on_hover_text("A blank line split one reference into two: append this one's text to the one above")
                .clicked()
            {
                action = Some(ListAction::JoinWithPrevious(index));
            }
            let has_authors = !reference.authors.trim().is_empty();
            let shift = ui.add_enabled(has_authors, egui::Button::new("Authors are text").small());
            if shift.on_hover_text("What was taken for authors is the beginning of the text: move it there").clicked() {
                action = Some(ListAction::AuthorsToText(index));
            }
        });
    });
    action
}

fn remove_button(ui: &mut egui::Ui, index: usize) -> bool {
    ui.add(egui::Button::new("×").small().frame_when_inactive(false))
        .on_hover_text("Remove this candidate")
        .accessible_name(format!("Remove candidate {}", index + 1))
        .clicked()
}

/// How the dataset labels a candidate.
pub(super) fn true_label(label: Label) -> &'static str {
    match label {
        Label::Citation => "labelled CITATION",
        Label::NotCitation => "labelled NOT_CITATION",
    }
}
