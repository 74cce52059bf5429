//! Starting and going on: what stands in the way, the processes, and what they say.

use super::TrainPage;
use super::base::BaseState;
use super::grid::GridFile;
use super::plan::{Plan, PlanKey};
use super::processes::News;
use crate::app::job::Job;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::runs::{
    GridAxes, RunFolder, RunProcess, TrainRequest, launch_grid, launch_resume, launch_train, new_run_name,
};
use std::path::Path;

/// How many base models are remembered.
const RECENT_BASES: usize = 6;

impl TrainPage {
    pub(super) fn update_plan(&mut self, shared: &Shared) {
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

    /// What a start would train, or everything that stands in its way.
    pub(super) fn request(&self, shared: &Shared) -> Result<TrainRequest, Vec<String>> {
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

    pub(super) fn start(&mut self, shared: &mut Shared) {
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
    pub(super) fn grid_request(&self, shared: &Shared) -> Result<(TrainRequest, GridAxes), Vec<String>> {
        match (self.request(shared), self.memory.grid.axes()) {
            (Ok(request), Ok(axes)) => Ok((request, axes)),
            (request, axes) => {
                let mut obstacles = request.err().unwrap_or_default();
                obstacles.extend(axes.err().map(|_| "Correct what the grid compares".to_owned()));
                Err(obstacles)
            }
        }
    }

    pub(super) fn start_grid(&mut self, shared: &mut Shared) {
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
    pub(super) fn resume(&mut self, path: &Path, shared: &mut Shared) {
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

    pub(super) fn hear(&mut self, news: News, shared: &mut Shared) {
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
}

/// Starts the process that goes on with what is in the folder.
fn go_on(folder: &Path) -> Result<RunProcess, String> {
    let process = match GridFile::read(folder) {
        Ok(grid) => launch_grid(&grid.request, &grid.axes(), folder),
        Err(_) => launch_resume(&RunFolder::at(folder)),
    };
    process.map_err(|failure| failure.to_string())
}
