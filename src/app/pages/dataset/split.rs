//! The split by paper, with its settings.

use super::loaded::Loaded;
use crate::app::shared::Shared;
use crate::app::theme::space;
use crate::app::widgets::numbers::{decimal, percent_of, thousands};
use crate::app::widgets::{CsvTable, card, field_row, figure_row, section, table_card, warning};
use crate::dataset::{Cleaning, Split, SplitSettings};
use egui::{DragValue, Slider, Ui};

/// Draws settings and result. The settings are those of [`Shared`], which training uses too.
pub fn show(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded, busy: bool) {
    section(
        ui,
        "Split by paper",
        Some(
            "All rows of a citing paper stay in one part, so that a model is never tested on a paper that it has learned from",
        ),
    );
    settings(ui, shared, busy);
    ui.add_space(space::MEDIUM);
    match &loaded.divided.split {
        Err(failure) => {
            warning(ui, &failure.to_string());
        }
        Ok(split) => {
            result(ui, shared, split);
            ui.add_space(space::MEDIUM);
            match split.check_trainable() {
                Err(failure) => {
                    warning(ui, &format!("This split cannot be trained on: {failure}"));
                }
                Ok(()) if !loaded.dataset.labelled => {
                    warning(ui, "The dataset has no labels, so it cannot be trained on");
                }
                Ok(()) => {}
            }
        }
    }
}

fn settings(ui: &mut Ui, shared: &mut Shared, busy: bool) {
    card(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::LARGE;
            let SplitSettings { seed, train, validation } = &mut shared.split;
            ui.vertical(|ui| {
                ui.set_width(190.0);
                field_row(ui, "Seed", "The same seed gives the same split, here and in the notebook", |ui| {
                    ui.add(DragValue::new(seed).speed(0.2))
                });
            });
            ui.vertical(|ui| {
                ui.set_width(210.0);
                field_row(ui, "Share for training", "Of the papers; the model learns from these", |ui| {
                    ui.add(percentage(train))
                });
            });
            ui.vertical(|ui| {
                ui.set_width(210.0);
                field_row(ui, "Share for validation", "Chooses epoch and threshold; the rest is the test", |ui| {
                    ui.add(percentage(validation))
                });
            });
        });
        ui.add_space(space::SMALL);
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut shared.cleaning.keep_title_only, "Keep title-only rows")
                .on_hover_text("Rows whose reference has a title but no text are dropped without this");
            let defaults = (SplitSettings::default(), Cleaning::default());
            let changed = (shared.split, shared.cleaning) != defaults;
            if ui.add_enabled(changed, egui::Button::new("Back to the defaults")).clicked() {
                (shared.split, shared.cleaning) = defaults;
            }
            if busy {
                ui.spinner();
                ui.weak("Splitting…");
            }
        });
    });
}

fn percentage(share: &mut f64) -> Slider<'_> {
    Slider::new(share, 0.0..=1.0)
        .step_by(0.01)
        .custom_formatter(|share, _| format!("{} %", decimal(share * 100.0, 0)))
        .custom_parser(|text| text.trim_end_matches('%').trim().parse::<f64>().ok().map(|percent| percent / 100.0))
}

fn result(ui: &mut Ui, shared: &mut Shared, split: &Split) {
    let parts = [("Train", &split.train), ("Validation", &split.validation), ("Test", &split.test)];
    let rows: usize = parts.iter().map(|(_, part)| part.rows.len()).sum();
    let csv = || {
        let mut table = CsvTable::new(["part", "papers", "rows", "citation", "not_citation"]);
        for (name, part) in parts {
            let [negative, positive] = part.labels;
            let counts = [part.papers.len(), part.rows.len(), positive, negative].map(|count| count.to_string());
            table.push(std::iter::once(name.to_lowercase()).chain(counts));
        }
        table
    };
    table_card(ui, shared, "Parts", csv, |ui| {
        for heading in ["Part", "Papers", "Rows", "Share of rows", "CITATION", "NOT_CITATION", "CITATION share"] {
            ui.weak(heading);
        }
        ui.end_row();
        for (name, part) in parts {
            let [negative, positive] = part.labels;
            ui.label(name);
            ui.label(thousands(part.papers.len()));
            ui.label(thousands(part.rows.len()));
            ui.label(percent_of(part.rows.len(), rows));
            ui.label(thousands(positive));
            ui.label(thousands(negative));
            ui.label(percent_of(positive, positive + negative));
            ui.end_row();
        }
    });
    ui.add_space(space::MEDIUM);
    let [negative, positive] = split.class_weights;
    let about = "in the loss of training".to_owned();
    figure_row(
        ui,
        [
            ("Weight of CITATION", decimal(positive, 3), Some(about.clone())),
            ("Weight of NOT_CITATION", decimal(negative, 3), Some(about)),
        ],
    );
}
