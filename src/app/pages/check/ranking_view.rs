//! Drawing the right side: the ranking with what was said about it, or what to do first.

use super::figures::ModelFigures;
use super::model::ModelState;
use super::{CheckPage, results};
use crate::app::command::{Command, CopyFormat};
use crate::app::shared::Shared;
use crate::app::theme::Palette;
use crate::app::widgets::numbers::counted;
use crate::app::widgets::{EmptyState, section, warning};
use crate::model::ModelSource;
use egui::{RichText, Ui};

impl CheckPage {
    pub(super) fn result_column(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        if let ModelState::Failed(message) = self.model.state() {
            let message = message.clone();
            self.failed_model(ui, &message, shared);
            return;
        }
        if self.inputs.is_empty() {
            let empty = EmptyState {
                icon: "❝",
                title: "Does this sentence cite that paper?",
                text: "Type or paste a sentence, add the references that it may cite, and see them ranked",
                action: "Try the example",
            };
            if empty.show(ui, |_| {}).clicked() {
                shared.send(Command::CheckExample);
            }
            return;
        }
        let ranked = self.scoring.ranked();
        ui.horizontal(|ui| {
            section(ui, "Ranking", None);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ranked.is_some_and(|(_, current)| current) {
                    copy_menu(ui, shared);
                }
            });
        });
        if let Some(message) = self.scoring.error() {
            ui.add(egui::Label::new(RichText::new(format!("✖ {message}")).color(palette.error)).wrap());
        }
        if self.inputs.sentence.trim().is_empty() {
            ui.weak("Type the sentence to check");
        } else if self.inputs.rankable().is_empty() {
            ui.weak("Add a candidate with a title or a text");
        }
        let mut stop = false;
        if let Some((done, total)) = self.scoring.progress().filter(|(_, total)| *total > 32) {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(format!("Ranking {done} of {}…", counted(total as usize, "candidate", "candidates")));
                stop = ui.button("Cancel").clicked();
            });
        }
        let mut again = false;
        let mut clicked = None;
        if let Some((ranked, current)) = ranked {
            if current {
                let threshold = ranked.ranking.threshold;
                let count = counted(ranked.ranking.candidates.len(), "candidate", "candidates");
                let seconds = ranked.took.as_secs_f64();
                let text = format!("{count} in {seconds:.2} s · the upright line is the threshold, {threshold:.3}");
                ui.label(RichText::new(text).small().color(palette.weak));
                let bundled = *self.model.source() == ModelSource::Bundled;
                if bundled && self.figures.as_ref().is_some_and(ModelFigures::is_at_chance) {
                    warning(ui, "By a model at chance: these probabilities say nothing about these references");
                }
            } else if !self.scoring.is_busy() && self.scoring.error().is_none() {
                ui.horizontal(|ui| {
                    ui.weak("This ranking is out of date");
                    again = ui.button("Rank again").clicked();
                });
            } else {
                ui.label(RichText::new("Ranking…").small().color(palette.weak));
            }
            clicked = results::show(ui, ranked, current, self.selected);
        } else if self.scoring.is_busy() && self.model.ready().is_some() {
            ui.weak("Ranking…");
        }
        if stop {
            self.scoring.cancel();
        }
        if again {
            self.scoring.changed(&shared.context);
        }
        if clicked.is_some() {
            self.selected = clicked;
        }
    }
}

fn copy_menu(ui: &mut Ui, shared: &mut Shared) {
    let menu = ui.menu_button("Copy", |ui| {
        for format in [CopyFormat::Text, CopyFormat::Csv, CopyFormat::Json] {
            let command = Command::CopyRanking(format);
            let description = command.description();
            if ui.button(description.label.as_ref()).on_hover_text(description.tooltip.as_ref()).clicked() {
                shared.send(command);
                ui.close();
            }
        }
    });
    menu.response.on_hover_text("Copy the ranking");
}
