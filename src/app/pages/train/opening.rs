//! What is on screen beside the form: the run or the grid that is followed, and the list of runs.

use super::form::BaseKind;
use super::grid::OpenGrid;
use super::list::{Entry, read_list};
use super::open_run::OpenRun;
use super::{FolderFor, TrainPage, View};
use crate::app::job::Job;
use crate::app::pages::Page;
use crate::app::shared::Shared;
use std::path::Path;
use std::time::Duration;

/// Between two looks at a list with a run that goes on elsewhere.
const LIST_INTERVAL: Duration = Duration::from_secs(3);

impl TrainPage {
    pub(super) fn open_run(&mut self, path: &Path, shared: &mut Shared) {
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

    pub(super) fn open_grid(&mut self, path: &Path, shared: &mut Shared) {
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

    pub(super) fn take_folder(&mut self, purpose: FolderFor, folder: &Path, shared: &mut Shared) {
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

    pub(super) fn read_list(&mut self, shared: &Shared) {
        let folder = self.runs_folder();
        self.list_job = Some(Job::start(&shared.context, "list runs", move |_| {
            read_list(&folder).map_err(|failure| format!("Cannot read {}: {failure}", folder.display()))
        }));
        self.list_read = Some(std::time::Instant::now());
    }

    pub(super) fn update_list(&mut self, shared: &mut Shared, on_screen: bool) {
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
}
