//! The threshold as a number, the ways to choose it, and what it decides.

use super::study::Study;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::numbers::thousands;
use crate::app::widgets::{card, class_marker, section};
use crate::evaluation::Confusion;
use egui::{DragValue, Grid, RichText, Sense, Slider, Ui, vec2};

/// What the ways to choose ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wishes {
    pub recall: f64,
    pub beta: f64,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { recall: 0.9, beta: 2.0 }
    }
}

/// The threshold as a slider and a number, and what `more` puts below; the new threshold if the user moved it.
pub(super) fn number(ui: &mut Ui, threshold: f64, more: impl FnOnce(&mut Ui)) -> Option<f64> {
    let palette = Palette::of(ui);
    card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        section(ui, "Threshold", Some("A row is called a citation from this probability on"));
        let moved = ui
            .horizontal(|ui| {
                // The rail would have the card's colour.
                ui.visuals_mut().widgets.inactive.bg_fill = palette.line;
                ui.spacing_mut().slider_width = (ui.available_width() - 84.0).max(80.0);
                // Both round what they show, so each has a copy, and only what the user changes counts.
                let (mut slid, mut typed) = (threshold, threshold);
                let slider = Slider::new(&mut slid, 0.0..=1.0).show_value(false);
                if ui.add(slider).accessible_name("Threshold slider").changed() {
                    return Some(slid);
                }
                let number = DragValue::new(&mut typed).range(0.0..=1.0).speed(0.002).max_decimals(4).min_decimals(3);
                ui.add(number).accessible_name("Threshold").changed().then_some(typed)
            })
            .inner;
        more(ui);
        moved
    })
    .inner
}

/// The ways to choose, each explained; the threshold one of them gives, or why it gives none.
pub(super) fn choose(ui: &mut Ui, study: &Study, wishes: &mut Wishes) -> Option<Result<f64, String>> {
    let mut chosen = None;
    let palette = Palette::of(ui);
    let help = |ui: &mut Ui, text: &str| {
        ui.add(egui::Label::new(RichText::new(text).small().color(palette.weak)).wrap());
    };
    card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        section(ui, "Choose by", None);
        if ui.button("Highest F1").clicked() {
            chosen = Some(Ok(study.sweep.best.threshold));
        }
        help(ui, "The first of the 33 points with the highest F1, which weighs missed and false citations alike");
        ui.add_space(space::TIGHT);
        ui.horizontal(|ui| {
            let pressed = ui.button("Recall of at least").clicked();
            ui.add(DragValue::new(&mut wishes.recall).range(0.0..=1.0).speed(0.005).fixed_decimals(2))
                .accessible_name("Recall to reach");
            if pressed {
                chosen = Some(
                    study.analysis.highest_with_recall(wishes.recall).map(|point| point.threshold).ok_or_else(|| {
                        format!(
                            "No threshold reaches a recall of {:.2}: the file has no row labelled CITATION",
                            wishes.recall
                        )
                    }),
                );
            }
        });
        help(ui, "The highest threshold that still finds this share of the true citations");
        ui.add_space(space::TIGHT);
        ui.horizontal(|ui| {
            let pressed = ui.button("Highest F-beta, beta").clicked();
            ui.add(DragValue::new(&mut wishes.beta).range(0.1..=10.0).speed(0.05).fixed_decimals(1))
                .accessible_name("Beta");
            if pressed {
                let best = study.analysis.best_f_beta(wishes.beta).map(|point| point.threshold);
                chosen = Some(best.ok_or_else(|| "The file has no rows to choose from".to_owned()));
            }
        });
        help(ui, "Recall counts beta times as much as precision: 2 to miss little, 0.5 to be right when it says yes");
    });
    chosen
}

/// What the threshold decides, class by class.
pub(super) fn confusion(ui: &mut Ui, counts: Confusion) {
    card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        section(ui, "Decisions", None);
        Grid::new("confusion").spacing([space::MEDIUM, 6.0]).show(ui, |ui| {
            ui.label("");
            ui.label(RichText::new("Called citation").small());
            ui.label(RichText::new("Called not").small());
            ui.end_row();
            class_name(ui, 1, "Citations");
            cell(ui, counts.true_positive, "found", true);
            cell(ui, counts.false_negative, "missed", false);
            ui.end_row();
            class_name(ui, 0, "Others");
            cell(ui, counts.false_positive, "false alarms", false);
            cell(ui, counts.true_negative, "rejected", true);
            ui.end_row();
        });
    });
}

fn class_name(ui: &mut Ui, class: usize, name: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().add(class_marker(class, rect.center(), 4.5));
        ui.label(name).on_hover_text(theme::class_name(class));
    });
}

fn cell(ui: &mut Ui, count: usize, name: &str, right: bool) {
    let palette = Palette::of(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        ui.label(RichText::new(thousands(count)).size(theme::size::HEADING));
        let sign = if right { "✔" } else { "✖" };
        ui.label(RichText::new(format!("{sign} {name}")).small().color(palette.weak));
    });
}
