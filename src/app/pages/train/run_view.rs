//! Drawing the run on screen: what it does, what it has reached, what to do next.

use super::charts;
use super::form::scientific;
use super::form_view::{rounded, wide_card};
use super::hardware::{GpuSample, Sample};
use super::list::short_base;
use super::list_view::{state_colour, state_text};
use super::open_run::{Chart, OpenRun};
use crate::app::command::Command;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::{bytes, counted, decimal, duration, percent, thousands};
use crate::app::widgets::{CsvTable, figure_row, page as page_body, primary_button, section, table_card};
use crate::evaluation::Metrics;
use crate::runs::{Phase, RunState, RunView};
use egui::{RichText, Ui};

/// Draws the run; `busy` while a process is being started.
pub fn show(run: &mut OpenRun, busy: bool, ui: &mut Ui, shared: &mut Shared) {
    page_body(ui, "train run", |ui| {
        header(run, busy, ui, shared);
        ui.add_space(space::MEDIUM);
        if let Some(problem) = &run.problem {
            ui.colored_label(Palette::of(ui).error, format!("⚠ {problem}"));
        }
        let Some(view) = run.view() else { return };
        if view.state == RunState::Running {
            progress(run, view, ui);
            ui.add_space(space::SMALL);
        }
        if let Some(view) = run.view().filter(|view| view.finished.is_some()) {
            final_table(run, view, ui, shared);
            ui.add_space(space::SMALL);
        }
        if !run.curves.loss.is_empty() || run.is_running() {
            figures(run, ui);
            ui.add_space(space::SMALL);
        }
        if let Some(sample) = run.hardware.as_ref().and_then(|monitor| monitor.samples().pop()) {
            machine(&sample, ui);
            ui.add_space(space::SMALL);
        }
        if !run.curves.loss.is_empty() {
            chart(run, ui, shared);
            ui.add_space(space::SMALL);
        }
        if let Some(view) = run.view().filter(|view| !view.evaluations.is_empty()) {
            epochs(view, ui, shared);
            ui.add_space(space::SMALL);
        }
        log(run, ui, shared);
        settings(run, ui);
    });
}

/// Name, state, what it means, and the buttons.
fn header(run: &OpenRun, busy: bool, ui: &mut Ui, shared: &mut Shared) {
    let palette = Palette::of(ui);
    let state = run.state().cloned().unwrap_or(RunState::Absent);
    ui.horizontal_wrapped(|ui| {
        ui.heading(&run.name);
        ui.add_space(space::SMALL);
        let text = RichText::new(state_text(&state)).strong().color(state_colour(&state, &palette));
        ui.label(text);
    });
    if let Some(settings) = run.view().and_then(|view| view.settings.as_ref()) {
        let request = &settings.request;
        ui.weak(format!(
            "{} on {}, started {}",
            short_base(&request.base),
            short_name(&request.dataset),
            jiff::ZonedDateTime::new(settings.created, jiff::tz::TimeZone::system()).strftime("%-d %B %Y, %H:%M"),
        ));
    }
    ui.add_space(space::SMALL);
    let (text, colour) = meaning(run, &state, &palette);
    ui.scope(|ui| {
        ui.set_max_width(space::READABLE.min(ui.available_width()));
        ui.add(egui::Label::new(RichText::new(text).color(colour)).wrap());
    });
    ui.add_space(space::TIGHT);
    ui.horizontal_wrapped(|ui| buttons(run, busy, &state, ui, shared));
}

/// What the state means, and what to do next.
fn meaning(run: &OpenRun, state: &RunState, palette: &Palette) -> (String, egui::Color32) {
    let view = run.view();
    let at = view.map_or_else(String::new, |view| {
        format!("step {} of {}", thousands(view.step() as usize), thousands(view.total_steps as usize))
    });
    if let Some(words) = &run.last_words
        && !matches!(state, RunState::Failed(_) | RunState::Running)
    {
        return (format!("✖ {words}"), palette.error);
    }
    let text = match state {
        RunState::Absent => "The training process is starting".to_owned(),
        RunState::Running if run.snapshot.as_ref().is_some_and(|snapshot| snapshot.stop_asked) => {
            "Stopping: the run saves a checkpoint after the present step".to_owned()
        }
        RunState::Running => "The run goes on even if this window is closed".to_owned(),
        RunState::Stopped => {
            format!("Stopped at {at} as you asked. Resume goes on from there, to the same result as without the stop")
        }
        RunState::Interrupted => format!(
            "The training process is gone: it was killed, or the machine went down, at {at}. \
             Resume goes on from its last checkpoint, to the same result as without the break"
        ),
        RunState::Finished => "Done. Next, choose the threshold, or check sentences with this model".to_owned(),
        RunState::Failed(message) => {
            return (
                format!("✖ {message}. Once the cause is gone, Resume goes on from the last checkpoint"),
                palette.error,
            );
        }
    };
    let colour = if *state == RunState::Interrupted { palette.warning } else { palette.text };
    (text, colour)
}

fn buttons(run: &OpenRun, busy: bool, state: &RunState, ui: &mut Ui, shared: &mut Shared) {
    let path = run.path();
    let mut button = |ui: &mut Ui, first: bool, enabled: bool, text: &str, command: Command| {
        let tooltip = command.description().tooltip;
        let drawn =
            ui.add_enabled_ui(enabled, |ui| if first { primary_button(ui, text) } else { ui.button(text) }).inner;
        if drawn.on_hover_text(tooltip).clicked() {
            shared.send(command);
        }
    };
    if *state == RunState::Running {
        let asked = run.snapshot.as_ref().is_some_and(|snapshot| snapshot.stop_asked);
        button(ui, false, !asked, "Stop", Command::StopRun(path.clone()));
    }
    if state.can_resume() {
        button(ui, true, !busy && !run.resuming, "Resume", Command::ResumeRun(path.clone()));
    }
    if *state == RunState::Finished {
        button(ui, true, true, "Choose the threshold", Command::ShowThreshold(path.clone()));
        button(ui, false, true, "Check with this model", Command::OpenModel(run.folder().best()));
    } else if run.view().is_some_and(|view| !view.evaluations.is_empty()) {
        button(ui, false, true, "Check with the best model so far", Command::OpenModel(run.folder().best()));
    }
    let log = if run.log_shown { "Hide the log" } else { "Show the log" };
    button(ui, false, true, log, Command::ShowRunLog(path.clone()));
    button(ui, false, true, "Copy the path", Command::CopyPath(path));
}

/// How far the process is.
fn progress(run: &OpenRun, view: &RunView, ui: &mut Ui) {
    let left = run.time_left().map(|left| format!("about {} left", duration(rounded(left))));
    let (what, fraction) = match view.progress {
        Some(progress) if progress.phase != Phase::Training => {
            let of = |unit: &str| {
                if progress.total == 0 {
                    String::new()
                } else {
                    format!(": {} of {} {unit}", thousands(progress.done as usize), thousands(progress.total as usize))
                }
            };
            let what = match progress.phase {
                Phase::Loading if progress.total > 0 => {
                    format!("Opening the base model: {} of {}", bytes(progress.done), bytes(progress.total))
                }
                Phase::Loading => "Opening the base model and the dataset…".to_owned(),
                Phase::Encoding => format!("Turning texts into tokens{}", of("rows")),
                Phase::Validation => format!("Measuring on validation{}", of("rows")),
                Phase::Test | Phase::Training => format!("Measuring on test{}", of("rows")),
            };
            (what, if progress.total == 0 { 0.0 } else { progress.done as f64 / progress.total as f64 })
        }
        _ if view.total_steps == 0 => ("Starting…".to_owned(), 0.0),
        _ => {
            let epochs = view.settings.as_ref().map_or(0, |settings| settings.request.hyperparameters.epochs);
            let epoch = view.step().checked_div(view.steps_per_epoch).unwrap_or(0) as usize + 1;
            let what = format!(
                "Step {} of {}, epoch {} of {epochs}",
                thousands(view.step() as usize),
                thousands(view.total_steps as usize),
                epoch.min(epochs),
            );
            (what, view.fraction())
        }
    };
    let figure = left.map_or_else(|| what.clone(), |left| format!("{what}, {left}"));
    ui.label(RichText::new(&figure).strong());
    let bar = ui.add(egui::ProgressBar::new(fraction as f32).desired_height(10.0));
    bar.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &figure));
}

/// The figures of the last logged step.
fn figures(run: &OpenRun, ui: &mut Ui) {
    let Some(view) = run.view() else { return };
    let last = view.steps.last();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let smoothed = run.curves.smoothed.last().map_or(f64::NAN, |point| point.y);
    let smoothed = Some(format!("smoothed {}", decimal(smoothed, 3)));
    let mut cards = vec![
        ("Training loss", or_dash(last.map(|report| decimal(report.loss, 3))), smoothed),
        (
            "Learning rate",
            or_dash(last.map(|report| short_rate(report.learning_rate))),
            view.settings.as_ref().map(|settings| {
                format!("from {} down to 0", scientific(settings.request.hyperparameters.learning_rate))
            }),
        ),
        (
            "Gradient norm",
            or_dash(last.map(|report| decimal(report.gradient_norm, 2))),
            Some(match last {
                Some(report) if report.gradient_norm > clip(view) => format!("clipped to {}", clip(view)),
                _ => format!("clipped above {}", clip(view)),
            }),
        ),
        (
            "Examples a second",
            or_dash(view.examples_per_second().map(|speed| decimal(speed, 1))),
            view.rows.map(|(train, _)| format!("{} in an epoch", thousands(train))),
        ),
        (
            "Tokens a second",
            or_dash(view.tokens_per_second().map(|speed| decimal(speed, 0))),
            Some("padding left out".to_owned()),
        ),
    ];
    if let Some(elapsed) = view.elapsed(jiff::Timestamp::now()) {
        let name = if view.state == RunState::Running { "Time so far" } else { "Time taken" };
        cards.push((name, duration(elapsed), Some("since the last start".to_owned())));
    }
    figure_row(ui, cards);
}

fn clip(view: &RunView) -> f64 {
    view.settings.as_ref().map_or(f64::INFINITY, |settings| settings.request.hyperparameters.max_gradient_norm)
}

/// A learning rate with three digits that count.
fn short_rate(rate: f64) -> String {
    let text = format!("{rate:.2e}");
    text.replace(".00e", "e").replace("0e-", "e-").replace(".e", "e").replace("0e0", "0")
}

/// What the training uses of the machine.
fn machine(sample: &Sample, ui: &mut Ui) {
    let mut cards = vec![
        (
            "Processor",
            percent(sample.processor),
            Some(match sample.process {
                Some(process) => format!("training {} of {}", percent(process.processor), cores(sample.cores)),
                None => cores(sample.cores),
            }),
        ),
        (
            "Memory",
            bytes(sample.process.map_or(sample.memory_used, |process| process.memory)),
            Some(match sample.process {
                Some(_) => format!("all: {} of {}", bytes(sample.memory_used), bytes(sample.memory_total)),
                None => format!("in use, of {}", bytes(sample.memory_total)),
            }),
        ),
    ];
    for gpu in &sample.gpus {
        cards.extend(gpu_cards(gpu));
    }
    figure_row(ui, cards);
}

fn cores(count: usize) -> String {
    counted(count, "core", "cores")
}

fn gpu_cards(gpu: &GpuSample) -> Vec<(&'static str, String, Option<String>)> {
    let mut cards = Vec::new();
    if let Some(used) = gpu.used {
        cards.push(("GPU", percent(used), Some(gpu.name.clone())));
    }
    if let Some((used, total)) = gpu.memory {
        cards.push(("GPU memory", bytes(used), Some(format!("of {}", bytes(total)))));
    }
    if let Some(temperature) = gpu.temperature {
        cards.push(("GPU temperature", format!("{temperature} °C"), None));
    }
    if let Some((power, limit)) = gpu.power {
        let limit = limit.map(|limit| format!("of {limit:.0} W"));
        cards.push(("GPU power", format!("{power:.0} W"), limit));
    }
    cards
}

/// The plot and what it shows.
fn chart(run: &mut OpenRun, ui: &mut Ui, shared: &mut Shared) {
    ui.horizontal_wrapped(|ui| {
        for chart in Chart::ALL {
            ui.selectable_value(&mut run.chart, chart, chart.label());
        }
        if run.chart == Chart::Loss {
            ui.add_space(space::MEDIUM);
            let name = ui.label("Smoothing");
            let mut smoothing = run.smoothing;
            let slider = ui.add(egui::Slider::new(&mut smoothing, 0.0..=0.98).max_decimals(2));
            if slider.labelled_by(name.id).changed() {
                run.set_smoothing(smoothing);
            }
        }
    });
    charts::show(run, ui, shared, 260.0);
}

const METRICS: [&str; 4] = ["Accuracy", "Precision", "Recall", "F1"];

fn metric_cells(metrics: &Metrics) -> [f64; 4] {
    [metrics.accuracy, metrics.precision, metrics.recall, metrics.f1]
}

/// Of a long training, the table shows this many last epochs; the file that it is saved to has all.
const EPOCHS_SHOWN: usize = 20;

/// Validation after each epoch, the best one marked.
fn epochs(view: &RunView, ui: &mut Ui, shared: &mut Shared) {
    let best = view.best_epoch();
    let hidden = view.evaluations.len().saturating_sub(EPOCHS_SHOWN);
    let table = || {
        let header = ["epoch", "step", "validation_loss", "accuracy", "precision", "recall", "f1", "best"];
        let mut table = CsvTable::new(header);
        for (epoch, step, loss, metrics) in &view.evaluations {
            let mut row = vec![epoch.to_string(), step.to_string(), loss.to_string()];
            row.extend(metric_cells(metrics).map(|value| value.to_string()));
            row.push(u8::from(best == Some(*epoch)).to_string());
            table.push(row);
        }
        table
    };
    table_card(ui, shared, "Validation after each epoch", table, |ui| {
        for name in ["Epoch", "Step", "Validation loss"].into_iter().chain(METRICS).chain([""]) {
            ui.weak(name);
        }
        ui.end_row();
        for (position, (epoch, step, loss, metrics)) in view.evaluations.iter().enumerate() {
            let is_best = best == Some(*epoch);
            if position < hidden && !is_best {
                continue;
            }
            let text = |text: String| if is_best { RichText::new(text).strong() } else { RichText::new(text) };
            ui.label(text(epoch.to_string()));
            ui.label(text(thousands(*step as usize)));
            ui.label(text(decimal(*loss, 4)));
            for value in metric_cells(metrics) {
                ui.label(text(decimal(value, 3)));
            }
            if is_best {
                ui.label(RichText::new("★ lowest loss: this model is kept").color(Palette::of(ui).accent));
            }
            ui.end_row();
        }
    });
    if hidden > 0 {
        ui.weak(format!("The last {EPOCHS_SHOWN} epochs and the best one; copied or saved, the table has all"));
    }
}

/// The notebook's last table.
fn final_table(run: &OpenRun, view: &RunView, ui: &mut Ui, shared: &mut Shared) {
    let Some(last) = view.finished else { return };
    let parts: Vec<(&str, Metrics)> =
        [Some(("Validation", last.validation)), last.test.map(|test| ("Test", test))].into_iter().flatten().collect();
    let table = || {
        let mut table = CsvTable::new(["part", "threshold", "accuracy", "precision", "recall", "f1"]);
        for (name, metrics) in &parts {
            let mut row = vec![name.to_lowercase(), last.threshold.to_string()];
            row.extend(metric_cells(metrics).map(|value| value.to_string()));
            table.push(row);
        }
        table
    };
    let title = format!("Result at threshold {}", decimal(last.threshold, 3));
    table_card(ui, shared, &title, table, |ui| {
        for name in ["Part", "Rows"].into_iter().chain(METRICS) {
            ui.weak(name);
        }
        ui.end_row();
        for (name, metrics) in &parts {
            ui.label(RichText::new(*name).strong());
            let rows = run.rows_of(&name.to_lowercase());
            ui.label(rows.map_or_else(|| "–".to_owned(), |rows| thousands(rows as usize)));
            for value in metric_cells(metrics) {
                ui.label(decimal(value, 3));
            }
            ui.end_row();
        }
    });
    ui.weak(format!(
        "The model of epoch {} is kept; the threshold is the one with the highest F1 on validation. F1 at a low threshold \
         mostly rewards saying yes: the Threshold page shows what calling everything a citation reaches",
        last.best_epoch
    ));
}

/// The end of the log, where it was asked for or the run did not end well.
fn log(run: &OpenRun, ui: &mut Ui, shared: &mut Shared) {
    if !run.log_shown {
        return;
    }
    wide_card(ui, |ui| {
        ui.horizontal(|ui| {
            section(ui, "Log", None);
            if let Some(log) = run.snapshot.as_ref().and_then(|snapshot| snapshot.log.as_ref())
                && ui.button("Copy").clicked()
            {
                shared.copy("The log", log.clone());
            }
        });
        ui.weak(run.folder().log().display().to_string());
        let log = run.snapshot.as_ref().and_then(|snapshot| snapshot.log.as_deref());
        egui::ScrollArea::both().id_salt("log").max_height(220.0).stick_to_bottom(true).show(ui, |ui| {
            let text = RichText::new(log.unwrap_or("The log is empty")).monospace();
            ui.add(egui::Label::new(text).extend());
        });
    });
    ui.add_space(space::SMALL);
}

/// What the run was asked to do, and how it does it.
fn settings(run: &OpenRun, ui: &mut Ui) {
    let Some(settings) = run.view().and_then(|view| view.settings.as_ref()) else { return };
    let (request, values) = (&settings.request, &settings.request.hyperparameters);
    let versions: Vec<String> = settings.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let precision = format!("{:?}", settings.precision_used).to_lowercase();
    let rows = [
        ("Base model", request.base.clone()),
        ("Dataset", request.dataset.display().to_string()),
        ("Dataset SHA-256", settings.dataset_sha256.clone()),
        (
            "Split",
            format!(
                "seed {}, {} train, {} validation",
                request.split.seed,
                percent(request.split.train),
                percent(request.split.validation)
            ),
        ),
        (
            "Cleaning",
            if request.cleaning.keep_title_only {
                "rows with only a title kept"
            } else {
                "rows without a text dropped"
            }
            .to_owned(),
        ),
        ("Learning rate", scientific(values.learning_rate)),
        ("Epochs", values.epochs.to_string()),
        ("Batch size", format!("{} × {} accumulated", values.batch_size, values.accumulation)),
        ("Maximum length", format!("{} tokens", values.max_length)),
        ("Weight decay", values.weight_decay.to_string()),
        ("Gradient clipped at", values.max_gradient_norm.to_string()),
        ("Seed", values.seed.to_string()),
        (
            "Computed on",
            format!("{}, {precision}, {}", settings.device_used, counted(settings.threads_used, "thread", "threads")),
        ),
        ("Versions", versions.join(", ")),
        ("Folder", run.path().display().to_string()),
    ];
    egui::CollapsingHeader::new("Settings of this run").show(ui, |ui| {
        egui::Grid::new("run settings").num_columns(2).spacing([space::LARGE, space::TIGHT]).show(ui, |ui| {
            for (name, value) in rows {
                ui.weak(name);
                ui.add(egui::Label::new(value).wrap());
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::short_rate;

    #[test]
    fn rates_are_short() {
        assert_eq!([2e-5, 1.5e-5, 1.234_56e-5, 0.0].map(short_rate), ["2e-5", "1.5e-5", "1.23e-5", "0"]);
    }
}
