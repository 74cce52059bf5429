//! How long work tells how far it is, and hears that nobody wants it any more.

/// Receives the progress of one piece of work and may ask it to stop.
///
/// Work calls [`report`](Progress::report) often (it must be cheap) and checks
/// [`cancelled`](Progress::cancelled) between units; on `true` it returns its error for cancellation.
pub trait Progress: Sync {
    /// `done` of `total` units (bytes, rows, steps: the work's documentation says which); `total` is 0 while unknown.
    fn report(&self, done: u64, total: u64);

    /// Whether the work should stop as soon as it can.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn report(&self, _done: u64, _total: u64) {}
}
