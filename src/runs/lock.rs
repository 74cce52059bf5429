//! The lock that lets one process at a time write a run.
//!
//! It is an advisory lock of the operating system on the file `.lock` in the run folder, so it is gone the moment its
//! process is, however that ends. Nothing is ever read from the file.

use super::{RunError, RunFolder};
use std::fs::{File, TryLockError};
use std::time::Duration;

/// Whoever looks whether a run is alive holds a shared lock for some microseconds; a process that wants the run tries
/// again for about half a second before it believes that another one has it.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// The right to write a run, until dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the run's lock; its folder must exist.
    ///
    /// # Errors
    /// [`RunError::Locked`] while another process has it, [`RunError::File`].
    pub(super) fn take(folder: &RunFolder) -> Result<Self, RunError> {
        let path = folder.lock();
        let cannot = |source| RunError::File { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot)?;
        for attempt in 1..=ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(source)) => return Err(cannot(source)),
            }
        }
        Err(RunError::Locked { path: folder.path().to_owned() })
    }
}

/// Whether a process has the run's lock. Looks without disturbing that process or one that is about to take it.
pub(super) fn is_locked(folder: &RunFolder) -> bool {
    // Without the file no process ever had the lock; a lock that cannot be asked for tells nothing of a process.
    let Ok(file) = File::open(folder.lock()) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        assert!(!is_locked(&folder));
        let held = RunLock::take(&folder).unwrap();
        assert!(is_locked(&folder));
        assert!(matches!(RunLock::take(&folder), Err(RunError::Locked { .. })));
        drop(held);
        assert!(!is_locked(&folder));
        RunLock::take(&folder).unwrap();
    }

    #[test]
    fn a_look_does_not_keep_the_run_from_starting() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        drop(RunLock::take(&folder).unwrap());
        let looking = File::open(folder.lock()).unwrap();
        looking.try_lock_shared().unwrap();
        let waiting = std::thread::scope(|scope| {
            let taker = std::thread::Builder::new().spawn_scoped(scope, || RunLock::take(&folder).is_ok()).unwrap();
            std::thread::sleep(Duration::from_millis(60));
            drop(looking);
            taker.join().unwrap()
        });
        assert!(waiting);
    }
}
