//! The Train page: a form to start from, a run to follow, runs to come back to, and the grid.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state and what its commands do |
//! | `starting`, `opening` | no drawing: starting and going on with a training; what is followed, and the list |
//! | `form`, `base`, `plan` | no drawing: settings as text, the base model, what would be trained on |
//! | `processes`, `watch`, `open_run`, `figures`, `list`, `hardware` | no drawing: processes, run folders, the machine |
//! | `grid` | no drawing: learning rates by epochs |
//! | `form_view`, `run_view`, `charts`, `grid_view`, `list_view`, `closing` | drawing |

mod base;
mod charts;
mod closing;
mod figures;
mod form;
mod form_view;
mod grid;
mod grid_view;
mod hardware;
mod list;
mod list_view;
mod open_run;
mod opening;
mod plan;
mod processes;
mod run_view;
mod starting;
mod watch;

use super::{CloseDecision, Page};
use crate::app::command::Command;
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::runs::default_runs_folder;
use base::{BaseModel, BaseState};
use form::{BaseKind, Form};
use grid::{GridForm, OpenGrid};
use list::Entry;
use open_run::OpenRun;
use plan::{Plan, PlanKey};
use processes::Processes;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Under which the page remembers.
const MEMORY: &str = "train";

/// What the page remembers between starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    form: Form,
    recent_bases: Vec<(BaseKind, String)>,
    grid: GridForm,
}

/// What the large part of the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    NewRun,
    Grid,
    Run,
}

/// What a folder is being chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FolderFor {
    Base,
    Runs,
}

/// The page's state.
#[derive(Debug)]
pub struct TrainPage {
    memory: Memory,
    remembered: Memory,
    view: View,
    base: BaseModel,
    plan: Option<(PlanKey, Job<Plan>)>,
    planned: Option<Result<Plan, String>>,
    processes: Processes,
    /// Why the last start failed.
    start_failure: Option<String>,
    run: Option<OpenRun>,
    /// The grid on screen; None while a new one is being set up.
    grid: Option<OpenGrid>,
    list: Option<Vec<Entry>>,
    list_failure: Option<String>,
    list_job: Option<Job<Vec<Entry>>>,
    list_read: Option<std::time::Instant>,
    choosing: Option<(FolderFor, Job<Option<PathBuf>>)>,
    /// The user is being asked what to do with runs that go on.
    closing: bool,
    /// A run that goes on was looked for at start.
    looked_for_running: bool,
}

impl TrainPage {
    /// The page at start.
    #[must_use]
    pub fn new(shared: &Shared) -> Self {
        let mut memory: Memory = shared.settings.recall(MEMORY).unwrap_or_default();
        memory.form.complete();
        Self {
            remembered: memory.clone(),
            memory,
            view: View::NewRun,
            base: BaseModel::new(),
            plan: None,
            planned: None,
            processes: Processes::default(),
            start_failure: None,
            run: None,
            grid: None,
            list: None,
            list_failure: None,
            list_job: None,
            list_read: None,
            choosing: None,
            closing: false,
            looked_for_running: false,
        }
    }

    /// A command came.
    pub fn handle(&mut self, command: &Command, shared: &mut Shared) {
        let context = shared.context.clone();
        match command {
            Command::NewRun | Command::TrainOnDataset => {
                shared.page = Page::Train;
                self.view = View::NewRun;
            }
            Command::ShowGrid => {
                shared.page = Page::Train;
                self.grid = None;
                self.view = View::Grid;
            }
            Command::OpenRun(path) => self.open_run(path, shared),
            Command::OpenGrid(path) => self.open_grid(path, shared),
            Command::ChooseBaseFolder => {
                let dialog = shared.dialogs.open_folder(&context, "Open a base model's folder");
                self.choosing = Some((FolderFor::Base, dialog));
            }
            Command::ChooseRunsFolder => {
                let dialog = shared.dialogs.open_folder(&context, "Where runs are kept");
                self.choosing = Some((FolderFor::Runs, dialog));
            }
            Command::DownloadBase => {
                let id = self.memory.form.base_name().to_owned();
                self.base.start_download(&context, &id);
            }
            Command::CancelDownload => self.base.cancel_download(),
            Command::ResetHyperparameters => self.memory.form.reset_hyperparameters(),
            Command::StartTraining => self.start(shared),
            Command::StartGrid => self.start_grid(shared),
            Command::StopRun(path) => stop(path, shared),
            Command::ResumeRun(path) => self.resume(path, shared),
            Command::ShowRunLog(path) => {
                self.open_run(path, shared);
                if let Some(run) = &mut self.run {
                    run.log_shown = !run.log_shown;
                }
            }
            Command::CopyPath(path) => shared.copy("The path", path.display().to_string()),
            Command::RefreshRuns => self.read_list(shared),
            Command::LeaveRunsAndClose => {
                self.closing = false;
                shared.send(Command::CloseNow);
            }
            Command::StopRunsAndClose => {
                self.closing = false;
                for path in self.live_runs() {
                    stop(&path, shared);
                }
                shared.send(Command::CloseNow);
            }
            Command::KeepOpen => self.closing = false,
            _ => {}
        }
    }

    /// Looks after jobs; draws nothing.
    pub fn update(&mut self, shared: &mut Shared) {
        let context = shared.context.clone();
        let on_screen = shared.page == Page::Train;
        for news in self.processes.update(&context) {
            self.hear(news, shared);
        }
        if let Some(run) = &mut self.run
            && run.update(&context, on_screen && self.view == View::Run)
        {
            self.read_list(shared);
        }
        if self.grid.as_mut().is_some_and(OpenGrid::update) {
            self.read_list(shared);
        }
        if let Some((purpose, chosen)) = self.choosing.as_mut().and_then(|(purpose, job)| Some((*purpose, job.poll()?)))
        {
            self.choosing = None;
            match chosen {
                Ok(Some(folder)) => self.take_folder(purpose, &folder, shared),
                Ok(None) => {}
                Err(failure) => shared.error(failure),
            }
        }
        self.update_list(shared, on_screen);
        if !on_screen {
            return;
        }
        let form = &self.memory.form;
        if let Err(failure) = self.base.update(&context, form.base, form.base_name()) {
            shared.error(failure);
        }
        let base = (!form.base_name().is_empty()).then(|| form.base_name().to_owned());
        if shared.base != base {
            shared.base = base;
        }
        self.update_plan(shared);
        if self.memory != self.remembered {
            shared.settings.remember(MEMORY, &self.memory);
            self.remembered = self.memory.clone();
        }
    }

    /// Whether a command of this page can be used now; true for the commands of others.
    #[must_use]
    pub fn available(&self, command: &Command, shared: &Shared) -> bool {
        match command {
            Command::StartTraining => {
                shared.page == Page::Train && self.view == View::NewRun && self.request(shared).is_ok()
            }
            Command::StartGrid => {
                shared.page == Page::Train && self.view == View::Grid && self.grid_request(shared).is_ok()
            }
            Command::DownloadBase => *self.base.state() == BaseState::NotDownloaded && self.base.download().is_none(),
            Command::CancelDownload => self.base.download().is_some(),
            _ => true,
        }
    }

    /// The window is about to close: may it?
    pub fn closing(&mut self, shared: &mut Shared) -> CloseDecision {
        if self.live_runs().is_empty() {
            return CloseDecision::Close;
        }
        // The question is drawn by this page.
        shared.page = Page::Train;
        self.closing = true;
        CloseDecision::Wait
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut egui::Ui, shared: &mut Shared) {
        list_view::show(self, ui, shared);
        match self.view {
            View::NewRun => form_view::show(self, ui, shared),
            View::Grid => match &self.grid {
                Some(grid) => grid_view::show(grid, self.processes.starting(), ui, shared),
                None => grid_view::show_form(self, ui, shared),
            },
            View::Run => match &mut self.run {
                Some(run) => run_view::show(run, self.processes.starting(), ui, shared),
                None => form_view::show(self, ui, shared),
            },
        }
        if self.closing {
            closing::show(ui, shared, self.live_runs().len());
        }
    }

    /// The folder that new runs go to.
    fn runs_folder(&self) -> PathBuf {
        match self.memory.form.runs_folder.trim() {
            "" => default_runs_folder(),
            folder => PathBuf::from(folder),
        }
    }

    /// Runs that go on and that closing the window would leave alone: this window's, and the one on screen.
    fn live_runs(&self) -> Vec<PathBuf> {
        let mut live: Vec<PathBuf> = self.processes.alive().map(Path::to_owned).collect();
        if let Some(run) = self.run.as_ref().filter(|run| run.is_running())
            && !live.contains(&run.path())
        {
            live.push(run.path());
        }
        live
    }
}

/// Writes the file `stop`, which takes no time that anyone would notice and must be there before the window closes.
fn stop(path: &Path, shared: &mut Shared) {
    if let Err(failure) = grid::request_stop(path) {
        shared.error(format!("The run cannot be stopped: {failure}"));
    }
}
