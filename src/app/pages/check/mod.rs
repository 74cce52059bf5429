//! The Check page: one sentence, its candidate references, and how a model ranks them.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state, its commands and its layout |
//! | `input.rs` | the sentence, the candidates, and the way back |
//! | `model.rs` | which model ranks, loaded in the background |
//! | `scoring.rs` | ranking after each change, one at a time |
//! | `model_view.rs` | drawing the choice of the model, and why one could not be loaded |
//! | `inputs_view.rs` | drawing the left side: the sentence, the ways to add candidates |
//! | `candidates.rs` | drawing the candidates and editing one |
//! | `ranking_view.rs` | drawing the right side: the ranking with what is said about it |
//! | `results.rs` | drawing the ranked candidates |
//! | `from_dataset.rs` | taking a sentence from the loaded dataset |
//! | `figures.rs` | what the bundled model reaches |
//! | `example.rs` | something to try |

mod candidates;
mod example;
mod figures;
mod from_dataset;
mod input;
mod inputs_view;
mod model;
mod model_view;
mod ranking_view;
mod results;
mod scoring;

use super::CloseDecision;
use crate::app::command::{Command, CopyFormat};
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::app::theme::space;
use crate::app::widgets::numbers::counted;
use crate::checking::{Reference, read_references};
use crate::model::ModelSource;
use egui::{Frame, Margin, Panel, Ui};
use figures::ModelFigures;
use from_dataset::DatasetPicker;
use input::{Entry, History, Inputs};
use model::ModelChoice;
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
}
