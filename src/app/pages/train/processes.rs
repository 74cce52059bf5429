//! The training processes that this window started: started off the frame, waited for on threads of their own.

use crate::app::job::Job;
use crate::runs::RunProcess;
use std::path::{Path, PathBuf};

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub folder: PathBuf,
    /// Where it gave up by itself: the last thing it said. A killed process says nothing.
    pub failure: Option<String>,
}

/// The processes of this window.
#[derive(Debug, Default)]
pub struct Processes {
    starting: Option<(PathBuf, Job<RunProcess>)>,
    running: Vec<(PathBuf, Job<Ended>)>,
}

/// What happened since the last look.
#[derive(Debug)]
pub enum News {
    /// A process is there; its folder can be followed.
    Started(PathBuf),
    /// None could be started.
    NotStarted {
        folder: PathBuf,
        failure: String,
    },
    Ended(Ended),
}

impl Processes {
    /// Starts a process in `folder`, unless another one is just being started.
    pub fn start<E: std::fmt::Display>(
        &mut self,
        context: &egui::Context,
        folder: PathBuf,
        launch: impl FnOnce() -> Result<RunProcess, E> + Send + 'static,
    ) {
        if self.starting.is_none() {
            self.starting = Some((folder, Job::start(context, "start training", move |_| launch())));
        }
    }

    /// Whether a process is just being started.
    #[must_use]
    pub fn starting(&self) -> bool {
        self.starting.is_some()
    }

    /// The folders of the processes that are alive.
    pub fn alive(&self) -> impl Iterator<Item = &Path> {
        self.running.iter().map(|(folder, _)| folder.as_path())
    }

    /// Looks after the processes.
    pub fn update(&mut self, context: &egui::Context) -> Vec<News> {
        let mut news = Vec::new();
        if let Some((folder, started)) =
            self.starting.as_mut().and_then(|(folder, job)| Some((folder.clone(), job.poll()?)))
        {
            self.starting = None;
            match started {
                Ok(process) => {
                    self.running.push((folder.clone(), wait_for(context, folder.clone(), process)));
                    news.push(News::Started(folder));
                }
                Err(failure) => news.push(News::NotStarted { folder, failure }),
            }
        }
        self.running.retain_mut(|(folder, job)| match job.poll() {
            None => true,
            Some(ended) => {
                let ended = ended.unwrap_or_else(|failure| Ended { folder: folder.clone(), failure: Some(failure) });
                news.push(News::Ended(ended));
                false
            }
        });
        news
    }
}

/// Waits until the process ends, which also spares the system a zombie.
fn wait_for(context: &egui::Context, folder: PathBuf, mut process: RunProcess) -> Job<Ended> {
    Job::start(context, "wait for training", move |_| {
        let status = process.child.wait().map_err(|failure| format!("cannot wait for the training: {failure}"))?;
        // A process that was killed has no exit code, and its last line means nothing.
        let failure = status.code().and_then(|_| process.ended()?.err());
        Ok::<_, String>(Ended { folder, failure })
    })
}
