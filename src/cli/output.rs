//! What the commands share: printing JSON, and progress on standard error.

use crate::progress::Progress;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Prints one JSON document on standard output.
pub fn print_json(document: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    writeln!(out)?;
    Ok(())
}

/// Progress on standard error: one line rewritten on a terminal, nothing elsewhere.
#[derive(Debug)]
pub struct TerminalProgress {
    what: &'static str,
    last: Mutex<Option<Instant>>,
    shown: bool,
}

impl TerminalProgress {
    /// Progress of `what`, such as `rows scored`.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { what, last: Mutex::new(None), shown: std::io::stderr().is_terminal() }
    }
}

impl Progress for TerminalProgress {
    fn report(&self, done: u64, total: u64) {
        if !self.shown {
            return;
        }
        let Ok(mut last) = self.last.lock() else { return };
        if done < total && last.is_some_and(|last| last.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *last = Some(Instant::now());
        let end = if done == total { "\n" } else { "" };
        eprint!("\r{done} of {total} {}{end}", self.what);
    }
}
