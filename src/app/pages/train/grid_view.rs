//! Drawing the grid: its form, and its table.

use super::TrainPage;
use super::form::Field;
use super::form_view::{START_BAR, bottom_bar, choice, data, no_dataset, outlook, place, problem, settings, wide_card};
use super::grid::{GridView, OpenGrid};
use super::list::short_base;
use super::list_view::{state_colour, state_text};
use crate::app::command::Command;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::{counted, decimal, thousands};
use crate::app::widgets::{Beside, CsvTable, before_panel, page as page_body, primary_button, section, table_card};
use crate::runs::RunState;
use egui::{RichText, TextEdit, Ui};

/// The hyperparameters that a grid does not vary.
const FIXED: [Field; 6] =
    [Field::BatchSize, Field::Accumulation, Field::MaxLength, Field::WeightDecay, Field::Seed, Field::LogEvery];

/// Draws the form of a new grid.
pub fn show_form(page: &mut TrainPage, ui: &mut Ui, shared: &mut Shared) {
    let Some(dataset) = shared.dataset.clone() else {
        page_body(ui, "train grid form", |ui| no_dataset(ui, shared));
        return;
    };
    before_panel(ui, START_BAR, Beside::Below, |form, ui| {
        page_body(form, "train grid form", |ui| {
            ui.heading("Compare settings");
            ui.add_space(space::TIGHT);
            ui.weak("Trains every combination of learning rates and epochs, one after the other, and compares them on validation");
            ui.add_space(space::MEDIUM);
            let problems = page.memory.grid.axes().err().unwrap_or_default();
            wide_card(ui, |ui| {
                section(ui, "What to compare", None);
                let grid = &mut page.memory.grid;
                let fields = [
                    ("Learning rates", "Separated by commas", &mut grid.learning_rates, problems.learning_rates),
                    ("Epochs", "Separated by commas", &mut grid.epochs, problems.epochs),
                    (
                        "Threshold",
                        "A row counts as a citation from this probability on",
                        &mut grid.threshold,
                        problems.threshold,
                    ),
                ];
                for (name, help, text, wrong) in fields {
                    choice(ui, name, help, |ui, label| {
                        ui.add(TextEdit::singleline(text).desired_width(180.0)).labelled_by(label);
                    });
                    if let Some(wrong) = wrong {
                        problem(ui, &format!("{name}: {wrong}"));
                    }
                }
            });
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| {
                section(ui, "Data", None);
                data(page.planned.as_ref(), &short_name(&dataset.path), ui, shared);
            });
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| {
                section(ui, "Base model", None);
                ui.horizontal_wrapped(|ui| {
                    ui.label(short_base(page.memory.form.base_name()));
                    if ui.link("Change it under New run").clicked() {
                        shared.send(Command::NewRun);
                    }
                });
            });
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| settings(&mut page.memory.form, &page.base, &FIXED, ui, shared));
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| {
                section(ui, "Where the runs go", None);
                place(&mut page.memory.form, false, ui, shared);
            });
        });
        start_bar(page, ui, shared);
    });
}

fn start_bar(page: &mut TrainPage, ui: &mut Ui, shared: &mut Shared) {
    let request = page.grid_request(shared);
    let failure = page.start_failure.clone();
    let described = match (&page.planned, &request) {
        (Some(Ok(plan)), Ok((request, axes))) => {
            let mut values = request.hyperparameters;
            // Every learning rate trains the sum of all epochs.
            values.epochs = axes.epochs.iter().sum();
            let runs = counted(axes.learning_rates.len() * axes.epochs.len(), "run", "runs");
            let speed = page.usual_speed(shared, &values);
            Some(format!("{runs}: {}", outlook(plan, &values, axes.learning_rates.len(), speed)))
        }
        _ => None,
    };
    bottom_bar(ui, failure.as_deref(), described.as_deref(), &request.err().unwrap_or_default(), |ui| {
        let start = Command::StartGrid.description();
        if page.processes.starting() {
            ui.spinner();
        }
        if primary_button(ui, "Start the grid").on_hover_text(start.tooltip).clicked() {
            shared.send(Command::StartGrid);
        }
    });
}

/// Draws a grid that was started; `busy` while a process is being started.
pub fn show(grid: &OpenGrid, busy: bool, ui: &mut Ui, shared: &mut Shared) {
    page_body(ui, "train grid", |ui| {
        ui.heading(short_name(&grid.path));
        ui.add_space(space::TIGHT);
        if let Some(words) = &grid.last_words {
            problem(ui, words);
        }
        match &grid.view {
            None => {
                ui.spinner();
            }
            Some(Err(failure)) => problem(ui, failure),
            Some(Ok(view)) => {
                header(grid, view, busy, ui, shared);
                ui.add_space(space::MEDIUM);
                table(view, ui, shared);
            }
        }
    });
}

fn header(grid: &OpenGrid, view: &GridView, busy: bool, ui: &mut Ui, shared: &mut Shared) {
    let (finished, all) = (view.finished(), view.members.len());
    let request = &view.file.request;
    ui.weak(format!("{} on {}", short_base(&request.base), short_name(&request.dataset)));
    ui.add_space(space::SMALL);
    let steps: u64 = view.members.iter().filter_map(|member| member.run.as_ref()).map(|run| run.step).sum();
    let text = match view.running() {
        Some(run) => format!(
            "{finished} of {all} runs finished; {} is at step {} of {}, {} steps in all",
            run.name,
            thousands(run.step as usize),
            thousands(run.total_steps as usize),
            thousands(steps as usize)
        ),
        None if finished == all => format!("All {all} runs finished. Open the best one to choose its threshold"),
        None if busy => "The training process is starting".to_owned(),
        None => format!("{finished} of {all} runs finished. Go on trains the rest; what is finished is kept"),
    };
    ui.add(egui::Label::new(text).wrap());
    ui.add_space(space::TIGHT);
    if let Some(run) = view.running() {
        let stop = Command::StopRun(grid.path.clone());
        if ui.button("Stop").on_hover_text(stop.description().tooltip).clicked() {
            shared.send(stop);
        }
        let share = finished as f32 + run.step as f32 / run.total_steps.max(1) as f32;
        let bar = ui.add(egui::ProgressBar::new(share / all.max(1) as f32).desired_height(10.0));
        bar.widget_info(|| {
            let name = format!("{finished} of {all} runs finished");
            egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name)
        });
    } else if finished < all {
        let go_on = Command::ResumeRun(grid.path.clone());
        let button = ui.add_enabled_ui(!busy, |ui| primary_button(ui, "Go on")).inner;
        if button.on_hover_text(go_on.description().tooltip).clicked() {
            shared.send(go_on);
        }
    }
}

const COLUMNS: [&str; 6] =
    ["learning_rate", "num_epochs", "val_accuracy_t", "val_precision_t", "val_recall_t", "val_f1_t"];

/// The runs, best first.
fn table(view: &GridView, ui: &mut Ui, shared: &mut Shared) {
    let mut open = None;
    let csv = || {
        let mut table = CsvTable::new(["run"].into_iter().chain(COLUMNS));
        for member in &view.members {
            let Some(run) = &member.run else { continue };
            let mut row = vec![run.name.clone(), member.learning_rate.to_string(), member.epochs.to_string()];
            let metrics = run.metrics.map(|metrics| [metrics.accuracy, metrics.precision, metrics.recall, metrics.f1]);
            row.extend(metrics.map_or([const { String::new() }; 4], |values| values.map(|value| value.to_string())));
            table.push(row);
        }
        table
    };
    let title = format!("Validation at threshold {}, best F1 first", view.file.threshold);
    table_card(ui, shared, &title, csv, |ui| {
        for name in COLUMNS.into_iter().chain(["state", ""]) {
            ui.weak(name);
        }
        ui.end_row();
        for (place, member) in view.members.iter().enumerate() {
            let run = member.run.as_ref();
            let best = place == 0 && run.is_some_and(|run| run.metrics.is_some());
            let text = |text: String| if best { RichText::new(text).strong() } else { RichText::new(text) };
            ui.label(text(member.rate_text()));
            ui.label(text(member.epochs.to_string()));
            match run.and_then(|run| run.metrics) {
                Some(metrics) => {
                    for value in [metrics.accuracy, metrics.precision, metrics.recall, metrics.f1] {
                        ui.label(text(decimal(value, 3)));
                    }
                }
                None => (0..4).for_each(|_| {
                    ui.weak("–");
                }),
            }
            match run {
                None => {
                    ui.weak("Waits for its turn");
                }
                Some(run) => {
                    let state = if best { "★ Best".to_owned() } else { state_text(&run.state).to_owned() };
                    let state = match (&run.state, run.total_steps) {
                        (RunState::Finished, _) | (_, 0) => state,
                        (_, total) => {
                            format!("{state}, step {} of {}", thousands(run.step as usize), thousands(total as usize))
                        }
                    };
                    ui.label(RichText::new(state).color(state_colour(&run.state, &Palette::of(ui))));
                    let name = format!("Open {}", run.name);
                    let button = ui.button("Open");
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    if button.on_hover_text(&name).clicked() {
                        open = Some(Command::OpenRun(run.folder.clone()));
                    }
                }
            }
            ui.end_row();
        }
    });
    if let Some(command) = open {
        shared.send(command);
    }
}
