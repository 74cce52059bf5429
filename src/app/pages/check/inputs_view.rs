//! Drawing the left side: the sentence, the ways to add candidates, and what is done to them.

use super::CheckPage;
use super::candidates::{self, ListAction};
use crate::app::command::Command;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::counted;
use crate::app::widgets::{at_end, section};
use crate::checking::split_pasted;
use egui::{RichText, TextEdit, Ui};

impl CheckPage {
    pub(super) fn input_column(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            section(ui, "Sentence", None);
            at_end(ui, "sentence", egui::Align::Center, |ui| {
                if let Some(action) = self.history.next()
                    && ui.button("Undo").on_hover_text(format!("Take back {action}")).clicked()
                {
                    shared.send(Command::UndoCheck);
                }
                if ui
                    .add_enabled(!self.inputs.is_empty(), egui::Button::new("Clear"))
                    .on_hover_text("Take the sentence and all candidates away")
                    .clicked()
                {
                    shared.send(Command::ClearCheck);
                }
            });
        });
        let changed = egui::ScrollArea::vertical()
            .id_salt("sentence")
            .max_height(84.0)
            .show(ui, |ui| {
                let field = TextEdit::multiline(&mut self.inputs.sentence)
                    .id_salt("sentence_text")
                    .hint_text("Type or paste the sentence that may cite")
                    .desired_rows(3)
                    .desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Sentence to check").changed()
            })
            .inner;
        if changed {
            self.scoring.changed(&shared.context);
        }
        ui.add_space(space::TIGHT);
        ui.horizontal(|ui| {
            section(ui, "Candidates", None);
            if !self.inputs.candidates.is_empty() {
                ui.label(
                    RichText::new(counted(self.inputs.candidates.len(), "candidate", "candidates")).color(palette.weak),
                );
            }
        });
        ui.horizontal_wrapped(|ui| {
            for command in [Command::AddCandidate, Command::OpenReferences, Command::TakeFromDataset] {
                let description = command.description();
                let possible = command != Command::TakeFromDataset || shared.dataset.is_some();
                let button = ui.add_enabled(possible, egui::Button::new(description.label.as_ref()));
                let button = button.on_hover_text(description.tooltip.as_ref());
                if button.on_disabled_hover_text("Open a dataset on the Dataset page first").clicked() {
                    shared.send(command);
                }
            }
        });
        self.paste_field(ui, shared);
        if let Some(note) = &self.note {
            ui.add(egui::Label::new(RichText::new(note).small().color(palette.weak)).wrap());
        }
        if let Some(action) =
            candidates::show(ui, &mut self.inputs, self.selected, std::mem::take(&mut self.focus_title))
        {
            self.on_list(action, shared);
        }
    }

    fn paste_field(&mut self, ui: &mut Ui, shared: &Shared) {
        let response = egui::ScrollArea::vertical()
            .id_salt("pasted")
            .max_height(62.0)
            .show(ui, |ui| {
                let field = TextEdit::multiline(&mut self.pasted)
                    .id_salt("pasted_text")
                    .hint_text("Paste references here: title, authors and text on lines of their own, a blank line between references")
                    .desired_rows(2)
                    .desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Paste references")
            })
            .inner;
        let was_pasted = response.changed()
            && ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Paste(_))));
        if was_pasted {
            let references = split_pasted(&std::mem::take(&mut self.pasted));
            self.add(references, shared);
        } else if !self.pasted.trim().is_empty() {
            let references = split_pasted(&self.pasted);
            let text = format!("Add {}", counted(references.len(), "candidate", "candidates"));
            if ui.add_enabled(!references.is_empty(), egui::Button::new(text)).clicked() {
                self.pasted.clear();
                self.add(references, shared);
            }
        }
    }

    /// Ctrl+V adds references wherever no text field has the keyboard.
    pub(super) fn paste_without_focus(&mut self, ui: &Ui, shared: &Shared) {
        if ui.ctx().egui_wants_keyboard_input() || self.picker.is_open() {
            return;
        }
        let pasted = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted {
            self.add(split_pasted(&text), shared);
        }
    }

    fn on_list(&mut self, action: ListAction, shared: &Shared) {
        match action {
            ListAction::Select(selected) => {
                self.selected = selected;
                return;
            }
            ListAction::Edited => {}
            ListAction::Remove(index) => {
                self.history.before("removing a candidate", &self.inputs);
                self.inputs.candidates.remove(index);
                self.selected = None;
            }
            ListAction::JoinWithPrevious(index) => {
                self.history.before("joining two candidates", &self.inputs);
                self.inputs.join_with_previous(index);
                self.selected = index.checked_sub(1);
            }
            ListAction::AuthorsToText(index) => {
                self.history.before("moving the authors", &self.inputs);
                self.inputs.authors_to_text(index);
            }
        }
        self.note = None;
        self.scoring.changed(&shared.context);
    }
}
