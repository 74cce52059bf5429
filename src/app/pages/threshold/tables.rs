//! The figures beside those of simple answers, and the 33 points.

use super::intervals::{Areas, AtThreshold};
use super::study::Study;
use super::texts::TextFigures;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::{CsvTable, card, export_menu, section, table_card};
use crate::evaluation::{Interval, Metrics};
use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use std::fmt::Write as _;

/// One part's figures at the chosen threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartFigures<'a> {
    /// `Validation` or `Test`.
    pub part: &'static str,
    pub study: &'a Study,
    pub metrics: Metrics,
    pub at: Option<AtThreshold>,
    pub areas: Option<Areas>,
    pub texts: Option<&'a TextFigures>,
}

/// The model's figure with its interval, that of calling everything a citation (or chance), that of word overlap.
struct Line {
    name: &'static str,
    explanation: &'static str,
    model: Option<f64>,
    interval: Option<Interval>,
    simple: Option<f64>,
    overlap: Option<f64>,
}

impl PartFigures<'_> {
    fn lines(&self) -> Vec<Line> {
        let all = self.study.all_positive;
        let overlap = self.texts.map(|texts| texts.overlap);
        let metric = |name, explanation, of: fn(&Metrics) -> f64, interval: Option<Interval>| Line {
            name,
            explanation,
            model: Some(of(&self.metrics)),
            interval,
            simple: Some(of(&all)),
            overlap: overlap.as_ref().map(of),
        };
        let at = |of: fn(&AtThreshold) -> Option<Interval>| self.at.as_ref().and_then(of);
        let ranking = |of: fn(&TextFigures) -> f64| self.texts.filter(|texts| texts.ranking.sentences > 0).map(of);
        vec![
            metric("F1", "Harmonic mean of precision and recall", |metrics| metrics.f1, at(|at| at.f1)),
            metric(
                "Precision",
                "How many of the rows called citations are citations",
                |metrics| metrics.precision,
                at(|at| at.precision),
            ),
            metric("Recall", "How many of the citations are found", |metrics| metrics.recall, at(|at| at.recall)),
            metric("Accuracy", "How many rows are decided rightly", |metrics| metrics.accuracy, at(|at| at.accuracy)),
            Line {
                name: "ROC AUC",
                explanation: "How often a citation gets a higher probability than another row; needs no threshold",
                model: self.study.roc_auc,
                interval: self.areas.and_then(|areas| areas.roc_auc),
                simple: self.study.roc_auc.map(|_| 0.5),
                overlap: self.texts.and_then(|texts| texts.overlap_roc_auc),
            },
            Line {
                name: "Average precision",
                explanation: "Precision averaged over the recalls that are reached; needs no threshold",
                model: self.study.average_precision,
                interval: self.areas.and_then(|areas| areas.average_precision),
                simple: self.study.average_precision.map(|_| self.study.positive_share()),
                overlap: self.texts.and_then(|texts| texts.overlap_average_precision),
            },
            Line {
                name: "Top-1",
                explanation: "How often the first candidate of a sentence is a true one; needs no threshold",
                model: ranking(|texts| texts.ranking.top1),
                interval: self.texts.and_then(|texts| texts.ranking_intervals.top1),
                simple: ranking(|texts| texts.ranking.chance_top1),
                overlap: ranking(|texts| texts.overlap_ranking.top1),
            },
            Line {
                name: "MRR",
                explanation: "One over the rank of a sentence's first true candidate, averaged; needs no threshold",
                model: ranking(|texts| texts.ranking.mrr),
                interval: self.texts.and_then(|texts| texts.ranking_intervals.mrr),
                simple: ranking(|texts| texts.ranking.chance_mrr),
                overlap: ranking(|texts| texts.overlap_ranking.mrr),
            },
        ]
    }
}

/// Three decimals, or a dash.
fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn bracket(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| format!("[{:.2}, {:.2}]", interval.low, interval.high))
}

fn figures_csv(parts: &[PartFigures<'_>], threshold: f64) -> CsvTable {
    let header =
        ["part", "threshold", "figure", "model", "low_95", "high_95", "everything_positive_or_chance", "word_overlap"];
    let mut table = CsvTable::new(header);
    let exact = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for part in parts {
        for line in part.lines() {
            table.push([
                part.part.to_lowercase(),
                threshold.to_string(),
                line.name.to_owned(),
                exact(line.model),
                exact(line.interval.map(|interval| interval.low)),
                exact(line.interval.map(|interval| interval.high)),
                exact(line.simple),
                exact(line.overlap),
            ]);
        }
    }
    table
}

/// The figures as text to be pasted into a report.
pub(super) fn figures_text(parts: &[PartFigures<'_>], threshold: f64, verdict: &str) -> String {
    let mut text = format!("Threshold {threshold}\n{verdict}\n");
    for part in parts {
        let counts = part.study.analysis.confusion(threshold);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n{} ({}): {} found, {} missed, {} false alarms, {} rejected",
            part.part,
            part.study.path.display(),
            counts.true_positive,
            counts.false_negative,
            counts.false_positive,
            counts.true_negative
        );
        for line in part.lines() {
            let _ = writeln!(
                text,
                "{}: {} {} (everything a citation, or chance: {}; word overlap: {})",
                line.name,
                figure(line.model),
                bracket(line.interval),
                figure(line.simple),
                figure(line.overlap)
            );
        }
    }
    text
}

/// The figures of one part, or of two beside each other.
pub(super) fn figures(ui: &mut Ui, shared: &mut Shared, parts: &[PartFigures<'_>], threshold: f64) {
    let palette = Palette::of(ui);
    table_card(
        ui,
        shared,
        "Figures at this threshold",
        || figures_csv(parts, threshold),
        |ui| {
            ui.label("");
            for part in parts {
                for column in [part.part, "95 % interval", "Everything a citation", "Word overlap"] {
                    ui.label(RichText::new(column).small().color(palette.weak));
                }
            }
            ui.end_row();
            let lines: Vec<Vec<Line>> = parts.iter().map(PartFigures::lines).collect();
            for row in 0..lines.first().map_or(0, Vec::len) {
                let names = &lines[0][row];
                ui.label(names.name).on_hover_text(names.explanation);
                for line in lines.iter().map(|lines| &lines[row]) {
                    ui.label(RichText::new(figure(line.model)).family(theme::bold()));
                    ui.label(RichText::new(bracket(line.interval)).color(palette.weak));
                    let simple = ui.label(figure(line.simple));
                    if matches!(line.name, "ROC AUC" | "Average precision" | "Top-1") {
                        simple.on_hover_text("What chance reaches");
                    }
                    ui.label(figure(line.overlap));
                }
                ui.end_row();
            }
        },
    );
}

/// The 33 points with the best marked; the threshold of the one that was clicked.
pub(super) fn points(ui: &mut Ui, shared: &mut Shared, study: &Study, threshold: f64) -> Option<f64> {
    const ROW: f32 = 26.0;
    let palette = Palette::of(ui);
    let mut clicked = None;
    card(ui, |ui| {
        ui.horizontal(|ui| {
            section(ui, "33 thresholds", None);
            ui.weak("click one to use it");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                export_menu(ui, shared, "Thresholds", || points_csv(study));
            });
        });
        let best = study.sweep.best.threshold;
        TableBuilder::new(ui)
            .id_salt("points")
            .striped(true)
            .column(Column::exact(150.0))
            .columns(Column::remainder().at_least(70.0), 4)
            .cell_layout(Layout::left_to_right(Align::Center))
            .max_scroll_height(300.0)
            .auto_shrink([false, true])
            .header(ROW, |mut header| {
                for name in ["Threshold", "F1", "Precision", "Recall", "Accuracy"] {
                    header.col(|ui| {
                        ui.label(RichText::new(name).small().color(palette.weak));
                    });
                }
            })
            .body(|body| {
                body.rows(ROW, study.sweep.points.len(), |mut row| {
                    let point = study.sweep.points[row.index()];
                    let is_best = point.threshold == best;
                    row.set_selected(point.threshold == threshold);
                    row.col(|ui| {
                        let text = format!("{:.3}", point.threshold);
                        let name = format!("Use threshold {text}");
                        if ui.add(egui::Button::new(text).small()).accessible_name(name).clicked() {
                            clicked = Some(point.threshold);
                        }
                        if is_best {
                            ui.label(RichText::new("★ best F1").small().color(palette.accent));
                        }
                    });
                    let metrics = point.metrics;
                    for value in [metrics.f1, metrics.precision, metrics.recall, metrics.accuracy] {
                        row.col(|ui| {
                            let text = RichText::new(format!("{value:.3}"));
                            ui.label(if is_best { text.family(theme::bold()) } else { text });
                        });
                    }
                });
            });
        ui.add_space(space::TIGHT);
    });
    clicked
}

fn points_csv(study: &Study) -> CsvTable {
    let mut table = CsvTable::new(["threshold", "accuracy", "precision", "recall", "f1", "best"]);
    for point in &study.sweep.points {
        let metrics = point.metrics;
        let best = point.threshold == study.sweep.best.threshold;
        let figures = [point.threshold, metrics.accuracy, metrics.precision, metrics.recall, metrics.f1];
        table.push(figures.map(|figure| figure.to_string()).into_iter().chain([u8::from(best).to_string()]));
    }
    table
}
