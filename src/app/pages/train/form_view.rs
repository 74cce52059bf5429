//! Drawing the form of a new run.

use super::TrainPage;
use super::base::{BaseModel, BaseState};
use super::figures::training_time;
use super::form::{BaseKind, Field, Form};
use super::list::{Entry, short_base};
use super::plan::{PartCounts, Plan};
use crate::app::command::Command;
use crate::app::open::short_name;
use crate::app::pages::Page;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::numbers::{counted, duration, percent, thousands};
use crate::app::widgets::{
    Beside, EmptyState, Unit, before_panel, card, class_label, page as page_body, primary_button, progress_strip,
    section,
};
use crate::model::{DeviceChoice, Precision};
use crate::runs::default_runs_folder;
use crate::training::Hyperparameters;
use egui::{Frame, Margin, RichText, TextEdit, Ui};
use std::collections::BTreeMap;
use std::time::Duration;

/// The bar below a form.
pub const START_BAR: &str = "start training";
/// Width of the names beside the fields.
const NAMES: f32 = 130.0;
/// Width of a field that holds a number.
const NUMBERS: f32 = 100.0;

/// Draws the form, or what to do first.
pub fn show(page: &mut TrainPage, ui: &mut Ui, shared: &mut Shared) {
    let Some(dataset) = shared.dataset.clone() else {
        page_body(ui, "train form", |ui| no_dataset(ui, shared));
        return;
    };
    before_panel(ui, START_BAR, Beside::Below, |form, ui| {
        page_body(form, "train form", |ui| {
            ui.heading("Train a model");
            ui.add_space(space::TIGHT);
            ui.weak("Fine-tunes a base model on this machine, in a process of its own that goes on even if the window is closed");
            ui.add_space(space::MEDIUM);
            wide_card(ui, |ui| {
                section(ui, "Data", None);
                data(page.planned.as_ref(), &short_name(&dataset.path), ui, shared);
            });
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| {
                section(ui, "Base model", None);
                base_model(&mut page.memory.form, &page.memory.recent_bases, &page.base, ui, shared);
            });
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| settings(&mut page.memory.form, &page.base, &Field::HYPERPARAMETERS, ui, shared));
            ui.add_space(space::SMALL);
            wide_card(ui, |ui| {
                section(ui, "Where the run goes", None);
                place(&mut page.memory.form, true, ui, shared);
            });
        });
        start_bar(page, ui, shared);
    });
}

/// A card as wide as the page, so that the cards of a form stand in line.
pub fn wide_card(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    card(ui, |ui| {
        ui.set_min_width(ui.available_width());
        contents(ui);
    });
}

/// What to do where no dataset is loaded.
pub fn no_dataset(ui: &mut Ui, shared: &mut Shared) {
    let empty = EmptyState {
        icon: "∇",
        title: "Nothing to train on yet",
        text: "Open a labelled dataset to fine-tune a model on it. Past runs stay in the list at the left.",
        action: "Open a dataset…",
    };
    let open = empty.show(ui, |ui| {
        let sample = Command::OpenSample.description();
        if ui.button(sample.label).on_hover_text(sample.tooltip).clicked() {
            shared.send(Command::OpenSample);
        }
    });
    if open.clicked() {
        shared.send(Command::Open);
    }
}

/// The parts that will be trained and measured on, and where they are set.
pub fn data(planned: Option<&Result<Plan, String>>, name: &str, ui: &mut Ui, shared: &mut Shared) {
    let (split, cleaning) = (shared.split, shared.cleaning);
    let test = 1.0 - split.train - split.validation;
    let title_only =
        if cleaning.keep_title_only { "rows with only a title are kept" } else { "rows without a text are dropped" };
    ui.label(RichText::new(name).strong());
    ui.horizontal_wrapped(|ui| {
        ui.weak(format!(
            "Split by paper with seed {}: {} train, {} validation, {} test; {title_only}",
            split.seed,
            percent(split.train),
            percent(split.validation),
            percent(test.max(0.0)),
        ));
        if ui.link("Change on the Dataset page").clicked() {
            shared.send(Command::ShowPage(Page::Dataset));
        }
    });
    match planned {
        None => {
            ui.spinner();
        }
        Some(Err(failure)) => problem(ui, failure),
        Some(Ok(plan)) => {
            parts_table(plan, ui);
            if plan.kept < plan.all {
                ui.weak(format!("Cleaning keeps {} of {}", thousands(plan.kept), counted(plan.all, "row", "rows")));
            }
            if let Some(text) = &plan.problem {
                problem(ui, text);
            }
        }
    }
}

fn parts_table(plan: &Plan, ui: &mut Ui) {
    egui::Grid::new("parts").spacing([space::LARGE, space::TIGHT]).show(ui, |ui| {
        ui.weak("Part");
        ui.weak("Papers");
        ui.weak("Rows");
        class_label(ui, 1);
        class_label(ui, 0);
        ui.end_row();
        let number = |ui: &mut Ui, count: usize| {
            ui.label(thousands(count));
        };
        let mut row = |name: &str, part: &PartCounts| {
            ui.label(name);
            number(ui, part.papers);
            number(ui, part.rows);
            number(ui, part.labels[1]);
            number(ui, part.labels[0]);
            ui.end_row();
        };
        row("Train", &plan.train);
        row("Validation", &plan.validation);
        row("Test", &plan.test);
    });
}

fn base_model(form: &mut Form, recent: &[(BaseKind, String)], base: &BaseModel, ui: &mut Ui, shared: &mut Shared) {
    ui.horizontal_wrapped(|ui| {
        ui.radio_value(&mut form.base, BaseKind::Bundled, "Bundled")
            .on_hover_text("The small model inside this program");
        ui.radio_value(&mut form.base, BaseKind::Folder, "A folder").on_hover_text("A model on this machine");
        ui.radio_value(&mut form.base, BaseKind::Hub, "From the Hugging Face hub")
            .on_hover_text("A model that is downloaded once, when you ask for it");
    });
    match form.base {
        BaseKind::Bundled => {
            ui.weak("The small model inside this program: quick to train, also without a GPU");
        }
        BaseKind::Folder => {
            ui.horizontal(|ui| {
                let name = ui.label("Folder");
                let width = (ui.available_width() - 110.0).clamp(160.0, 460.0);
                let edit = TextEdit::singleline(&mut form.base_folder).desired_width(width);
                ui.add(edit.hint_text("A folder with config.json, weights and vocabulary")).labelled_by(name.id);
                let choose = Command::ChooseBaseFolder.description();
                if ui.button("Open…").on_hover_text(choose.tooltip).clicked() {
                    shared.send(Command::ChooseBaseFolder);
                }
            });
        }
        BaseKind::Hub => {
            ui.horizontal(|ui| {
                let name = ui.label("Hub id");
                ui.add(TextEdit::singleline(&mut form.base_hub).desired_width(320.0)).labelled_by(name.id);
            });
            ui.add(
                egui::Label::new(
                    RichText::new(
                        "Downloaded once into Hugging Face's cache. This download is the only request that Citelink \
                         ever sends, and only when you press Download",
                    )
                    .weak(),
                )
                .wrap(),
            );
        }
    }
    base_state(base, ui, shared);
    let others: Vec<_> =
        recent.iter().filter(|(kind, name)| *kind != BaseKind::Bundled && *name != form.base_name()).collect();
    if !others.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.weak("Recent");
            for (kind, name) in others {
                if ui.button(short_base(name)).on_hover_text(name).clicked() {
                    form.base = *kind;
                    match kind {
                        BaseKind::Folder => form.base_folder.clone_from(name),
                        BaseKind::Hub => form.base_hub.clone_from(name),
                        BaseKind::Bundled => {}
                    }
                }
            }
        });
    }
}

fn base_state(base: &BaseModel, ui: &mut Ui, shared: &mut Shared) {
    if let Some((id, job)) = base.download() {
        if progress_strip(ui, &format!("Downloading {id}"), job.progress(), Unit::Bytes) {
            shared.send(Command::CancelDownload);
        }
        return;
    }
    match base.state() {
        BaseState::Looking => {
            ui.weak("Looking at the model…");
        }
        BaseState::Ready(facts) => {
            ui.label(format!("✔ {}", facts.shape));
        }
        BaseState::NotDownloaded => {
            ui.horizontal(|ui| {
                ui.label("Not on this machine yet");
                let download = Command::DownloadBase.description();
                if ui.button(download.label).on_hover_text(download.tooltip).clicked() {
                    shared.send(Command::DownloadBase);
                }
            });
        }
        BaseState::Nothing => {}
        BaseState::Problem(text) => problem(ui, text),
    }
}

/// The hyperparameters `fields`, each with its explanation, and what stands under "More".
pub fn settings(form: &mut Form, base: &BaseModel, fields: &[Field], ui: &mut Ui, shared: &mut Shared) {
    ui.horizontal(|ui| {
        section(ui, "Settings", None);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let reset = Command::ResetHyperparameters.description();
            if ui.button(reset.label).on_hover_text(reset.tooltip).clicked() {
                shared.send(Command::ResetHyperparameters);
            }
        });
    });
    let problems = form.numbers(base.positions()).err().unwrap_or_default();
    for field in fields {
        number_field(form, *field, &problems, ui);
    }
    ui.add_space(space::TIGHT);
    let more = egui::CollapsingHeader::new("More: device, precision, threads")
        .default_open(problems.contains_key(&Field::Threads));
    more.show(ui, |ui| {
        choice(
            ui,
            "Device",
            "Auto takes the GPU where this build has one and it starts, else the processor",
            |ui, name| {
                let names = [
                    (DeviceChoice::Auto, "Auto"),
                    (DeviceChoice::Cpu, "Processor"),
                    (DeviceChoice::Cuda, "NVIDIA GPU (CUDA)"),
                    (DeviceChoice::Metal, "Apple GPU (Metal)"),
                ];
                options(ui, "device", name, &mut form.device, &names);
            },
        );
        choice(ui, "Precision", "bf16 is faster where the device has it, and a little less exact", |ui, name| {
            let names =
                [(None, "The device's default"), (Some(Precision::F32), "f32"), (Some(Precision::Bf16), "bf16")];
            options(ui, "precision", name, &mut form.precision, &names);
        });
        number_field(form, Field::Threads, &problems, ui);
    });
}

/// Name, field and explanation side by side; the mistake below.
fn number_field(form: &mut Form, field: Field, problems: &BTreeMap<Field, String>, ui: &mut Ui) {
    choice(ui, field.label(), field.explanation(), |ui, name| {
        let mut edit = TextEdit::singleline(form.text_mut(field)).desired_width(NUMBERS);
        if field == Field::Threads {
            edit = edit.hint_text("all cores");
        }
        if problems.contains_key(&field) {
            edit = edit.text_color(Palette::of(ui).error);
        }
        ui.add(edit).labelled_by(name);
    });
    if let Some(text) = problems.get(&field) {
        ui.horizontal(|ui| {
            ui.add_space(NAMES + space::SMALL);
            problem(ui, &format!("{}: {text}", field.label()));
        });
    }
}

/// A name, a widget and an explanation, where there is one, in one line.
pub fn choice(ui: &mut Ui, name: &str, explanation: &str, widget: impl FnOnce(&mut Ui, egui::Id)) {
    ui.horizontal(|ui| {
        let label = ui
            .allocate_ui_with_layout(
                egui::vec2(NAMES, ui.spacing().interact_size.y),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_min_width(NAMES);
                    ui.label(name)
                },
            )
            .inner;
        widget(ui, label.id);
        if explanation.is_empty() {
            return;
        }
        ui.add(egui::Label::new(RichText::new(explanation).small().weak()).wrap());
    });
}

fn options<T: PartialEq + Copy>(ui: &mut Ui, id: &str, name: egui::Id, value: &mut T, names: &[(T, &str)]) {
    let chosen = names.iter().find(|(option, _)| option == value).map_or("", |(_, name)| *name);
    let shown = egui::ComboBox::from_id_salt(id).selected_text(chosen).show_ui(ui, |ui| {
        for (option, name) in names {
            ui.selectable_value(value, *option, *name);
        }
    });
    shown.response.labelled_by(name);
}

/// Where runs are kept, and the run's name where it may be `named`.
pub fn place(form: &mut Form, named: bool, ui: &mut Ui, shared: &mut Shared) {
    let default = default_runs_folder().display().to_string();
    let width = (ui.available_width() - NAMES - 110.0).clamp(160.0, 460.0);
    choice(ui, "Folder", "", |ui, name| {
        ui.add(TextEdit::singleline(&mut form.runs_folder).desired_width(width).hint_text(default)).labelled_by(name);
        let choose = Command::ChooseRunsFolder.description();
        if ui.button("Choose…").on_hover_text(choose.tooltip).clicked() {
            shared.send(Command::ChooseRunsFolder);
        }
    });
    if named {
        choice(ui, "Name", "", |ui, name| {
            let edit = TextEdit::singleline(&mut form.run_name).desired_width(width);
            ui.add(edit.hint_text("From the time and the base model")).labelled_by(name);
        });
    }
}

/// What will happen, and the button that makes it so, always in view.
fn start_bar(page: &mut TrainPage, ui: &mut Ui, shared: &mut Shared) {
    let request = page.request(shared);
    let failure = page.start_failure.clone();
    let outlook = match (&page.planned, page.memory.form.numbers(page.base.positions())) {
        (Some(Ok(plan)), Ok(numbers)) => {
            Some(outlook(plan, &numbers.hyperparameters, 1, page.usual_speed(shared, &numbers.hyperparameters)))
        }
        _ => None,
    };
    bottom_bar(ui, failure.as_deref(), outlook.as_deref(), &request.err().unwrap_or_default(), |ui| {
        let start = Command::StartTraining.description();
        if page.processes.starting() {
            ui.spinner();
        }
        if primary_button(ui, "Start training").on_hover_text(start.tooltip).clicked() {
            shared.send(Command::StartTraining);
        }
    });
}

/// The bar below a form: what failed, what will happen, what stands in the way, and the button.
pub fn bottom_bar(
    ui: &mut Ui,
    failure: Option<&str>,
    outlook: Option<&str>,
    obstacles: &[String],
    button: impl FnOnce(&mut Ui),
) {
    let palette = Palette::of(ui);
    let margin = Margin::symmetric(space::PAGE as i8, space::SMALL as i8 + 2);
    let frame = Frame::new().fill(palette.card).inner_margin(margin);
    egui::Panel::bottom(START_BAR).frame(frame).show(ui, |ui| {
        if let Some(failure) = failure {
            problem(ui, failure);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_enabled_ui(obstacles.is_empty(), button);
            ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                if let Some(outlook) = outlook {
                    ui.add(egui::Label::new(RichText::new(outlook).family(theme::bold())).wrap());
                }
                for obstacle in obstacles {
                    ui.add(egui::Label::new(RichText::new(format!("⚠ {obstacle}")).color(palette.warning)).wrap());
                }
            });
        });
    });
}

/// Rows, steps and time of a training, in a line; `times` trainings of these settings.
pub fn outlook(plan: &Plan, values: &Hyperparameters, times: usize, speed: Option<f64>) -> String {
    let time = speed.map_or_else(
        || "time known once the first steps are done".to_owned(),
        |speed| {
            let time = training_time(values.epochs, plan.train.rows, plan.validation.rows, speed);
            let time = time.saturating_mul(times as u32);
            format!("about {}, as fast as the last such run", duration(rounded(time)))
        },
    );
    format!(
        "{} from {}, {}, {}",
        counted(plan.train.rows, "training row", "training rows"),
        counted(plan.train.papers, "paper", "papers"),
        counted(plan.steps(values) * times, "step", "steps"),
        time
    )
}

/// An estimate needs no seconds beyond some minutes.
pub fn rounded(time: Duration) -> Duration {
    let unit = match time.as_secs() {
        0..120 => 1,
        120..3600 => 30,
        _ => 600,
    };
    Duration::from_secs(time.as_secs().div_ceil(unit) * unit)
}

/// A sentence that tells what is wrong.
pub fn problem(ui: &mut Ui, text: &str) {
    let colour = Palette::of(ui).error;
    ui.add(egui::Label::new(RichText::new(format!("⚠ {text}")).color(colour)).wrap());
}

impl TrainPage {
    /// Examples a second of the last run with this base model, length, device and precision; None where there was none.
    pub(super) fn usual_speed(&self, shared: &Shared, values: &Hyperparameters) -> Option<f64> {
        let form = &self.memory.form;
        // Rows of another dataset have other lengths, and length is most of the cost.
        let dataset = shared.dataset.as_ref()?;
        self.list.iter().flatten().find_map(|entry| {
            let Entry::Run(run) = entry else { return None };
            let request = &run.summary.settings.request;
            let alike = request.base == form.base_name()
                && request.dataset == dataset.path
                && request.hyperparameters.max_length == values.max_length
                && request.device == form.device
                && request.precision == form.precision;
            run.examples_per_second.filter(|_| alike)
        })
    }
}
