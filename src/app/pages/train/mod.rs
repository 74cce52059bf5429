//! The Train page: a form to start from, a run to follow, runs to come back to, and the grid.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state and what its commands do |
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
mod plan;
mod processes;
mod run_view;
mod watch;

use super::{CloseDecision, Page};
use crate::app::command::Command;
use crate::app::job::Job;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::runs::{
    GridAxes, RunFolder, RunProcess, TrainRequest, default_runs_folder, launch_grid, launch_resume, launch_train,
    new_run_name,
};
use base::{BaseModel, BaseState};
use form::{BaseKind, Form};
use grid::{GridFile, GridForm, OpenGrid};
use list::{Entry, read_list};
use open_run::OpenRun;
use plan::{Plan, PlanKey};
use processes::{News, Processes};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Under which the page remembers.
const MEMORY: &str = "train";
/// How many base models are remembered.
const RECENT_BASES: usize = 6;
/// Between two looks at a list with a run that goes on elsewhere.
const LIST_INTERVAL: Duration = Duration::from_secs(3);

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

    /// What a start would train, or everything that stands in its way.
    fn request(&self, shared: &Shared) -> Result<TrainRequest, Vec<String>> {
        let mut obstacles = Vec::new();
        let plan = match (&shared.dataset, &self.planned) {
            (None, _) => Err("Open a dataset on the Dataset page first".to_owned()),
            (Some(_), None) => Err("The dataset is being split…".to_owned()),
            (Some(_), Some(Err(failure))) => Err(failure.clone()),
            (Some(_), Some(Ok(plan))) => plan.problem.clone().map_or(Ok(()), Err),
        };
        obstacles.extend(plan.err());
        obstacles.extend(match self.base.state() {
            BaseState::Ready(_) => None,
            BaseState::Looking => Some("The base model is being looked at…".to_owned()),
            BaseState::NotDownloaded => Some("Download the base model first".to_owned()),
            BaseState::Nothing => Some("Choose a base model".to_owned()),
            BaseState::Problem(_) => Some("The base model cannot be used: see above".to_owned()),
        });
        let numbers = self.memory.form.numbers(self.base.positions());
        if let Err(problems) = &numbers {
            let names: Vec<&str> = problems.keys().map(|field| field.label()).collect();
            obstacles.push(format!("Correct {}", names.join(", ").to_lowercase()));
        }
        if self.processes.starting() {
            obstacles.push("A training is being started…".to_owned());
        } else if let Some(live) = self.processes.alive().next() {
            obstacles.push(format!("{} goes on: stop it or wait for its end", short_name(live)));
        }
        match (&shared.dataset, numbers) {
            (Some(dataset), Ok(numbers)) if obstacles.is_empty() => Ok(TrainRequest {
                dataset: dataset.path.clone(),
                base: self.memory.form.base_name().to_owned(),
                hyperparameters: numbers.hyperparameters,
                split: shared.split,
                cleaning: shared.cleaning,
                device: self.memory.form.device,
                precision: self.memory.form.precision,
                threads: numbers.threads,
            }),
            _ => Err(obstacles),
        }
    }

    fn start(&mut self, shared: &mut Shared) {
        let Ok(request) = self.request(shared) else { return };
        self.start_failure = None;
        self.remember_base();
        let name = match self.memory.form.run_name.trim() {
            "" => new_run_name(&request.base),
            name => name.to_owned(),
        };
        let path = self.runs_folder().join(name);
        let folder = RunFolder::at(&path);
        self.processes.start(&shared.context, path, move || launch_train(&request, &folder));
    }

    fn remember_base(&mut self) {
        let form = &self.memory.form;
        let chosen = (form.base, form.base_name().to_owned());
        self.memory.recent_bases.retain(|known| *known != chosen);
        self.memory.recent_bases.insert(0, chosen);
        self.memory.recent_bases.truncate(RECENT_BASES);
    }

    /// What a grid would train, or everything that stands in its way.
    fn grid_request(&self, shared: &Shared) -> Result<(TrainRequest, GridAxes), Vec<String>> {
        match (self.request(shared), self.memory.grid.axes()) {
            (Ok(request), Ok(axes)) => Ok((request, axes)),
            (request, axes) => {
                let mut obstacles = request.err().unwrap_or_default();
                obstacles.extend(axes.err().map(|_| "Correct what the grid compares".to_owned()));
                Err(obstacles)
            }
        }
    }

    fn start_grid(&mut self, shared: &mut Shared) {
        let Ok((request, axes)) = self.grid_request(shared) else { return };
        self.start_failure = None;
        self.remember_base();
        let path = self.runs_folder().join(format!("{}-grid", new_run_name(&request.base)));
        let folder = path.clone();
        self.processes.start(&shared.context, path, move || {
            let file = GridFile {
                created: jiff::Timestamp::now(),
                learning_rates: axes.learning_rates.clone(),
                epochs: axes.epochs.clone(),
                threshold: axes.threshold,
                request,
            };
            file.write(&folder).map_err(|failure| format!("cannot write into {}: {failure}", folder.display()))?;
            launch_grid(&file.request, &axes, &folder).map_err(|failure| failure.to_string())
        });
    }

    /// Goes on with a run or a grid.
    fn resume(&mut self, path: &Path, shared: &mut Shared) {
        if let Some(run) = self.run.as_mut().filter(|run| run.path() == path) {
            run.resuming = true;
            run.last_words = None;
        }
        if let Some(grid) = self.grid.as_mut().filter(|grid| grid.path == path) {
            grid.last_words = None;
        }
        let folder = path.to_owned();
        self.processes.start(&shared.context, path.to_owned(), move || go_on(&folder));
    }

    fn hear(&mut self, news: News, shared: &mut Shared) {
        match news {
            News::Started(path) => {
                self.memory.form.run_name.clear();
                if GridFile::is_in(&path) {
                    self.open_grid(&path, shared);
                } else {
                    self.open_run(&path, shared);
                }
            }
            News::NotStarted { folder, failure } => {
                let failure = format!("The training was not started: {failure}");
                if let Some(run) = self.run.as_mut().filter(|run| run.path() == folder) {
                    run.resuming = false;
                    run.last_words = Some(failure);
                } else if let Some(grid) = self.grid.as_mut().filter(|grid| grid.path == folder) {
                    grid.last_words = Some(failure);
                } else {
                    self.start_failure = Some(failure);
                }
            }
            News::Ended(ended) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.path() == ended.folder) {
                    run.resuming = false;
                    run.last_words = ended.failure;
                } else if let Some(grid) = self.grid.as_mut().filter(|grid| grid.path == ended.folder) {
                    grid.last_words = ended.failure;
                } else if let Some(failure) = ended.failure {
                    shared.error(format!("{}: {failure}", short_name(&ended.folder)));
                }
                self.read_list(shared);
            }
        }
    }

    fn open_run(&mut self, path: &Path, shared: &mut Shared) {
        shared.page = Page::Train;
        self.view = View::Run;
        if self.run.as_ref().is_some_and(|run| run.path() == path) {
            return;
        }
        match OpenRun::open(&shared.context, path) {
            Ok(run) => self.run = Some(run),
            Err(failure) => shared.error(format!("{} cannot be followed: {failure}", path.display())),
        }
    }

    fn open_grid(&mut self, path: &Path, shared: &mut Shared) {
        shared.page = Page::Train;
        self.view = View::Grid;
        if self.grid.as_ref().is_some_and(|grid| grid.path == path) {
            return;
        }
        match OpenGrid::open(&shared.context, path) {
            Ok(grid) => self.grid = Some(grid),
            Err(failure) => shared.error(format!("{} cannot be followed: {failure}", path.display())),
        }
    }

    fn take_folder(&mut self, purpose: FolderFor, folder: &Path, shared: &mut Shared) {
        let text = folder.display().to_string();
        match purpose {
            FolderFor::Base => {
                self.memory.form.base = BaseKind::Folder;
                self.memory.form.base_folder = text;
            }
            FolderFor::Runs => {
                self.memory.form.runs_folder = text;
                self.read_list(shared);
            }
        }
    }

    fn read_list(&mut self, shared: &Shared) {
        let folder = self.runs_folder();
        self.list_job = Some(Job::start(&shared.context, "list runs", move |_| {
            read_list(&folder).map_err(|failure| format!("Cannot read {}: {failure}", folder.display()))
        }));
        self.list_read = Some(std::time::Instant::now());
    }

    fn update_list(&mut self, shared: &mut Shared, on_screen: bool) {
        if let Some(listed) = self.list_job.as_mut().and_then(Job::poll) {
            self.list_job = None;
            match listed {
                Ok(entries) => {
                    self.list = Some(entries);
                    self.list_failure = None;
                }
                Err(failure) => self.list_failure = Some(failure),
            }
            self.look_for_running(shared);
        }
        let due = match self.list_read {
            None => true,
            Some(read) => {
                let runs_elsewhere = self.list.iter().flatten().any(Entry::is_running);
                if on_screen && runs_elsewhere {
                    shared.context.request_repaint_after(LIST_INTERVAL);
                }
                on_screen && runs_elsewhere && read.elapsed() >= LIST_INTERVAL
            }
        };
        if due && self.list_job.is_none() {
            self.read_list(shared);
        }
    }

    /// The first time that the list is there, opens the run that goes on, if there is one and nothing else is open.
    fn look_for_running(&mut self, shared: &mut Shared) {
        if std::mem::replace(&mut self.looked_for_running, true) || self.run.is_some() {
            return;
        }
        let running = self.list.iter().flatten().find_map(|entry| match entry {
            Entry::Run(run) if entry.is_running() => Some(run.summary.folder.path().to_owned()),
            _ => None,
        });
        if let Some(path) = running
            && let Ok(run) = OpenRun::open(&shared.context, &path)
        {
            shared.info(format!("{} is still running: see the Train page", run.name));
            self.run = Some(run);
            self.view = View::Run;
        }
    }

    fn update_plan(&mut self, shared: &Shared) {
        let wanted = shared.dataset.as_ref().map(|dataset| PlanKey {
            dataset: dataset.clone(),
            cleaning: shared.cleaning,
            split: shared.split,
        });
        match (&wanted, &self.plan) {
            (None, _) => (self.plan, self.planned) = (None, None),
            (Some(key), Some((known, _))) if key == known => {}
            (Some(key), _) => {
                let for_job = key.clone();
                let job = Job::start(&shared.context, "plan training", move |_| {
                    Plan::of(&for_job.dataset, for_job.cleaning, for_job.split)
                });
                (self.plan, self.planned) = (Some((key.clone(), job)), None);
            }
        }
        if self.planned.is_none()
            && let Some((_, job)) = &mut self.plan
        {
            self.planned = job.poll();
        }
    }
}

/// Starts the process that goes on with what is in the folder.
fn go_on(folder: &Path) -> Result<RunProcess, String> {
    let process = match GridFile::read(folder) {
        Ok(grid) => launch_grid(&grid.request, &grid.axes(), folder),
        Err(_) => launch_resume(&RunFolder::at(folder)),
    };
    process.map_err(|failure| failure.to_string())
}

/// Writes the file `stop`, which takes no time that anyone would notice and must be there before the window closes.
fn stop(path: &Path, shared: &mut Shared) {
    if let Err(failure) = grid::request_stop(path) {
        shared.error(format!("The run cannot be stopped: {failure}"));
    }
}
