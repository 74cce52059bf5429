//! The runs at the side of the page, newest first.

use super::list::{Entry, ListedGrid, ListedRun, short_base};
use super::{TrainPage, View};
use crate::app::command::Command;
use crate::app::focus::keep_in_view;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::numbers::decimal;
use crate::app::widgets::{primary_button, section};
use crate::runs::RunState;
use egui::{Frame, Margin, RichText, Role, Sense, Stroke, Ui, WidgetInfo};
use std::path::Path;

/// A state in a word, with a sign beside it.
#[must_use]
pub fn state_text(state: &RunState) -> &'static str {
    match state {
        RunState::Absent => "… Starting",
        RunState::Running => "▶ Running",
        RunState::Stopped => "⏸ Stopped",
        RunState::Interrupted => "⚠ Interrupted",
        RunState::Finished => "✔ Finished",
        RunState::Failed(_) => "✖ Failed",
    }
}

/// The colour of a state.
#[must_use]
pub fn state_colour(state: &RunState, palette: &Palette) -> egui::Color32 {
    match state {
        RunState::Running | RunState::Absent => palette.accent,
        RunState::Stopped => palette.weak,
        RunState::Interrupted => palette.warning,
        RunState::Finished => palette.text,
        RunState::Failed(_) => palette.error,
    }
}

/// Draws the list in a panel at the left.
pub fn show(page: &TrainPage, ui: &mut Ui, shared: &mut Shared) {
    let margin = Margin { left: space::PAGE as i8, right: 12, top: space::MEDIUM as i8, bottom: space::MEDIUM as i8 };
    egui::Panel::left("train runs")
        .resizable(true)
        .default_size(if ui.available_width() < 1000.0 { 210.0 } else { 260.0 })
        .size_range(180.0..=420.0)
        .frame(Frame::new().fill(ui.visuals().panel_fill).inner_margin(margin))
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                if primary_button(ui, "New run").on_hover_text(Command::NewRun.description().tooltip).clicked() {
                    shared.send(Command::NewRun);
                }
                let grid = Command::ShowGrid.description();
                let here = page.view == View::Grid && page.grid.is_none();
                if ui.selectable_label(here, grid.label).on_hover_text(grid.tooltip).clicked() {
                    shared.send(Command::ShowGrid);
                }
            });
            ui.add_space(space::SMALL);
            section(ui, "Runs", None);
            if let Some(failure) = &page.list_failure {
                ui.colored_label(Palette::of(ui).error, failure);
            }
            match &page.list {
                None => {
                    ui.spinner();
                }
                Some(entries) if entries.is_empty() => {
                    ui.add(egui::Label::new(RichText::new("Runs that you start are listed here").weak()).wrap());
                }
                Some(entries) => {
                    egui::ScrollArea::vertical().id_salt("runs").auto_shrink([false, false]).show(ui, |ui| {
                        for entry in entries {
                            match entry {
                                Entry::Run(run) => show_run(page, run, ui, shared),
                                Entry::Grid(grid) => show_grid(page, grid, ui, shared),
                            }
                        }
                        keep_in_view(ui);
                    });
                }
            }
        });
}

fn show_run(page: &TrainPage, run: &ListedRun, ui: &mut Ui, shared: &mut Shared) {
    let summary = &run.summary;
    let path = summary.folder.path();
    let selected = page.view == View::Run && page.run.as_ref().is_some_and(|open| open.folder().path() == path);
    let request = &summary.settings.request;
    let about = format!("{} · {}", short_base(&request.base), short_name(&request.dataset));
    let state = (state_text(&summary.state), state_colour(&summary.state, &Palette::of(ui)));
    if row(ui, path, selected, &summary.name, &about, state, run.f1()) {
        shared.send(Command::OpenRun(path.to_owned()));
    }
}

fn show_grid(page: &TrainPage, grid: &ListedGrid, ui: &mut Ui, shared: &mut Shared) {
    let selected = page.view == View::Grid && page.grid.as_ref().is_some_and(|open| open.path == grid.folder);
    let about = format!("Grid · {} of {} runs finished", grid.finished, grid.combinations);
    let palette = Palette::of(ui);
    let state = if grid.running {
        (state_text(&RunState::Running), palette.accent)
    } else if grid.finished == grid.combinations {
        (state_text(&RunState::Finished), palette.text)
    } else {
        (state_text(&RunState::Stopped), palette.weak)
    };
    if row(ui, &grid.folder, selected, &grid.name, &about, state, grid.best_f1) {
        shared.send(Command::OpenGrid(grid.folder.clone()));
    }
}

/// One entry; whether it was clicked.
fn row(
    ui: &mut Ui,
    path: &Path,
    selected: bool,
    name: &str,
    about: &str,
    (state, colour): (&str, egui::Color32),
    f1: Option<f64>,
) -> bool {
    let palette = Palette::of(ui);
    let f1 = f1.map(|f1| format!("F1 {}", decimal(f1, 3)));
    let clicked = ui
        .scope_builder(egui::UiBuilder::new().id_salt(path).sense(Sense::click()), |ui| {
            let response = ui.response();
            let fill = if selected {
                palette.accent_wash
            } else if response.hovered() {
                theme::mix(palette.card, palette.text, 0.06)
            } else {
                palette.card
            };
            let line = if selected || response.has_focus() { palette.accent } else { palette.line };
            Frame::new()
                .fill(fill)
                .stroke(Stroke::new(1.0, line))
                .corner_radius(6.0)
                .inner_margin(Margin::symmetric(10, 7))
                .show(ui, |ui| {
                    ui.set_min_width(ui.available_width());
                    ui.spacing_mut().item_spacing.y = 2.0;
                    let plain = |text: RichText| egui::Label::new(text).truncate().selectable(false);
                    ui.add(plain(RichText::new(name).family(theme::bold()).size(13.0)));
                    ui.add(plain(RichText::new(about).small().weak()));
                    ui.horizontal(|ui| {
                        ui.add(plain(RichText::new(state).small().color(colour)));
                        if let Some(f1) = &f1 {
                            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                                ui.add(plain(RichText::new(f1).small().color(palette.text)));
                            });
                        }
                    });
                });
        })
        .response;
    clicked.widget_info(|| {
        let f1 = f1.as_deref().unwrap_or("no F1 yet");
        WidgetInfo::selected(Role::Button, true, selected, format!("{name}, {state}, {about}, {f1}"))
    });
    let clicked = clicked.on_hover_text(path.display().to_string());
    clicked.clicked()
}
