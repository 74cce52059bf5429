//! The Threshold page: how precision and recall trade off, and a threshold that can be defended.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state and its layout |
//! | `load.rs` | opening a run folder or a predictions file |
//! | `study.rs` | one part's predictions, with all that no threshold changes |
//! | `intervals.rs` | 95 % intervals by resampling papers |
//! | `texts.rs` | word overlap and ranking, which need the dataset |
//! | `verdict.rs` | one honest sentence |
//! | `controls.rs`, `plots.rs`, `tables.rs` | drawing |

mod controls;
mod intervals;
mod load;
mod plots;
mod study;
mod tables;
mod texts;
mod verdict;

use super::CloseDecision;
use crate::app::command::Command;
use crate::app::focus::keep_in_view;
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::counted;
use crate::app::widgets::{EmptyState, Unit, at_end, primary_button, progress_strip, warning};
use crate::model::{InferenceConfig, ModelError};
use controls::Wishes;
use egui::{Frame, Margin, Panel, RichText, Ui};
use intervals::Intervals;
use load::Opened;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::PartFigures;
use texts::{TextSource, Texts};

/// Figures that need texts, as far as they are known.
#[derive(Debug)]
enum TextState {
    /// Why there are none.
    Unavailable(String),
    Computing(Job<Texts>),
    Known(Box<Texts>),
}

/// An opened file or run with what was done to it.
#[derive(Debug)]
struct Session {
    opened: Opened,
    threshold: f64,
    intervals: Intervals,
    test_intervals: Intervals,
    texts: TextState,
    /// The user asked to see the test.
    test_shown: bool,
}

/// Why a threshold chosen on a lone file needs a folder to be saved in.
const ONLY_A_FILE: &str = "A predictions file belongs to no model: choose the folder of the one it was made with";

/// The page's state.
#[derive(Debug)]
pub struct ThresholdPage {
    loading: Option<(PathBuf, Job<Opened>)>,
    session: Option<Session>,
    wishes: Wishes,
    asking_model: Option<Job<Option<PathBuf>>>,
    saving: Option<Job<PathBuf>>,
}

impl ThresholdPage {
    /// The page at start.
    #[must_use]
    pub fn new(_shared: &Shared) -> Self {
        Self { loading: None, session: None, wishes: Wishes::default(), asking_model: None, saving: None }
    }

    /// A command came.
    pub fn handle(&mut self, command: &Command, shared: &mut Shared) {
        match command {
            Command::ShowThreshold(path) => self.open(path, &shared.context),
            Command::ScoreWithBundled => {
                let dataset = shared.dataset.clone();
                let name = dataset.as_ref().map_or_else(|| PathBuf::from("the sample"), |dataset| dataset.path.clone());
                let job = Job::start(&shared.context, "score-dataset", move |progress| load::score(dataset, progress));
                self.loading = Some((name, job));
            }
            Command::SaveThreshold => {
                if let Some(model) = self.session.as_ref().and_then(|session| session.opened.model.clone()) {
                    self.save(model, &shared.context);
                }
            }
            Command::SaveThresholdIn => {
                self.asking_model =
                    Some(shared.dialogs.open_folder(&shared.context, "Save the threshold in a model folder"));
            }
            Command::CopyFigures => {
                if let Some(session) = &self.session {
                    let text = tables::figures_text(&session.parts(), session.threshold, &session.verdict());
                    shared.copy("The figures", text);
                }
            }
            _ => {}
        }
    }

    /// Whether a command can be used now.
    #[must_use]
    pub fn available(&self, command: &Command, _shared: &Shared) -> bool {
        match command {
            Command::SaveThreshold => self.session.as_ref().is_some_and(|session| session.opened.model.is_some()),
            Command::SaveThresholdIn | Command::CopyFigures => self.session.is_some(),
            _ => true,
        }
    }

    /// The window is about to close.
    pub fn closing(&mut self, _shared: &mut Shared) -> CloseDecision {
        CloseDecision::Close
    }

    fn open(&mut self, path: &Path, context: &egui::Context) {
        let for_thread = path.to_owned();
        let job = Job::start(context, "read-predictions", move |_| load::open(&for_thread));
        self.loading = Some((path.to_owned(), job));
    }

    fn save(&mut self, folder: PathBuf, context: &egui::Context) {
        let Some(session) = &self.session else { return };
        let threshold = session.threshold;
        self.saving = Some(Job::start(context, "save-threshold", move |_| {
            InferenceConfig::save_threshold(&folder, threshold)?;
            Ok::<_, ModelError>(folder)
        }));
    }

    /// Looks after jobs; draws nothing.
    pub fn update(&mut self, shared: &mut Shared) {
        if let Some((_, job)) = &mut self.loading
            && let Some(result) = job.poll()
        {
            self.loading = None;
            match result {
                Ok(opened) => self.session = Some(Session::start(opened, shared)),
                // Whoever cancels knows it.
                Err(message) if message == "cancelled" => {}
                Err(message) => shared.error(format!("No predictions were opened: {message}")),
            }
        }
        if let Some(session) = &mut self.session {
            session.update(&shared.context);
        }
        if let Some(result) = self.asking_model.as_mut().and_then(Job::poll) {
            self.asking_model = None;
            match result {
                Ok(Some(folder)) => self.save(folder, &shared.context),
                Ok(None) => {}
                Err(message) => shared.error(message),
            }
        }
        if let Some(result) = self.saving.as_mut().and_then(Job::poll) {
            self.saving = None;
            match result {
                Ok(folder) => {
                    if let Some(session) = &mut self.session
                        && session.opened.model.as_ref() == Some(&folder)
                    {
                        session.opened.saved_threshold = Some(session.threshold);
                    }
                    shared
                        .info(format!("The threshold was saved in {}", folder.join("inference_config.json").display()));
                    shared.send(Command::ThresholdSaved(folder));
                }
                Err(message) => shared.error(format!("The threshold was not saved: {message}")),
            }
        }
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let margin = Margin::symmetric(space::PAGE as i8, 12);
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(margin);
        if let Some((path, job)) = &self.loading {
            Panel::top("threshold_loading").frame(frame).show(ui, |ui| {
                let scoring = job.progress().figures().1 > 0;
                let what = format!("{} {}…", if scoring { "Scoring" } else { "Reading" }, path.display());
                if progress_strip(ui, &what, job.progress(), Unit::Things("rows")) {
                    job.cancel();
                }
            });
        }
        let Some(session) = &mut self.session else {
            egui::CentralPanel::default().frame(frame).show(ui, |ui| nothing_yet(ui, shared));
            return;
        };
        let mut moved = None;
        Panel::left("threshold_controls").frame(frame).resizable(false).exact_size(345.0).show(ui, |ui| {
            egui::ScrollArea::vertical().id_salt("controls").auto_shrink(false).show(ui, |ui| {
                moved = session.controls(ui, shared, &mut self.wishes, self.saving.is_some());
                keep_in_view(ui);
            });
        });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            egui::ScrollArea::vertical().id_salt("figures").auto_shrink(false).show(ui, |ui| {
                moved = moved.or(session.figures(ui, shared));
                keep_in_view(ui);
            });
        });
        if let Some(threshold) = moved {
            session.move_to(threshold, &shared.context);
        }
    }
}

fn nothing_yet(ui: &mut Ui, shared: &mut Shared) {
    let empty = EmptyState {
        icon: "⇅",
        title: "Choose a threshold that can be defended",
        text: "Open a run folder or a predictions file (.csv with label and probability), or drop one here",
        action: "Open folder…",
    };
    let pressed = empty.show(ui, |ui| {
        if ui.button("Open predictions…").clicked() {
            shared.send(Command::Open);
        }
        let (text, tooltip) = if shared.dataset.is_some() {
            ("Score the loaded dataset with the bundled model", "Its labelled rows become the predictions")
        } else {
            ("Score the sample with the bundled model", "Some 80 rows, to see this page alive")
        };
        if ui.button(text).on_hover_text(tooltip).clicked() {
            shared.send(Command::ScoreWithBundled);
        }
        ui.add_space(space::SMALL);
        ui.weak("No run yet? Train a model on the Train page: its predictions open here");
    });
    if pressed.clicked() {
        shared.send(Command::OpenFolder);
    }
}

impl Session {
    fn start(opened: Opened, shared: &Shared) -> Self {
        let context = &shared.context;
        let threshold = opened.saved_threshold.unwrap_or(opened.validation.sweep.best.threshold);
        let mut intervals = Intervals::default();
        intervals.start(&opened.validation, context);
        intervals.moved(threshold, context);
        let texts = Self::start_texts(&opened, shared);
        Self { opened, threshold, intervals, test_intervals: Intervals::default(), texts, test_shown: false }
    }

    fn start_texts(opened: &Opened, shared: &Shared) -> TextState {
        let Some(source) = opened.texts.clone() else {
            return TextState::Unavailable(
                if opened.model.is_some() {
                    "the run's run.json does not say which dataset it is of"
                } else {
                    "a predictions file does not say which dataset it is of: open the run folder instead"
                }
                .to_owned(),
            );
        };
        // What the Dataset page has loaded need not be read again.
        let source = match (source, &shared.dataset) {
            (TextSource::File { sha256, .. }, Some(dataset)) if dataset.sha256 == sha256 => {
                TextSource::Loaded(Arc::clone(dataset))
            }
            (source, _) => source,
        };
        let (validation, test) = (Arc::clone(&opened.validation), opened.test.clone());
        TextState::Computing(Job::start(&shared.context, "word-overlap", move |progress| {
            texts::compute(&source, &validation, test.as_deref(), progress)
        }))
    }

    fn update(&mut self, context: &egui::Context) {
        self.intervals.update(&self.opened.validation, context);
        if let (true, Some(test)) = (self.test_shown, &self.opened.test) {
            self.test_intervals.update(test, context);
        }
        if let TextState::Computing(job) = &mut self.texts
            && let Some(result) = job.poll()
        {
            self.texts = match result {
                Ok(texts) => TextState::Known(Box::new(texts)),
                Err(message) => TextState::Unavailable(message),
            };
        }
    }

    fn move_to(&mut self, threshold: f64, context: &egui::Context) {
        if threshold == self.threshold {
            return;
        }
        self.threshold = threshold;
        self.intervals.moved(threshold, context);
        if self.test_shown {
            self.test_intervals.moved(threshold, context);
        }
    }

    /// The parts that are shown.
    fn parts(&self) -> Vec<PartFigures<'_>> {
        let texts = match &self.texts {
            TextState::Known(texts) => Some(texts),
            _ => None,
        };
        let validation = &self.opened.validation;
        let mut parts = vec![PartFigures {
            part: if self.opened.model.is_some() || self.opened.test.is_some() { "Validation" } else { "Predictions" },
            study: validation,
            metrics: validation.analysis.metrics(self.threshold),
            at: self.intervals.at(self.threshold),
            areas: self.intervals.areas(),
            texts: texts.map(|texts| &texts.validation),
        }];
        if let (true, Some(test)) = (self.test_shown, &self.opened.test) {
            parts.push(PartFigures {
                part: "Test",
                study: test,
                metrics: test.analysis.metrics(self.threshold),
                at: self.test_intervals.at(self.threshold),
                areas: self.test_intervals.areas(),
                texts: texts.and_then(|texts| texts.test.as_ref()),
            });
        }
        parts
    }

    fn verdict(&self) -> String {
        let study = &self.opened.validation;
        let f1 = study.analysis.metrics(self.threshold).f1;
        let interval = self.intervals.at(self.threshold).and_then(|at| at.f1);
        if interval.is_none() && study.origins.is_some() {
            return format!("F1 {f1:.3}; calling everything a citation reaches {:.3}", study.all_positive.f1);
        }
        verdict::verdict(f1, interval, study.all_positive.f1)
    }

    fn controls(&mut self, ui: &mut Ui, shared: &mut Shared, wishes: &mut Wishes, saving: bool) -> Option<f64> {
        let study = Arc::clone(&self.opened.validation);
        let mut moved = controls::number(ui, self.threshold, |ui| self.saving(ui, shared, saving));
        controls::confusion(ui, study.analysis.confusion(self.threshold));
        match controls::choose(ui, &study, wishes) {
            Some(Ok(threshold)) => moved = Some(threshold),
            Some(Err(message)) => shared.error(message),
            None => {}
        }
        moved
    }

    fn saving(&self, ui: &mut Ui, shared: &mut Shared, saving: bool) {
        let palette = Palette::of(ui);
        let Some(model) = &self.opened.model else {
            if ui.button("Save in a model folder…").on_hover_text(ONLY_A_FILE).clicked() {
                shared.send(Command::SaveThresholdIn);
            }
            return;
        };
        ui.horizontal(|ui| {
            ui.add_enabled_ui(!saving && self.opened.saved_threshold != Some(self.threshold), |ui| {
                let button = primary_button(ui, "Save threshold").on_hover_text(model.display().to_string());
                if button.on_disabled_hover_text("The model has this threshold saved").clicked() {
                    shared.send(Command::SaveThreshold);
                }
            });
            let state = match self.opened.saved_threshold {
                Some(saved) if saved == self.threshold => "saved with the model".to_owned(),
                Some(saved) => format!("the model has {saved:.3}"),
                None => "the model has none yet".to_owned(),
            };
            ui.label(RichText::new(state).small().color(palette.weak));
        });
    }

    fn figures(&mut self, ui: &mut Ui, shared: &mut Shared) -> Option<f64> {
        let study = Arc::clone(&self.opened.validation);
        self.heading(ui, shared);
        self.test_warning(ui);
        let threshold = self.threshold;
        let at = study.analysis.metrics(threshold);
        let mut moved = None;
        plots::grid(ui, &mut |ui, place| {
            let height = 210.0;
            moved = moved.or(match place {
                0 => plots::metrics(ui, shared, &study, threshold, height),
                1 => plots::histogram(ui, shared, &study, threshold, height),
                2 => plots::precision_recall(ui, shared, &study, at, height),
                _ => plots::roc(ui, shared, &study, threshold, height),
            });
        });
        tables::figures(ui, shared, &self.parts(), threshold);
        self.footnotes(ui);
        moved.or(tables::points(ui, shared, &study, threshold))
    }

    fn heading(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let palette = Palette::of(ui);
        let study = Arc::clone(&self.opened.validation);
        let wide = ui.available_width() > 760.0;
        ui.horizontal(|ui| {
            let path = &self.opened.path;
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
            ui.add(egui::Label::new(RichText::new(name).heading()).truncate())
                .on_hover_text(path.display().to_string());
            let mut figures = counted(study.analysis.rows(), "row", "rows");
            if let Some(origins) = &study.origins {
                figures = format!("{figures}, {}", counted(origins.paper_count, "paper", "papers"));
            }
            let part = if self.opened.model.is_some() { "validation: " } else { "" };
            ui.label(RichText::new(format!("{part}{figures}")).color(palette.weak));
            if wide {
                at_end(ui, "threshold", egui::Align::Center, |ui| self.actions(ui, shared));
            }
        });
        if !wide {
            ui.horizontal(|ui| self.actions(ui, shared));
        }
        ui.add(egui::Label::new(RichText::new(self.verdict()).strong()).wrap().selectable(true));
        if let Some(roc_auc) = study.roc_auc {
            let interval = self.intervals.areas().and_then(|areas| areas.roc_auc);
            let text = verdict::order_verdict(roc_auc, interval);
            ui.add(egui::Label::new(RichText::new(text).color(palette.weak)).wrap().selectable(true));
        } else {
            warning(ui, "All rows have the same label, so curves and areas are not defined");
        }
        ui.add_space(space::TIGHT);
    }

    fn actions(&mut self, ui: &mut Ui, shared: &mut Shared) {
        self.test_switch(ui, &shared.context);
        if ui.button("Copy figures").on_hover_text("Copy the figures at this threshold as text").clicked() {
            shared.send(Command::CopyFigures);
        }
        if ui.button("Open…").on_hover_text("Open another predictions file").clicked() {
            shared.send(Command::Open);
        }
    }

    fn test_switch(&mut self, ui: &mut Ui, context: &egui::Context) {
        let Some(test) = self.opened.test.clone() else { return };
        let response = ui.checkbox(&mut self.test_shown, "Show the test part");
        if response.changed() && self.test_shown {
            self.test_intervals.start(&test, context);
            self.test_intervals.moved(self.threshold, context);
        }
    }

    fn test_warning(&self, ui: &mut Ui) {
        if self.test_shown {
            warning(
                ui,
                "Choose on validation alone: a threshold that is moved until the test looks good makes the test \
                 figures too good to be true",
            );
            ui.add_space(space::TIGHT);
        }
    }

    fn footnotes(&self, ui: &mut Ui) {
        let study = &self.opened.validation;
        let mut notes = Vec::new();
        match &study.origins {
            Some(origins) => notes.push(format!(
                "95 % intervals by drawing the {} anew {} times",
                counted(origins.paper_count, "paper", "papers"),
                intervals::resamples(study.labels.len()),
            )),
            None => notes.push("No intervals: the file does not name the papers of its rows".to_owned()),
        }
        match &self.texts {
            TextState::Unavailable(why) => notes.push(format!("No word overlap and no ranking: {why}")),
            TextState::Computing(_) => notes.push("Word overlap and ranking are being computed…".to_owned()),
            TextState::Known(texts) => {
                let ranked = counted(texts.validation.ranking.sentences, "sentence", "sentences");
                let threshold = texts.validation.overlap_threshold;
                notes.push(format!(
                    "Word overlap is the share of a sentence's words that the reference has, at its own best threshold \
                     on validation, {threshold:.3}; ranking counts the {ranked} with both kinds of candidates"
                ));
            }
        }
        for note in notes {
            ui.add(egui::Label::new(RichText::new(note).small().weak()).wrap());
        }
        ui.add_space(space::SMALL);
    }
}
