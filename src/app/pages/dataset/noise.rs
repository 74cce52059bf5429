//! Signs of noise, explained, with their lines.

use super::loaded::Loaded;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::numbers::{counted, percent_of};
use crate::app::widgets::{CsvTable, card, export_menu, section};
use crate::dataset::LintFinding;
use egui::{RichText, Ui};

/// Draws the findings; the one whose rows the user wants to see.
pub fn show(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) -> Option<LintFinding> {
    let report = &loaded.described.report;
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            section(
                ui,
                "Signs of noise",
                Some("What often goes wrong when such datasets are made. Nothing is removed: look, and decide"),
            );
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
            export_menu(ui, shared, "Signs of noise", || {
                let mut table = CsvTable::new(["kind", "lines", "first_lines", "explanation"]);
                for finding in &report.lint {
                    let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
                    let explanation = finding.kind.explanation().to_owned();
                    table.push([
                        finding.kind.title().to_owned(),
                        finding.count.to_string(),
                        lines.join(" "),
                        explanation,
                    ]);
                }
                table
            });
        });
    });
    if report.lint.is_empty() {
        ui.label("None of the known signs was found");
        return None;
    }
    let mut chosen = None;
    let weak = Palette::of(ui).weak;
    for finding in &report.lint {
        card(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.label(RichText::new(finding.kind.title()).family(theme::bold()));
                ui.label(
                    RichText::new(format!(
                        "{} ({})",
                        counted(finding.count, "line", "lines"),
                        percent_of(finding.count, report.rows)
                    ))
                    .color(weak),
                );
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let text = if finding.count > finding.lines.len() {
                        format!("Show the first {} rows", finding.lines.len())
                    } else {
                        "Show these rows".to_owned()
                    };
                    let name = format!("{text}: {}", finding.kind.title());
                    let button = ui.button(text);
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    if button.clicked() {
                        chosen = Some(finding.clone());
                    }
                });
            });
            ui.add(egui::Label::new(finding.kind.explanation()).wrap());
        });
        ui.add_space(space::TIGHT);
    }
    chosen
}
