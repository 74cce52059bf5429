//! Drawing the ranking: bars with the threshold's line, verdicts, and what the model did not get to read.

use super::input::Entry;
use super::scoring::Ranked;
use crate::app::theme::{Palette, class_colour, class_name, space};
use crate::app::widgets::class_marker;
use crate::checking::{Candidate, Verdict};
use crate::dataset::Label;
use egui::{Align, Align2, Layout, Rect, RichText, Sense, Stroke, UiBuilder, pos2, vec2};

/// Height of one ranked candidate.
const ROW: f32 = 58.0;
/// Height of one ranked candidate where some have notes; all are as high, so that only those in view cost anything.
const ROW_WITH_NOTES: f32 = 78.0;

/// Draws the ranking; returns the position (among the page's candidates) that was clicked.
pub(super) fn show(ui: &mut egui::Ui, ranked: &Ranked, current: bool, selected: Option<usize>) -> Option<usize> {
    let mut clicked = None;
    let ranking = &ranked.ranking;
    let has_notes = |candidate: &Candidate| candidate.title_only || candidate.truncated;
    let height = if ranking.candidates.iter().any(has_notes) { ROW_WITH_NOTES } else { ROW };
    ui.scope(|ui| {
        if !current {
            ui.multiply_opacity(0.55);
        }
        egui::ScrollArea::vertical().id_salt("ranking").auto_shrink([false, false]).show_rows(
            ui,
            height,
            ranking.candidates.len(),
            |ui, rows| {
                for candidate in &ranking.candidates[rows] {
                    let position = ranked.positions.get(candidate.index).copied();
                    let entry = ranked.entries.get(candidate.index);
                    let chosen = position.is_some() && position == selected;
                    if row(ui, height, candidate, entry, ranking.threshold, chosen) {
                        clicked = position;
                    }
                }
            },
        );
    });
    clicked
}

fn row(
    ui: &mut egui::Ui,
    height: f32,
    candidate: &Candidate,
    entry: Option<&Entry>,
    threshold: f64,
    chosen: bool,
) -> bool {
    let palette = Palette::of(ui);
    let heading = entry.map_or(candidate.title.as_str(), Entry::heading);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let name = format!(
        "Rank {}: {heading}, probability {:.3}, {}",
        candidate.rank,
        candidate.probability,
        class_name(class_of(candidate.verdict))
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let fill = if chosen || response.hovered() || response.has_focus() { palette.accent_wash } else { palette.card };
    ui.painter().rect(rect, 6.0, fill, Stroke::new(1.0, palette.line), egui::StrokeKind::Inside);

    let inner = rect.shrink2(vec2(12.0, space::SMALL));
    let mut ui = ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::top_down(Align::Min)));
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.spacing_mut().interact_size.y = 18.0;
    ui.horizontal(|ui| {
        ui.label(RichText::new(candidate.rank.to_string()).strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(label) = entry.and_then(|entry| entry.label) {
                agreement(ui, label, candidate.verdict);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(heading).truncate().selectable(false));
            });
        });
    });
    bar(&mut ui, candidate, threshold);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::SMALL;
        for note in candidate.notes() {
            ui.label(RichText::new(note).small().color(palette.warning));
        }
    });
    response.on_hover_text("Edit this candidate").clicked()
}

/// The probability as a bar from 0 to 1 with the threshold's line, the figure and the verdict.
fn bar(ui: &mut egui::Ui, candidate: &Candidate, threshold: f64) {
    let palette = Palette::of(ui);
    let class = class_of(candidate.verdict);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let painter = ui.painter();
    let texts = 172.0_f32.min(rect.width() * 0.5);
    let track = Rect::from_min_max(rect.min + vec2(0.0, 4.0), pos2(rect.max.x - texts, rect.max.y - 4.0));
    let at = |value: f64| track.left() + track.width() * value.clamp(0.0, 1.0) as f32;
    painter.rect_filled(track, 3.0, palette.line);
    let filled = Rect::from_min_max(track.min, pos2(at(candidate.probability), track.max.y));
    painter.rect_filled(filled, 3.0, class_colour(class));
    let line = at(threshold);
    painter.line_segment([pos2(line, rect.top()), pos2(line, rect.bottom())], Stroke::new(2.0, palette.text));
    let body = egui::TextStyle::Body.resolve(ui.style());
    let number = format!("{:.3}", candidate.probability);
    painter.text(pos2(track.right() + space::SMALL, rect.center().y), Align2::LEFT_CENTER, number, body, palette.text);
    let mark = pos2(track.right() + 58.0, rect.center().y);
    painter.add(class_marker(class, mark, 4.5));
    let small = egui::TextStyle::Small.resolve(ui.style());
    painter.text(mark + vec2(10.0, 0.0), Align2::LEFT_CENTER, class_name(class), small, palette.text);
}

fn agreement(ui: &mut egui::Ui, label: Label, verdict: Verdict) {
    let palette = Palette::of(ui);
    let right = label.index() == class_of(verdict);
    let text = format!("{} {}", if right { "=" } else { "≠" }, super::candidates::true_label(label));
    let colour = if right { palette.weak } else { palette.warning };
    ui.label(RichText::new(text).small().color(colour)).on_hover_text(if right {
        "The verdict agrees with the dataset's label"
    } else {
        "The verdict differs from the dataset's label"
    });
}

fn class_of(verdict: Verdict) -> usize {
    usize::from(verdict == Verdict::Citation)
}
