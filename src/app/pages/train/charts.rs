//! The plots of a run.

use super::open_run::{Chart, OpenRun};
use crate::app::shared::Shared;
use crate::app::theme::{Palette, mix};
use crate::app::widgets::numbers::thousands;
use crate::app::widgets::{CsvTable, PlotCard};
use egui::Ui;
use egui_plot::{HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points};

/// Draws the chosen plot of the run.
pub fn show(run: &OpenRun, ui: &mut Ui, shared: &mut Shared, height: f32) {
    let palette = Palette::of(ui);
    let curves = &run.curves;
    let table = || steps_table(run);
    match run.chart {
        Chart::Loss => {
            let (raw, validation) = (mix(palette.card, palette.neutral, 0.55), palette.text);
            PlotCard::new("Loss", "Step", "Weighted cross-entropy (nats)").legend().height(height).show(
                ui,
                shared,
                table,
                adjust,
                |plot| {
                    plot.line(line("Training, as logged", &curves.loss).color(raw).width(1.0));
                    plot.line(line("Training, smoothed", &curves.smoothed).color(palette.accent).width(2.0));
                    // A line needs two points; a short training may log only one.
                    if curves.loss.len() == 1 {
                        let mark = Points::new("Training, smoothed", PlotPoints::Borrowed(&curves.smoothed));
                        plot.points(mark.radius(4.0).color(palette.accent));
                    }
                    if !curves.validation.is_empty() {
                        let dashed = line("Validation", &curves.validation).style(LineStyle::dashed_dense());
                        plot.line(dashed.color(validation).width(1.5));
                        let marks = Points::new("Validation", PlotPoints::Borrowed(&curves.validation));
                        plot.points(marks.shape(MarkerShape::Diamond).radius(5.0).color(validation));
                    }
                },
            );
        }
        Chart::LearningRate => {
            single(run, "Learning rate", "Learning rate", &curves.learning_rate, ui, shared, height);
        }
        Chart::GradientNorm => {
            let axis = "Norm of the gradient before clipping";
            single(run, "Gradient norm", axis, &curves.gradient_norm, ui, shared, height);
        }
        Chart::Speed => single(run, "Speed", "Examples a second", &curves.speed, ui, shared, height),
    }
}

fn single<'a>(
    run: &'a OpenRun,
    title: &'a str,
    axis: &'a str,
    points: &'a [PlotPoint],
    ui: &mut Ui,
    shared: &mut Shared,
    height: f32,
) {
    let colour = Palette::of(ui).accent;
    let draw = move |plot: &mut PlotUi<'a>| plot.line(line(title, points).color(colour).width(2.0));
    PlotCard::new(title, "Step", axis).height(height).show(ui, shared, || steps_table(run), adjust, draw);
}

fn line<'a>(name: &str, points: &'a [PlotPoint]) -> Line<'a> {
    Line::new(name, PlotPoints::Borrowed(points))
}

fn adjust(plot: Plot<'_>) -> Plot<'_> {
    plot.include_x(0.0)
        .x_axis_formatter(|mark, _| if mark.value < 0.0 { String::new() } else { thousands(mark.value as usize) })
        .y_axis_formatter(|mark, _| short(mark.value))
        .label_formatter(|position| match position {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\nstep {}\n{}", thousands(position.x.max(0.0) as usize), short(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
}

/// Four digits that count: 0.5351, 1.2e-5.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-3..1e5).contains(&value.abs()) {
        let places = 3 - value.abs().max(1e-9).log10().floor().clamp(-3.0, 3.0) as i32;
        let text = format!("{value:.*}", places.clamp(0, 4) as usize);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        let text = format!("{value:.2e}");
        text.replace(".00e", "e")
    }
}

/// Every logged step.
pub fn steps_table(run: &OpenRun) -> CsvTable {
    let header =
        ["step", "epoch", "loss", "loss_smoothed", "learning_rate", "gradient_norm", "examples", "tokens", "seconds"];
    let mut table = CsvTable::new(header);
    let steps = run.view().map_or(&[][..], |view| &view.steps);
    for (report, smoothed) in steps.iter().zip(&run.curves.smoothed) {
        table.push([
            report.step.to_string(),
            report.epoch.to_string(),
            report.loss.to_string(),
            smoothed.y.to_string(),
            report.learning_rate.to_string(),
            report.gradient_norm.to_string(),
            report.examples.to_string(),
            report.tokens.to_string(),
            report.seconds.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn axis_numbers_are_short() {
        let texts = [0.0, 0.5351, 0.7, 2e-5, 1.25e-5, 12.5, 1234.0].map(short);
        assert_eq!(texts, ["0", "0.5351", "0.7", "2e-5", "1.25e-5", "12.5", "1234"]);
    }
}
