//! The system's file dialogs, off the frame: the dialog is made on the main thread, as some systems demand, and awaited
//! on a thread of its own, so that the window keeps drawing behind it.

use super::job::Job;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Where the answers come from.
#[derive(Debug, Clone, Default)]
pub enum Dialogs {
    /// The system's dialogs.
    #[default]
    Native,
    /// These answers, for running without a display.
    Answered {
        /// What every open dialog answers.
        open: Vec<PathBuf>,
        /// What every save dialog answers.
        save: Option<PathBuf>,
    },
}

impl Dialogs {
    /// Asks for files to open; `filters` are names with the file endings they stand for. No path where the user
    /// cancelled.
    #[must_use]
    pub fn open_files(&self, context: &egui::Context, title: &str, filters: &[(&str, &[&str])]) -> Job<Vec<PathBuf>> {
        if let Self::Answered { open, .. } = self {
            let open = open.clone();
            return Job::start(context, "file dialog", move |_| Ok::<_, String>(open));
        }
        let mut dialog = rfd::AsyncFileDialog::new().set_title(title);
        for (name, endings) in filters {
            dialog = dialog.add_filter(*name, endings);
        }
        let answer = dialog.pick_files();
        Job::start(context, "file dialog", move |_| {
            let files = asked(answer).map_err(|NoDialog| NO_DIALOG)?.unwrap_or_default();
            Ok::<_, &str>(files.iter().map(|file| file.path().to_owned()).collect())
        })
    }

    /// Asks for a folder. None where the user cancelled.
    #[must_use]
    pub fn open_folder(&self, context: &egui::Context, title: &str) -> Job<Option<PathBuf>> {
        if let Self::Answered { open, .. } = self {
            let open = open.first().cloned();
            return Job::start(context, "folder dialog", move |_| Ok::<_, String>(open));
        }
        let answer = rfd::AsyncFileDialog::new().set_title(title).pick_folder();
        Job::start(context, "folder dialog", move |_| {
            let folder = asked(answer).map_err(|NoDialog| NO_DIALOG)?;
            Ok::<_, &str>(folder.map(|folder| folder.path().to_owned()))
        })
    }

    /// Asks where to save; where no dialog opens, a free name in the downloads folder. None where the user cancelled.
    #[must_use]
    pub fn save_file(&self, context: &egui::Context, title: &str, file_name: &str) -> Job<Option<PathBuf>> {
        if let Self::Answered { save, .. } = self {
            let save = save.clone();
            return Job::start(context, "save dialog", move |_| Ok::<_, String>(save));
        }
        let mut dialog = rfd::AsyncFileDialog::new().set_title(title).set_file_name(file_name);
        if let Some((_, ending)) = file_name.rsplit_once('.') {
            dialog = dialog.add_filter(ending.to_uppercase(), &[ending]);
        }
        let answer = dialog.save_file();
        let file_name = file_name.to_owned();
        Job::start(context, "save dialog", move |_| match asked(answer) {
            Ok(file) => Ok(file.map(|file| file.path().to_owned())),
            Err(NoDialog) => downloads_folder().map(|folder| Some(free_name(&folder, &file_name))).ok_or(NO_DIALOG),
        })
    }
}

/// What to do where no dialog opens.
const NO_DIALOG: &str = "The system's file dialog did not open: use “Open path…” instead, drop the file on the window, \
                         or install xdg-desktop-portal or zenity";

/// No dialog opened.
#[derive(Debug, PartialEq, Eq)]
struct NoDialog;

/// Waits for a dialog's answer. A system without any dialog answers as if the user had cancelled, only sooner than a
/// person can.
fn asked<T>(answer: impl Future<Output = Option<T>>) -> Result<Option<T>, NoDialog> {
    let started = Instant::now();
    match wait(answer) {
        None if started.elapsed() < Duration::from_millis(250) => Err(NoDialog),
        answer => Ok(answer),
    }
}

/// The user's downloads folder, or the home folder where there is none.
fn downloads_folder() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    let downloads = folders.download_dir().filter(|folder| folder.is_dir());
    Some(downloads.unwrap_or_else(|| folders.home_dir()).to_owned())
}

/// `name.csv`, or `name-2.csv` and so on where that is taken.
fn free_name(folder: &Path, file_name: &str) -> PathBuf {
    let (stem, ending) = file_name.rsplit_once('.').unwrap_or((file_name, "txt"));
    let numbered = (2..).map(|number| folder.join(format!("{stem}-{number}.{ending}")));
    let mut names = std::iter::once(folder.join(file_name)).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or_else(|| folder.join(file_name))
}

/// Waits for a future on the current thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_sooner_than_a_person_is_no_dialog() {
        assert_eq!(asked(std::future::ready(None::<u8>)), Err(NoDialog));
        assert_eq!(asked(std::future::ready(Some(3))), Ok(Some(3)));
    }

    #[test]
    fn nothing_is_overwritten_without_asking() {
        let folder = tempfile::tempdir().unwrap();
        for expected in ["plot.png", "plot-2.png", "plot-3.png"] {
            let path = free_name(folder.path(), "plot.png");
            assert_eq!(path, folder.path().join(expected));
            std::fs::write(path, "").unwrap();
        }
    }

    #[test]
    fn waiting_goes_on_when_woken_from_another_thread() {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<u8>(1);
        let mut started = false;
        let future = std::future::poll_fn(|context| {
            if !started {
                started = true;
                let (waker, sender) = (context.waker().clone(), sender.clone());
                std::thread::Builder::new()
                    .name("waker".to_owned())
                    .spawn(move || {
                        sender.send(7).unwrap();
                        waker.wake();
                    })
                    .unwrap();
            }
            receiver.try_recv().map_or(Poll::Pending, Poll::Ready)
        });
        assert_eq!(wait(future), 7);
    }
}
