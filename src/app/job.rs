//! Work off the frame: a named thread, a bounded channel, progress, cancelling, and a panic that becomes an error.

use crate::progress::Progress;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// Progress of a job, shared between its thread and the window.
#[derive(Debug)]
pub struct JobProgress {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    started: Instant,
    /// Milliseconds after `started` at which the window was last woken.
    woken: AtomicU64,
    context: egui::Context,
}

impl JobProgress {
    /// Units done and in all (0 while unknown).
    #[must_use]
    pub fn figures(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Share done, 0 to 1; None while the total is unknown.
    #[must_use]
    pub fn fraction(&self) -> Option<f32> {
        let (done, total) = self.figures();
        (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0) as f32)
    }

    /// Time left at the rate so far; None while nothing can be said.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let fraction = f64::from(self.fraction()?);
        (fraction > 0.02).then(|| self.started.elapsed().mul_f64((1.0 - fraction) / fraction))
    }
}

impl Progress for JobProgress {
    fn report(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        // Ten times a second is as often as a progress bar needs to move.
        let now = self.started.elapsed().as_millis() as u64;
        let woken = self.woken.load(Ordering::Relaxed);
        if now >= woken + 100 && self.woken.compare_exchange(woken, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.context.request_repaint();
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// A running job that ends with a `T` or a message for the user.
#[derive(Debug)]
pub struct Job<T> {
    receiver: Receiver<Result<T, String>>,
    progress: Arc<JobProgress>,
}

impl<T: Send + 'static> Job<T> {
    /// Starts `work` on a thread called `name`. The job is cancelled when it is dropped.
    pub fn start<E: std::fmt::Display>(
        context: &egui::Context,
        name: &str,
        work: impl FnOnce(&JobProgress) -> Result<T, E> + Send + 'static,
    ) -> Self {
        let progress = Arc::new(JobProgress {
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            started: Instant::now(),
            woken: AtomicU64::new(0),
            context: context.clone(),
        });
        let (sender, receiver) = sync_channel(1);
        let failed = sender.clone();
        let for_thread = Arc::clone(&progress);
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let result = match catch_unwind(AssertUnwindSafe(|| work(&for_thread))) {
                Ok(result) => result.map_err(|failure| failure.to_string()),
                Err(panic) => Err(format!("an internal error occurred: {}", panic_text(panic.as_ref()))),
            };
            // The window may have dropped the job; then nobody wants the result.
            let _ = sender.send(result);
            for_thread.context.request_repaint();
        });
        if let Err(failure) = spawned {
            let _ = failed.try_send(Err(format!("cannot start a thread: {failure}")));
        }
        Self { receiver, progress }
    }

    /// The result, once, when it is there.
    pub fn poll(&mut self) -> Option<Result<T, String>> {
        match self.receiver.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("the work ended without a result".to_owned())),
        }
    }

    /// Asks the work to stop; its result is then its error for cancellation.
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.progress.cancelled()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &JobProgress {
        &self.progress
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
