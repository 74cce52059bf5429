//! The Check page: one sentence, its candidate references, and how a model ranks them.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state and its layout |
//! | `input.rs` | the sentence, the candidates, and the way back |
//! | `model.rs` | which model ranks, loaded in the background |
//! | `scoring.rs` | ranking after each change, one at a time |
//! | `candidates.rs` | drawing the candidates and editing one |
//! | `results.rs` | drawing the ranking |
//! | `from_dataset.rs` | taking a sentence from the loaded dataset |
//! | `figures.rs` | what the bundled model reaches |
//! | `example.rs` | something to try |

mod candidates;
mod example;
mod figures;
mod from_dataset;
mod input;
mod model;
mod results;
mod scoring;

use super::CloseDecision;
use crate::app::command::{Command, CopyFormat};
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::counted;
use crate::app::widgets::{EmptyState, Unit, primary_button, progress_strip, section, warning};
use crate::checking::{Reference, read_references, split_pasted};
use crate::model::ModelSource;
use candidates::ListAction;
use egui::{Frame, Margin, Panel, RichText, TextEdit, Ui};
use figures::ModelFigures;
use from_dataset::DatasetPicker;
use input::{Entry, History, Inputs};
use model::{ModelChoice, ModelState};
use scoring::Scoring;
use std::path::PathBuf;

/// What JSON lines of references are called in the dialog.
const REFERENCE_FILTERS: &[(&str, &[&str])] = &[("References", &["jsonl", "ndjson", "json"]), ("All files", &["*"])];

/// The page's state.
#[derive(Debug)]
pub struct CheckPage {
    inputs: Inputs,
    history: History,
    /// The candidate open for editing.
    selected: Option<usize>,
    /// The opened candidate was just added: its title takes the keyboard.
    focus_title: bool,
    /// What stands in the field for pasted references.
    pasted: String,
    /// What the last addition did, until the next change.
    note: Option<String>,
    model: ModelChoice,
    figures: Option<ModelFigures>,
    scoring: Scoring,
    picker: DatasetPicker,
    asking_references: Option<Job<Vec<PathBuf>>>,
    reading_references: Option<Job<Vec<Reference>>>,
    asking_model: Option<Job<Option<PathBuf>>>,
}

impl CheckPage {
    /// The page at start.
    #[must_use]
    pub fn new(_shared: &Shared) -> Self {
        Self {
            inputs: Inputs::default(),
            history: History::default(),
            selected: None,
            focus_title: false,
            pasted: String::new(),
            note: None,
            model: ModelChoice::bundled(),
            figures: ModelFigures::bundled(),
            scoring: Scoring::default(),
            picker: DatasetPicker::default(),
            asking_references: None,
            reading_references: None,
            asking_model: None,
        }
    }

    /// A command came.
    pub fn handle(&mut self, command: &Command, shared: &mut Shared) {
        match command {
            Command::OpenModel(folder) => self.choose_model(ModelSource::Folder(folder.clone()), shared),
            Command::CheckRows(rows) => {
                if let Some(dataset) = shared.dataset.clone() {
                    self.replace("taking another sentence", Inputs::of_rows(&dataset, rows), shared);
                }
            }
            Command::CheckExample => match example::example() {
                Ok(inputs) => self.replace("loading the example", inputs, shared),
                Err(failure) => shared.error(failure.to_string()),
            },
            Command::ClearCheck if !self.inputs.is_empty() => self.replace("clearing", Inputs::default(), shared),
            Command::UndoCheck => {
                if let Some(inputs) = self.history.undo() {
                    self.inputs = inputs;
                    self.selected = None;
                    self.note = None;
                    self.scoring.changed(&shared.context);
                }
            }
            Command::AddCandidate => {
                self.inputs.candidates.push(Entry::default());
                self.selected = Some(self.inputs.candidates.len() - 1);
                self.focus_title = true;
            }
            Command::OpenReferences => {
                let dialogs = &shared.dialogs;
                self.asking_references =
                    Some(dialogs.open_files(&shared.context, "Open references", REFERENCE_FILTERS));
            }
            Command::ChooseModelFolder => {
                self.asking_model = Some(shared.dialogs.open_folder(&shared.context, "Choose a model folder"));
            }
            Command::TakeFromDataset => {
                if let Some(dataset) = &shared.dataset {
                    self.picker.open(dataset, &shared.context);
                }
            }
            Command::CopyRanking(format) => self.copy(*format, shared),
            Command::ThresholdSaved(folder) if *self.model.source() == ModelSource::Folder(folder.clone()) => {
                self.model.reload(&shared.context);
            }
            _ => {}
        }
    }

    /// Whether a command can be used now.
    #[must_use]
    pub fn available(&self, command: &Command, shared: &Shared) -> bool {
        match command {
            Command::ClearCheck => !self.inputs.is_empty(),
            Command::UndoCheck => self.history.next().is_some(),
            Command::TakeFromDataset => shared.dataset.is_some(),
            Command::CopyRanking(_) => self.scoring.ranked().is_some_and(|(_, current)| current),
            _ => true,
        }
    }

    /// The window is about to close.
    pub fn closing(&mut self, _shared: &mut Shared) -> CloseDecision {
        CloseDecision::Close
    }

    /// Looks after jobs; draws nothing.
    pub fn update(&mut self, shared: &mut Shared) {
        if self.model.update() {
            self.scoring.changed(&shared.context);
        }
        shared.model_name = self.model.ready().map(|_| self.model.name());
        self.picker.update();
        if let Some(result) = self.asking_model.as_mut().and_then(Job::poll) {
            self.asking_model = None;
            match result {
                Ok(Some(folder)) => self.choose_model(ModelSource::Folder(folder), shared),
                Ok(None) => {}
                Err(message) => shared.error(message),
            }
        }
        if let Some(result) = self.asking_references.as_mut().and_then(Job::poll) {
            self.asking_references = None;
            match result {
                Ok(files) if files.is_empty() => {}
                Ok(files) => {
                    self.reading_references = Some(Job::start(&shared.context, "read-references", move |_| {
                        let mut references = Vec::new();
                        for file in &files {
                            references.append(&mut read_references(file)?);
                        }
                        Ok::<_, crate::checking::CandidatesError>(references)
                    }));
                }
                Err(message) => shared.error(message),
            }
        }
        if let Some(result) = self.reading_references.as_mut().and_then(Job::poll) {
            self.reading_references = None;
            match result {
                Ok(references) => self.add(references, shared),
                Err(message) => shared.error(message),
            }
        }
        self.scoring.update(&shared.context, &self.inputs, self.model.ready());
    }

    fn choose_model(&mut self, source: ModelSource, shared: &Shared) {
        self.model.choose(source, &shared.context);
        self.scoring.changed(&shared.context);
    }

    fn replace(&mut self, action: &'static str, inputs: Inputs, shared: &Shared) {
        if !self.inputs.is_empty() {
            self.history.before(action, &self.inputs);
        }
        self.inputs = inputs;
        self.selected = None;
        self.note = None;
        self.scoring.changed(&shared.context);
    }

    fn add(&mut self, references: Vec<Reference>, shared: &Shared) {
        if references.is_empty() {
            return;
        }
        self.history.before("adding references", &self.inputs);
        self.note = Some(format!(
            "{} added: look at how they were split, and click one to correct it",
            counted(references.len(), "candidate", "candidates")
        ));
        self.inputs.candidates.extend(references.into_iter().map(|reference| Entry { reference, label: None }));
        self.selected = None;
        self.scoring.changed(&shared.context);
    }

    fn copy(&self, format: CopyFormat, shared: &mut Shared) {
        let Some((ranked, _)) = self.scoring.ranked() else { return };
        let text = match format {
            CopyFormat::Text => ranked.ranking.to_text(),
            CopyFormat::Csv => ranked.ranking.to_csv(),
            CopyFormat::Json => ranked.ranking.to_json(),
        };
        shared.copy("The ranking", text);
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, shared: &mut Shared) {
        self.model.wake(&shared.context);
        let margin = Margin::symmetric(space::PAGE as i8, 10);
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(margin);
        Panel::top("check_model").frame(frame).show(ui, |ui| self.model_bar(ui, shared));
        let half = (ui.available_width() * 0.46).max(330.0);
        Panel::left("check_inputs")
            .frame(frame)
            .resizable(true)
            .default_size(half)
            .size_range(300.0..=ui.available_width() - 320.0)
            .show(ui, |ui| self.input_column(ui, shared));
        egui::CentralPanel::default().frame(frame).show(ui, |ui| self.result_column(ui, shared));
        if let Some(rows) = self.picker.show(ui) {
            shared.send(Command::CheckRows(rows));
        }
        self.paste_without_focus(ui, shared);
    }

    /// Ctrl+V adds references wherever no text field has the keyboard.
    fn paste_without_focus(&mut self, ui: &Ui, shared: &Shared) {
        if ui.ctx().egui_wants_keyboard_input() || self.picker.is_open() {
            return;
        }
        let pasted = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted {
            self.add(split_pasted(&text), shared);
        }
    }

    fn model_bar(&mut self, ui: &mut Ui, shared: &mut Shared) {
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
                    let base = model.base.as_ref().map_or(String::new(), |base| format!(" · made from {base}"));
                    let device = model.device;
                    ui.label(RichText::new(format!("{origin}{base} · on the {device}")).color(palette.weak));
                }
                ModelState::Failed(_) => {
                    ui.label(RichText::new("✖ could not be loaded").color(palette.error));
                }
            }
        });
        if let (ModelSource::Bundled, Some(figures)) = (self.model.source(), &self.figures) {
            if figures.is_weak() {
                warning(
                    ui,
                    "The bundled model is weak: counting shared words does as well. Train your own for real work",
                )
                .on_hover_text(figures.line());
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

    fn input_column(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            section(ui, "Sentence", None);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui
                    .add_enabled(!self.inputs.is_empty(), egui::Button::new("Clear"))
                    .on_hover_text("Take the sentence and all candidates away")
                    .clicked()
                {
                    shared.send(Command::ClearCheck);
                }
                if let Some(action) = self.history.next()
                    && ui.button("Undo").on_hover_text(format!("Take back {action}")).clicked()
                {
                    shared.send(Command::UndoCheck);
                }
            });
        });
        let changed = egui::ScrollArea::vertical()
            .id_salt("sentence")
            .max_height(84.0)
            .show(ui, |ui| {
                let field = TextEdit::multiline(&mut self.inputs.sentence)
                    .id_salt("sentence_text")
                    .hint_text("Type or paste the sentence that may cite")
                    .desired_rows(3)
                    .desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Sentence to check").changed()
            })
            .inner;
        if changed {
            self.scoring.changed(&shared.context);
        }
        ui.add_space(space::TIGHT);
        ui.horizontal(|ui| {
            section(ui, "Candidates", None);
            if !self.inputs.candidates.is_empty() {
                ui.label(
                    RichText::new(counted(self.inputs.candidates.len(), "candidate", "candidates")).color(palette.weak),
                );
            }
        });
        ui.horizontal_wrapped(|ui| {
            for command in [Command::AddCandidate, Command::OpenReferences, Command::TakeFromDataset] {
                let description = command.description();
                let possible = command != Command::TakeFromDataset || shared.dataset.is_some();
                let button = ui.add_enabled(possible, egui::Button::new(description.label.as_ref()));
                let button = button.on_hover_text(description.tooltip.as_ref());
                if button.on_disabled_hover_text("Open a dataset on the Dataset page first").clicked() {
                    shared.send(command);
                }
            }
        });
        self.paste_field(ui, shared);
        if let Some(note) = &self.note {
            ui.add(egui::Label::new(RichText::new(note).small().color(palette.weak)).wrap());
        }
        if let Some(action) =
            candidates::show(ui, &mut self.inputs, self.selected, std::mem::take(&mut self.focus_title))
        {
            self.on_list(action, shared);
        }
    }

    fn paste_field(&mut self, ui: &mut Ui, shared: &Shared) {
        let response = egui::ScrollArea::vertical()
            .id_salt("pasted")
            .max_height(62.0)
            .show(ui, |ui| {
                let field = TextEdit::multiline(&mut self.pasted)
                    .id_salt("pasted_text")
                    .hint_text("Paste references here: title, authors and text on lines of their own, a blank line between references")
                    .desired_rows(2)
                    .desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Paste references")
            })
            .inner;
        let was_pasted = response.changed()
            && ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Paste(_))));
        if was_pasted {
            let references = split_pasted(&std::mem::take(&mut self.pasted));
            self.add(references, shared);
        } else if !self.pasted.trim().is_empty() {
            let references = split_pasted(&self.pasted);
            let text = format!("Add {}", counted(references.len(), "candidate", "candidates"));
            if ui.add_enabled(!references.is_empty(), egui::Button::new(text)).clicked() {
                self.pasted.clear();
                self.add(references, shared);
            }
        }
    }

    fn on_list(&mut self, action: ListAction, shared: &Shared) {
        match action {
            ListAction::Select(selected) => {
                self.selected = selected;
                return;
            }
            ListAction::Edited => {}
            ListAction::Remove(index) => {
                self.history.before("removing a candidate", &self.inputs);
                self.inputs.candidates.remove(index);
                self.selected = None;
            }
            ListAction::JoinWithPrevious(index) => {
                self.history.before("joining two candidates", &self.inputs);
                self.inputs.join_with_previous(index);
                self.selected = index.checked_sub(1);
            }
            ListAction::AuthorsToText(index) => {
                self.history.before("moving the authors", &self.inputs);
                self.inputs.authors_to_text(index);
            }
        }
        self.note = None;
        self.scoring.changed(&shared.context);
    }

    fn result_column(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        if let ModelState::Failed(message) = self.model.state() {
            let message = message.clone();
            self.failed_model(ui, &message, shared);
            return;
        }
        if self.inputs.is_empty() {
            let empty = EmptyState {
                icon: "❝",
                title: "Does this sentence cite that paper?",
                text: "Type or paste a sentence, add the references that it may cite, and see them ranked",
                action: "Try the example",
            };
            if empty.show(ui, |_| {}).clicked() {
                shared.send(Command::CheckExample);
            }
            return;
        }
        let ranked = self.scoring.ranked();
        ui.horizontal(|ui| {
            section(ui, "Ranking", None);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ranked.is_some_and(|(_, current)| current) {
                    copy_menu(ui, shared);
                }
            });
        });
        if let Some(message) = self.scoring.error() {
            ui.add(egui::Label::new(RichText::new(format!("✖ {message}")).color(palette.error)).wrap());
        }
        if self.inputs.sentence.trim().is_empty() {
            ui.weak("Type the sentence to check");
        } else if self.inputs.rankable().is_empty() {
            ui.weak("Add a candidate with a title or a text");
        }
        let mut stop = false;
        if let Some((done, total)) = self.scoring.progress().filter(|(_, total)| *total > 32) {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(format!("Ranking {done} of {}…", counted(total as usize, "candidate", "candidates")));
                stop = ui.button("Cancel").clicked();
            });
        }
        let mut again = false;
        let mut clicked = None;
        if let Some((ranked, current)) = ranked {
            if current {
                let threshold = ranked.ranking.threshold;
                let count = counted(ranked.ranking.candidates.len(), "candidate", "candidates");
                let seconds = ranked.took.as_secs_f64();
                let text = format!("{count} in {seconds:.2} s · the upright line is the threshold, {threshold:.3}");
                ui.label(RichText::new(text).small().color(palette.weak));
            } else if !self.scoring.is_busy() && self.scoring.error().is_none() {
                ui.horizontal(|ui| {
                    ui.weak("This ranking is out of date");
                    again = ui.button("Rank again").clicked();
                });
            } else {
                ui.label(RichText::new("Ranking…").small().color(palette.weak));
            }
            clicked = results::show(ui, ranked, current, self.selected);
        } else if self.scoring.is_busy() && self.model.ready().is_some() {
            ui.weak("Ranking…");
        }
        if stop {
            self.scoring.cancel();
        }
        if again {
            self.scoring.changed(&shared.context);
        }
        if clicked.is_some() {
            self.selected = clicked;
        }
    }

    fn failed_model(&mut self, ui: &mut Ui, message: &str, shared: &Shared) {
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

fn copy_menu(ui: &mut Ui, shared: &mut Shared) {
    let menu = ui.menu_button("Copy", |ui| {
        for format in [CopyFormat::Text, CopyFormat::Csv, CopyFormat::Json] {
            let command = Command::CopyRanking(format);
            let description = command.description();
            if ui.button(description.label.as_ref()).on_hover_text(description.tooltip.as_ref()).clicked() {
                shared.send(command);
                ui.close();
            }
        }
    });
    menu.response.on_hover_text("Copy the ranking");
}
