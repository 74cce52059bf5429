//! The system's file dialogs, off the frame: the dialog is made on the main thread, as some systems demand, and awaited
//! on a thread of its own, so that the window keeps drawing behind it.

use super::job::Job;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

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
            let files = wait(answer).unwrap_or_default();
            Ok::<_, String>(files.iter().map(|file| file.path().to_owned()).collect())
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
            Ok::<_, String>(wait(answer).map(|folder| folder.path().to_owned()))
        })
    }

    /// Asks where to save. None where the user cancelled.
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
        Job::start(context, "save dialog", move |_| Ok::<_, String>(wait(answer).map(|file| file.path().to_owned())))
    }
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
