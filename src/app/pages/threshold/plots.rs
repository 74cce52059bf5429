//! The plots: metrics against the threshold, probabilities by class, precision-recall and ROC. The line is dragged with
//! the pointer anywhere in the first two, the operating point along the curve in the others; with the keyboard, arrows
//! move the line once it has the focus.

use super::study::{DrawnCurve, Study};
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette};
use crate::app::widgets::numbers::thousands;
use crate::app::widgets::{CsvTable, PlotCard};
use crate::evaluation::{CurvePoint, Metrics};
use egui::accesskit::Action;
use egui::{Color32, EventFilter, Id, Key, Rect, Sense, Stroke, Ui, pos2, vec2};
use egui_plot::{
    Bar, BarChart, GridInput, GridMark, HLine, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotResponse,
    Points, VLine,
};

/// What an arrow moves the line by.
const STEP: f64 = 0.005;

/// Colours of the four metrics: told apart with every kind of colour vision (Okabe and Ito, "Color universal design",
/// 2008), and by their strokes.
const PRECISION: Color32 = Color32::from_rgb(0x00, 0x9E, 0x73);
const RECALL: Color32 = Color32::from_rgb(0xCC, 0x79, 0xA7);
const ACCURACY: Color32 = Color32::from_rgb(0x8A, 0x94, 0x9E);

/// Metrics against the threshold; the threshold if the user moved it.
pub(super) fn metrics(ui: &mut Ui, shared: &mut Shared, study: &Study, threshold: f64, height: f32) -> Option<f64> {
    let palette = Palette::of(ui);
    let drawn = &study.metrics;
    let shown = PlotCard::new("Figures against the threshold", "Threshold", "Figure (0 to 1)")
        .height(height)
        .key(&[("F1", palette.text), ("Precision", PRECISION), ("Recall", RECALL), ("Accuracy", ACCURACY)])
        .show(
            ui,
            shared,
            || metrics_table(study),
            fixed,
            |plot| {
                for (name, points, colour, width, style) in [
                    ("Precision", &drawn.precision, PRECISION, 1.5, LineStyle::dashed_loose()),
                    ("Recall", &drawn.recall, RECALL, 1.5, LineStyle::dashed_dense()),
                    ("Accuracy", &drawn.accuracy, ACCURACY, 1.5, LineStyle::dotted_dense()),
                    ("F1", &drawn.f1, palette.text, 2.5, LineStyle::Solid),
                ] {
                    plot.line(
                        Line::new(name, PlotPoints::Borrowed(points))
                            .allow_band(false)
                            .color(colour)
                            .width(width)
                            .style(style)
                            .allow_hover(false),
                    );
                }
                plot.vline(VLine::new("Threshold", threshold).color(palette.accent).width(2.0).allow_hover(false));
            },
        );
    dragged_line(ui, &shown, "Threshold line", study, threshold)
}

/// Probabilities by class; the threshold if the user moved it.
pub(super) fn histogram(ui: &mut Ui, shared: &mut Shared, study: &Study, threshold: f64, height: f32) -> Option<f64> {
    let palette = Palette::of(ui);
    let counts = &study.histogram;
    let highest = counts.positives.iter().chain(&counts.negatives).copied().max().unwrap_or(1).max(1);
    let bars = |class: usize, counts: &[usize]| {
        let half = (study.histogram.edges[1] - study.histogram.edges[0]) / 2.0;
        let bars = study.histogram.edges.iter().zip(counts).map(|(&edge, &count)| {
            // Side by side, so that neither class hides the other.
            let place = edge + half * if class == 1 { 1.5 } else { 0.5 };
            Bar::new(place, count as f64).width(half * 0.92).fill(theme::class_colour(class)).stroke(Stroke::NONE)
        });
        BarChart::new(theme::class_name(class), bars.collect()).color(theme::class_colour(class)).allow_hover(false)
    };
    let shown = PlotCard::new("Probabilities by class", "Probability of a citation", "Rows")
        .height(height)
        .key(&[(theme::class_name(1), theme::CITATION), (theme::class_name(0), theme::NOT_CITATION)])
        .show(
            ui,
            shared,
            || histogram_table(study),
            move |plot| {
                let step = count_step(highest);
                let marks = move |_: GridInput| {
                    (0..=highest / step)
                        .map(|mark| GridMark { value: (mark * step) as f64, step_size: step as f64 })
                        .collect()
                };
                fixed(plot)
                    .default_y_bounds(0.0, highest as f64 * 1.08)
                    .y_grid_spacer(marks)
                    .y_axis_formatter(|mark, _| thousands(mark.value as usize))
            },
            |plot| {
                plot.bar_chart(bars(0, &counts.negatives));
                plot.bar_chart(bars(1, &counts.positives));
                plot.vline(VLine::new("Threshold", threshold).color(palette.accent).width(2.0).allow_hover(false));
            },
        );
    dragged_line(ui, &shown, "Threshold line among the probabilities", study, threshold)
}

/// The precision-recall curve with the share of citations as its baseline; the threshold if the user moved it.
pub(super) fn precision_recall(
    ui: &mut Ui,
    shared: &mut Shared,
    study: &Study,
    at: Metrics,
    height: f32,
) -> Option<f64> {
    let palette = Palette::of(ui);
    let base = study.positive_share();
    let shown = PlotCard::new("Precision against recall", "Recall", "Precision")
        .height(height)
        .key(&[("Model", palette.text), ("Everything a citation", palette.neutral)])
        .show(
            ui,
            shared,
            || curve_table(["recall", "precision", "threshold"], &study.analysis.precision_recall_curve()),
            fixed,
            |plot| {
                let everything =
                    HLine::new("Everything a citation", base).color(palette.neutral).style(LineStyle::dashed_loose());
                plot.hline(everything.allow_hover(false));
                curve(
                    plot,
                    &study.precision_recall,
                    PlotPoint::new(at.recall, at.precision),
                    palette.text,
                    palette.accent,
                );
            },
        );
    dragged_point(&shown, &study.precision_recall)
}

/// The ROC curve with chance as its baseline; the threshold if the user moved it.
pub(super) fn roc(ui: &mut Ui, shared: &mut Shared, study: &Study, threshold: f64, height: f32) -> Option<f64> {
    let palette = Palette::of(ui);
    let counts = study.analysis.confusion(threshold);
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let at = PlotPoint::new(
        share(counts.false_positive, study.analysis.negatives()),
        share(counts.true_positive, study.analysis.positives()),
    );
    let shown = PlotCard::new("ROC", "False-positive rate", "True-positive rate")
        .height(height)
        .key(&[("Model", palette.text), ("Chance", palette.neutral)])
        .show(
            ui,
            shared,
            || curve_table(["false_positive_rate", "true_positive_rate", "threshold"], &study.analysis.roc_curve()),
            fixed,
            |plot| {
                let chance = Line::new("Chance", vec![[0.0, 0.0], [1.0, 1.0]]).color(palette.neutral);
                plot.line(chance.style(LineStyle::dashed_loose()).allow_hover(false));
                curve(plot, &study.roc, at, palette.text, palette.accent);
            },
        );
    dragged_point(&shown, &study.roc)
}

fn curve<'a>(plot: &mut egui_plot::PlotUi<'a>, drawn: &'a DrawnCurve, at: PlotPoint, line: Color32, point: Color32) {
    // A band, which is what several points above one another would become, fills the corners of stairs.
    let model = Line::new("Model", PlotPoints::Borrowed(&drawn.points)).allow_band(false);
    plot.line(model.color(line).width(2.0).allow_hover(false));
    let here = Points::new("Operating point", vec![[at.x, at.y]]).shape(MarkerShape::Circle).filled(true);
    plot.points(here.radius(6.0).color(point).allow_hover(false));
}

/// Marks at every quarter, labelled.
fn quarters(_: GridInput) -> Vec<GridMark> {
    (0..=4).map(|quarter| GridMark { value: f64::from(quarter) / 4.0, step_size: 0.25 }).collect()
}

fn quarter_label(mark: GridMark) -> String {
    mark.value.to_string()
}

/// About four round steps up to a count.
fn count_step(highest: usize) -> usize {
    let rough = (highest / 4).max(1);
    let power = 10_usize.pow(rough.ilog10());
    [1, 2, 5].into_iter().map(|factor| factor * power).find(|&step| step >= rough).unwrap_or(10 * power)
}

/// All of 0 to 1 and nothing else: a plot that moved under the pointer could not be used to choose a threshold.
fn fixed(plot: Plot<'_>) -> Plot<'_> {
    plot.default_x_bounds(0.0, 1.0)
        .default_y_bounds(0.0, 1.03)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .x_grid_spacer(quarters)
        .y_grid_spacer(quarters)
        .x_axis_formatter(|mark, _| quarter_label(mark))
        .y_axis_formatter(|mark, _| quarter_label(mark))
        .show_crosshair(false)
        .label_formatter(|_| None)
}

/// Lets the pointer drag the line from anywhere in the plot, and makes the line itself something that the keyboard and
/// a screen reader can hold.
fn dragged_line<R>(ui: &Ui, shown: &PlotResponse<R>, name: &str, study: &Study, threshold: f64) -> Option<f64> {
    let frame = *shown.transform.frame();
    let x = shown.transform.position_from_point_x(threshold).clamp(frame.left(), frame.right());
    // Wider than the edge of a column, which the Tab key goes past.
    let handle = Rect::from_min_max(pos2(x - 6.0, frame.top()), pos2(x + 6.0, frame.bottom()));
    let id = Id::unique("threshold-line").with(name);
    let line = ui.interact(handle, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::ResizeHorizontal);
    line.widget_info(|| egui::WidgetInfo::slider(true, threshold, name));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
        node.set_numeric_value_step(STEP);
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
    if line.has_focus() {
        ui.painter().with_clip_rect(frame).vline(x, frame.y_range(), Stroke::new(4.0, Palette::of(ui).accent));
    }
    if line.clicked() || line.drag_started() {
        line.request_focus();
    }
    let dragged = [&line, &shown.response]
        .into_iter()
        .filter(|response| response.dragged() || response.clicked())
        .find_map(egui::Response::interact_pointer_pos)
        .map(|place| shown.transform.value_from_position(place).x.clamp(0.0, 1.0));
    if dragged.is_some() && shown.response.clicked() {
        line.request_focus();
    }
    dragged.or_else(|| by_keyboard(ui, id, study, threshold))
}

/// Arrows move the line by a small step, with Shift to the next probability of a row; Home and End to the lowest and the
/// highest of them.
fn by_keyboard(ui: &Ui, id: Id, study: &Study, threshold: f64) -> Option<f64> {
    let increments = |action| ui.input(|input| input.num_accesskit_action_requests(id, action)) as f64;
    let mut moved = threshold + STEP * (increments(Action::Increment) - increments(Action::Decrement));
    if ui.memory(|memory| memory.has_focus(id)) {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let pressed =
            |keys: [Key; 2]| ui.input(|input| keys.iter().map(|&key| input.num_presses(key)).sum::<usize>()) as i64;
        let steps = pressed([Key::ArrowRight, Key::ArrowUp]) - pressed([Key::ArrowLeft, Key::ArrowDown]);
        if ui.input(|input| input.modifiers.shift) {
            for _ in 0..steps.abs() {
                moved = neighbour(study.analysis.distinct(), moved, steps > 0);
            }
        } else {
            moved += STEP * steps as f64;
        }
        let distinct = study.analysis.distinct();
        if pressed([Key::Home, Key::Home]) > 0 {
            moved = distinct.last().copied().unwrap_or(moved);
        }
        if pressed([Key::End, Key::End]) > 0 {
            moved = distinct.first().copied().unwrap_or(moved);
        }
    }
    (moved != threshold).then(|| moved.clamp(0.0, 1.0))
}

/// The next of `distinct` (highest first) above or below; where there is none, where it was.
fn neighbour(distinct: &[f64], from: f64, up: bool) -> f64 {
    let found = if up {
        distinct[..distinct.partition_point(|&probability| probability > from)].last()
    } else {
        distinct.get(distinct.partition_point(|&probability| probability >= from))
    };
    found.copied().unwrap_or(from)
}

fn dragged_point<R>(shown: &PlotResponse<R>, curve: &DrawnCurve) -> Option<f64> {
    let response = &shown.response;
    let place = (response.dragged() || response.clicked()).then(|| response.interact_pointer_pos()).flatten()?;
    curve.nearest_threshold(shown.transform.value_from_position(place)).map(|threshold| threshold.clamp(0.0, 1.0))
}

fn metrics_table(study: &Study) -> CsvTable {
    let mut table = CsvTable::new(["threshold", "precision", "recall", "f1", "accuracy"]);
    for point in study.analysis.continuous() {
        let metrics = point.metrics;
        let row = [point.threshold, metrics.precision, metrics.recall, metrics.f1, metrics.accuracy];
        table.push(row.map(|figure| figure.to_string()));
    }
    table
}

fn histogram_table(study: &Study) -> CsvTable {
    let counts = &study.histogram;
    let mut table = CsvTable::new(["from", "to", "not_citation", "citation"]);
    for (bin, edges) in counts.edges.windows(2).enumerate() {
        let counts = [counts.negatives[bin].to_string(), counts.positives[bin].to_string()];
        table.push(edges.iter().map(f64::to_string).chain(counts));
    }
    table
}

fn curve_table(header: [&str; 3], points: &[CurvePoint]) -> CsvTable {
    let mut table = CsvTable::new(header);
    for point in points {
        table.push([point.x, point.y, point.threshold].map(|figure| figure.to_string()));
    }
    table
}

/// The plots side by side where there is room; `contents` draws the one with the number it is given.
pub(super) fn grid(ui: &mut Ui, contents: &mut dyn FnMut(&mut Ui, usize)) {
    let columns = if ui.available_width() > 620.0 { 2 } else { 1 };
    for row in 0..4 / columns {
        if columns == 1 {
            contents(ui, row);
            continue;
        }
        let gap = ui.spacing().item_spacing.x;
        let width = (ui.available_width() - gap) / 2.0;
        ui.horizontal_top(|ui| {
            for column in 0..2 {
                ui.allocate_ui(vec2(width, 0.0), |ui| {
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        contents(ui, row * 2 + column);
                    });
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::neighbour;

    #[test]
    fn neighbours_are_found_from_on_and_between_probabilities() {
        let distinct = [0.9, 0.5, 0.2];
        assert_eq!(neighbour(&distinct, 0.5, true), 0.9);
        assert_eq!(neighbour(&distinct, 0.5, false), 0.2);
        assert_eq!(neighbour(&distinct, 0.6, true), 0.9);
        assert_eq!(neighbour(&distinct, 0.6, false), 0.5);
        assert_eq!(neighbour(&distinct, 0.95, true), 0.95);
        assert_eq!(neighbour(&distinct, 0.1, false), 0.1);
    }
}
