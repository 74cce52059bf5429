//! Search for an action by its name, with the keyboard alone.

use super::command::Command;
use super::theme::{Palette, space};
use egui::Key;

/// The search dialog.
#[derive(Debug, Default)]
pub struct CommandPalette {
    open: bool,
    query: String,
    selected: usize,
}

impl CommandPalette {
    /// Opens it, or closes it where it is open.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, ..Self::default() };
    }

    /// Draws it; the command that was chosen.
    pub fn show(&mut self, ui: &egui::Ui, commands: &[Command]) -> Option<Command> {
        if !self.open {
            return None;
        }
        let mut found: Vec<(&Command, super::command::Description)> = commands
            .iter()
            .map(|command| (command, command.description()))
            .filter(|(_, description)| matches(&self.query, &description.label, &description.tooltip))
            .collect();
        // What is called so comes before what only says so.
        found.sort_by_key(|(_, description)| !matches(&self.query, &description.label, ""));
        let mut chosen = None;
        let (down, up, enter) = ui.input_mut(|input| {
            let none = egui::Modifiers::NONE;
            (
                input.consume_key(none, Key::ArrowDown),
                input.consume_key(none, Key::ArrowUp),
                input.consume_key(none, Key::Enter),
            )
        });
        let moved = down || up;
        if down {
            self.selected += 1;
        }
        if up {
            self.selected = self.selected.saturating_sub(1);
        }
        self.selected = self.selected.min(found.len().saturating_sub(1));
        if enter {
            chosen = found.get(self.selected).map(|(command, _)| (*command).clone());
        }
        let area = egui::Modal::default_area(egui::Id::unique("palette")).anchor(egui::Align2::CENTER_TOP, [0.0, 60.0]);
        let modal = egui::Modal::new(egui::Id::unique("palette")).area(area).show(ui.ctx(), |ui| {
            ui.set_width(520.0_f32.min(ui.ctx().content_rect().width() - 80.0));
            let palette = Palette::of(ui);
            let field = ui.add(
                egui::TextEdit::singleline(&mut self.query)
                    .hint_text("Search actions and recent files")
                    .desired_width(f32::INFINITY)
                    .margin(egui::Margin::symmetric(10, 8)),
            );
            field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Search actions"));
            field.request_focus();
            if field.changed() {
                self.selected = 0;
            }
            ui.add_space(space::TIGHT);
            egui::ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (position, (command, description)) in found.iter().enumerate() {
                    let shortcut =
                        description.shortcut.map(|shortcut| ui.ctx().format_shortcut(&shortcut)).unwrap_or_default();
                    let row = ui.add(
                        egui::Button::selectable(position == self.selected, description.label.as_ref())
                            .right_text(egui::RichText::new(shortcut).color(palette.weak))
                            .min_size(egui::vec2(ui.available_width(), 0.0)),
                    );
                    if moved && position == self.selected {
                        row.scroll_to_me(None);
                    }
                    if row.on_hover_text(description.tooltip.as_ref()).clicked() {
                        chosen = Some((*command).clone());
                    }
                }
                if found.is_empty() {
                    ui.weak(format!("No action matches “{}”", self.query));
                }
            });
        });
        if chosen.is_some() || modal.should_close() {
            self.open = false;
        }
        chosen
    }
}

/// Whether each word of the query occurs in the label or the tooltip.
fn matches(query: &str, label: &str, tooltip: &str) -> bool {
    let text = format!("{label} {tooltip}").to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| text.contains(word))
}
