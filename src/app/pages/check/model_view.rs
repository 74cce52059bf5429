//! Drawing the model: which one ranks, what it reaches, and why it could not be loaded.

use super::CheckPage;
use super::model::ModelState;
use crate::app::command::Command;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::{Unit, primary_button, progress_strip, section, warning};
use crate::model::ModelSource;
use egui::{Frame, Margin, RichText, Ui};

impl CheckPage {
    pub(super) fn model_bar(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Model");
            self.model_menu(ui, shared, label.id);
            match self.model.state() {
                ModelState::Asleep => {}
                ModelState::Loading(job) => {
                    if progress_strip(ui, "Loading the model…", job.progress(), Unit::Bytes) {
                        job.cancel();
                    }
                }
                ModelState::Ready(model) => {
                    let threshold = model.scorer.threshold();
                    let origin = if model.own_threshold {
                        "saved with the model"
                    } else {
                        "the default, as the model has none saved"
                    };
                    ui.label(format!("Threshold {threshold:.3}"));
                    let base = model.base_name().map_or(String::new(), |base| format!(" · made from {base}"));
                    let device = model.device;
                    let line = ui.label(RichText::new(format!("{origin}{base} · on the {device}")).color(palette.weak));
                    if let Some(base) = &model.base {
                        line.on_hover_text(format!("Made from {base}"));
                    }
                }
                ModelState::Failed(_) => {
                    ui.label(RichText::new("✖ could not be loaded").color(palette.error));
                }
            }
        });
        if let (ModelSource::Bundled, Some(figures)) = (self.model.source(), &self.figures) {
            if let Some(caution) = figures.caution() {
                warning(ui, &caution).on_hover_text(figures.line());
            }
            ui.add(egui::Label::new(RichText::new(figures.line()).small().color(palette.weak)).wrap());
        }
    }

    fn model_menu(&mut self, ui: &mut Ui, shared: &mut Shared, label: egui::Id) {
        let mut chosen = None;
        let menu = egui::ComboBox::from_id_salt("check_model_choice")
            .selected_text(self.model.name())
            .width(220.0)
            .truncate()
            .show_ui(ui, |ui| {
                let source = self.model.source();
                if ui.selectable_label(*source == ModelSource::Bundled, "Bundled model").clicked() {
                    chosen = Some(ModelSource::Bundled);
                }
                for run in self.model.runs() {
                    let best = ModelSource::Folder(run.best.clone());
                    let text = format!("{}, best", run.name);
                    if ui.selectable_label(*source == best, text).clicked() {
                        chosen = Some(best);
                    }
                }
                if ui.selectable_label(false, "Choose a folder…").clicked() {
                    shared.send(Command::ChooseModelFolder);
                }
            });
        menu.response.clone().labelled_by(label);
        if menu.response.clicked() {
            self.model.list_runs(&shared.context);
        }
        if let Some(source) = chosen {
            self.choose_model(source, shared);
        }
    }

    pub(super) fn failed_model(&mut self, ui: &mut Ui, message: &str, shared: &Shared) {
        let palette = Palette::of(ui);
        let frame = Frame::new()
            .fill(palette.error_wash)
            .stroke(egui::Stroke::new(1.0, palette.error))
            .corner_radius(8.0)
            .inner_margin(Margin::same(space::MEDIUM as i8));
        frame.show(ui, |ui| {
            section(ui, "The model could not be loaded", None);
            ui.add(egui::Label::new(message).wrap().selectable(true));
            ui.add_space(space::SMALL);
            ui.horizontal_wrapped(|ui| {
                let bundled = *self.model.source() == ModelSource::Bundled;
                if !bundled && primary_button(ui, "Use the bundled model").clicked() {
                    self.choose_model(ModelSource::Bundled, shared);
                }
                if ui.button("Try again").on_hover_text("Load the same model once more").clicked() {
                    self.model.reload(&shared.context);
                }
            });
        });
        ui.add_space(space::SMALL);
        ui.weak("The sentence and the candidates are still there");
    }
}
