//! A small table that can be copied and saved.

use super::export::CsvTable;
use super::layout::card;
use super::plot::file_name;
use crate::app::shared::Shared;
use crate::app::theme::{self, space};
use egui::{RichText, Ui};

/// A menu that copies or saves a table; `title` names the file.
pub fn export_menu(ui: &mut Ui, shared: &mut Shared, title: &str, table: impl FnOnce() -> CsvTable) {
    let more = ui.menu_button("⋯", |ui| {
        if ui.button("Copy").clicked() {
            shared.copy("The table", table().to_text());
            ui.close();
        } else if ui.button("Save as CSV…").clicked() {
            let table = table();
            shared.save_file(&file_name(title, "csv"), move || table.to_csv());
            ui.close();
        }
    });
    let name = format!("Copy or save “{title}”");
    more.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    more.response.on_hover_text("Copy, or save as CSV");
}

/// A titled table in a card; `table` gives its cells when they are copied or saved, `contents` draws them, row by row in
/// a striped grid (`ui.end_row()` after each).
pub fn table_card<R>(
    ui: &mut Ui,
    shared: &mut Shared,
    title: &str,
    table: impl FnOnce() -> CsvTable,
    contents: impl FnOnce(&mut Ui) -> R,
) -> R {
    card(ui, |ui| {
        // As wide as there is room, as a plot beside it is.
        ui.set_min_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(title).family(theme::bold()));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                export_menu(ui, shared, title, table);
            });
        });
        ui.add_space(space::TIGHT);
        egui::ScrollArea::horizontal()
            .id_salt(title)
            .show(ui, |ui| {
                egui::Grid::new(title).striped(true).spacing([space::LARGE, space::TIGHT]).show(ui, contents).inner
            })
            .inner
    })
    .inner
}
