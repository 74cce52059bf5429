//! A titled plot that can be taken away.

use super::export::CsvTable;
use super::layout::card;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use egui::{Color32, RichText, Ui};
use egui_plot::{AxisHints, Legend, Plot, PlotResponse, PlotUi};
use std::ops::RangeInclusive;

/// A plot in a card: a title, axes with names and units, a legend, and a menu to save it as CSV or PNG.
#[derive(Debug, Clone, Copy)]
pub struct PlotCard<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    height: f32,
    legend: bool,
    key: &'a [(&'a str, Color32)],
}

impl<'a> PlotCard<'a> {
    /// A plot of `y` against `x`; both name the quantity and its unit.
    #[must_use]
    pub fn new(title: &'a str, x: &'a str, y: &'a str) -> Self {
        Self { title, x, y, height: 220.0, legend: false, key: &[] }
    }

    /// The height of the plot in points (220 without this).
    #[must_use]
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// With a legend of the items' names.
    #[must_use]
    pub fn legend(mut self) -> Self {
        self.legend = true;
        self
    }

    /// With a key above the plot, where it hides no data: names and colours.
    #[must_use]
    pub fn key(mut self, key: &'a [(&'a str, Color32)]) -> Self {
        self.key = key;
        self
    }

    /// Draws it as wide as there is room. `table` gives the plot's numbers when they are saved; `adjust` may set
    /// bounds, formatters and what a pointer may do; `draw` adds the items.
    pub fn show<R>(
        self,
        ui: &mut Ui,
        shared: &mut Shared,
        table: impl FnOnce() -> CsvTable,
        adjust: impl FnOnce(Plot<'a>) -> Plot<'a>,
        draw: impl FnOnce(&mut PlotUi<'a>) -> R + 'a,
    ) -> PlotResponse<R> {
        let palette = Palette::of(ui);
        let picture = egui::Id::unique("picture").with(self.title).with(ui.scope_id());
        let shown = card(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(self.title).family(theme::bold()));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let more = ui.menu_button("⋯", |ui| {
                        if ui.button("Save as CSV…").clicked() {
                            let table = table();
                            shared.save_file(&file_name(self.title, "csv"), move || table.to_csv());
                            ui.close();
                        } else if ui.button("Save as PNG…").clicked() {
                            // Two frames on, the menu has gone from above the plot.
                            ui.data_mut(|data| data.insert_temp(picture, 2_u8));
                            ui.ctx().request_repaint();
                            ui.close();
                        }
                    });
                    let name = format!("Save “{}”", self.title);
                    more.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    more.response.on_hover_text("Save as CSV or PNG");
                });
            });
            if !self.key.is_empty() {
                self.show_key(ui);
            }
            let mut plot = Plot::new(self.title)
                .height(self.height)
                .custom_x_axes(vec![axis(AxisHints::new_x(), self.x, 34.0..=36.0, &palette)])
                .custom_y_axes(vec![axis(AxisHints::new_y(), self.y, 14.0..=16.0, &palette)])
                // A wheel over a plot scrolls the page; to zoom, hold Ctrl or drag with the right button.
                .allow_scroll(false)
                // No stop of the Tab key: keys do nothing in it.
                .sense(egui::Sense::CLICK | egui::Sense::DRAG)
                .grid_color(palette.weak)
                .grid_fade(0.9)
                .grid_spacing(egui::Rangef::new(14.0, 300.0))
                .set_margin_fraction(egui::vec2(0.02, 0.06));
            if self.legend {
                plot = plot.legend(Legend::default());
            }
            adjust(plot).show(ui, draw)
        });
        self.take_picture(ui, shared, picture, shown.response.rect);
        shown.inner
    }

    fn show_key(self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(space::TIGHT, 0.0);
            for &(name, colour) in self.key {
                let (rect, _) = ui.allocate_exact_size(egui::vec2(12.0, 10.0), egui::Sense::hover());
                ui.painter().rect_filled(rect.shrink2(egui::vec2(0.0, 2.5)), 1.0, colour);
                ui.label(RichText::new(name).small());
                ui.add_space(space::SMALL);
            }
        });
    }

    /// Counts down to the frame in which the picture that the user asked for is taken.
    fn take_picture(self, ui: &Ui, shared: &mut Shared, picture: egui::Id, area: egui::Rect) {
        let Some(frames) = ui.data(|data| data.get_temp::<u8>(picture)) else { return };
        if frames > 0 {
            // Only what is in view can be taken.
            ui.scroll_to_rect(area, None);
            ui.data_mut(|data| data.insert_temp(picture, frames - 1));
            ui.ctx().request_repaint();
            return;
        }
        ui.data_mut(|data| data.remove::<u8>(picture));
        shared.save_picture(&file_name(self.title, "png"), area.intersect(ui.clip_rect()));
    }
}

/// An axis with its name. Marks closer together than `spacing` begins have no number, farther than it ends a full one.
fn axis<'a>(hints: AxisHints<'a>, name: &str, spacing: RangeInclusive<f32>, palette: &Palette) -> AxisHints<'a> {
    let spacing = egui::Rangef::new(*spacing.start(), *spacing.end());
    hints.label(RichText::new(name).color(palette.weak)).label_spacing(spacing)
}

/// A file name from a title: `rows-per-paper.csv`.
#[must_use]
pub fn file_name(title: &str, ending: &str) -> String {
    let words: Vec<String> = title
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!("{}.{ending}", words.join("-"))
}
