//! The bar on top: the pages, what is loaded, and the way to everything else.

use super::command::Command;
use super::open::short_name;
use super::pages::Page;
use super::settings::ThemeChoice;
use super::shared::Shared;
use super::theme::{self, Palette, space};
use super::widgets::at_end;
use super::widgets::numbers::thousands;

/// Draws the bar.
pub fn show(ui: &mut egui::Ui, shared: &mut Shared) {
    let palette = Palette::of(ui);
    let frame = egui::Frame::new()
        .fill(palette.card)
        .inner_margin(egui::Margin::symmetric(space::PAGE as i8, space::SMALL as i8));
    egui::Panel::top("top bar").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            for page in Page::ALL {
                tab(ui, shared, page, &palette);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let wide = ui.available_width() > 450.0;
                at_end(ui, "top bar", egui::Align::Center, |ui| {
                    command_button(ui, shared, &Command::Open, "Open…");
                    command_button(ui, shared, &Command::ShowPalette, if wide { "Search actions…" } else { "Search…" });
                    menu(ui, shared);
                });
                ui.add_space(space::SMALL);
                loaded(ui, shared, &palette);
            });
        });
    });
}

fn tab(ui: &mut egui::Ui, shared: &mut Shared, page: Page, palette: &Palette) {
    let command = Command::ShowPage(page);
    let selected = shared.page == page;
    let mut text = egui::RichText::new(page.title()).size(theme::size::SECTION);
    if selected {
        text = text.family(theme::bold());
    }
    let response =
        ui.add(egui::Button::selectable(selected, text).fill(egui::Color32::TRANSPARENT).frame_when_inactive(false));
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, selected, page.title()));
    if selected {
        let line = egui::Rect::from_min_max(
            egui::pos2(response.rect.left() + 8.0, response.rect.bottom() - 1.0),
            egui::pos2(response.rect.right() - 8.0, response.rect.bottom() + 1.5),
        );
        ui.painter().rect_filled(line, 1.0, palette.accent);
    }
    if explained(ui, response, &command).clicked() {
        shared.send(command);
    }
}

/// A tooltip with what the command does and its keys.
fn explained(ui: &egui::Ui, response: egui::Response, command: &Command) -> egui::Response {
    let description = command.description();
    let keys = description.shortcut.map(|shortcut| format!(" ({})", ui.ctx().format_shortcut(&shortcut)));
    response.on_hover_text(format!("{}{}", description.tooltip, keys.unwrap_or_default()))
}

fn command_button(ui: &mut egui::Ui, shared: &mut Shared, command: &Command, text: &str) {
    let response = ui.button(text);
    if explained(ui, response, command).clicked() {
        shared.send(command.clone());
    }
}

/// What is loaded, where there is room for it.
fn loaded(ui: &mut egui::Ui, shared: &Shared, palette: &Palette) {
    let dataset = shared.dataset.as_ref().map(|dataset| {
        let text = format!("{} · {} rows", short_name(&dataset.path), thousands(dataset.records.len()));
        (text, format!("Dataset: {}", dataset.path.display()))
    });
    let model = shared
        .model_name
        .as_ref()
        .map(|name| (short_name(std::path::Path::new(name)), format!("Model that checks sentences: {name}")));
    for (text, tooltip) in [model, dataset].into_iter().flatten() {
        if ui.available_width() < 90.0 {
            return;
        }
        ui.add(egui::Label::new(egui::RichText::new(text).color(palette.weak)).truncate()).on_hover_text(tooltip);
        ui.add_space(space::SMALL);
    }
}

fn menu(ui: &mut egui::Ui, shared: &mut Shared) {
    let button = ui.menu_button("☰", |ui| {
        for command in [Command::Open, Command::OpenFolder, Command::PastePath, Command::OpenSample] {
            item(ui, shared, command);
        }
        ui.menu_button("Recent", |ui| {
            if shared.settings.recent.is_empty() {
                ui.weak("Nothing was opened yet");
                return;
            }
            for path in shared.settings.recent.clone() {
                if ui.button(short_name(&path)).on_hover_text(path.display().to_string()).clicked() {
                    shared.send(Command::OpenPath(path));
                    ui.close();
                }
            }
            ui.separator();
            item(ui, shared, Command::ClearRecent);
        });
        ui.separator();
        for choice in [ThemeChoice::System, ThemeChoice::Light, ThemeChoice::Dark] {
            let command = Command::SetTheme(choice);
            if ui.radio(shared.settings.theme == choice, command.description().label.as_ref()).clicked() {
                shared.send(command);
            }
        }
        ui.separator();
        for command in [Command::ZoomIn, Command::ZoomOut, Command::ZoomReset, Command::ToggleFullScreen] {
            item(ui, shared, command);
        }
        ui.separator();
        for command in [Command::ShowAbout, Command::Close] {
            item(ui, shared, command);
        }
    });
    button.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Menu"));
    button.response.on_hover_text("More: recent files, colours, zoom, shortcuts");
}

fn item(ui: &mut egui::Ui, shared: &mut Shared, command: Command) {
    let description = command.description();
    let keys = description.shortcut.map(|shortcut| ui.ctx().format_shortcut(&shortcut)).unwrap_or_default();
    let button = egui::Button::new(description.label.as_ref()).shortcut_text(keys);
    if ui.add(button).on_hover_text(description.tooltip.as_ref()).clicked() {
        shared.send(command);
        ui.close();
    }
}
