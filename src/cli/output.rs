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

/// Prints text on standard output; a reader that has gone away is an error and no panic.
pub fn print_text(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    Ok(())
}

/// A failure with its causes in one line; a cause that the line names already is not repeated.
#[must_use]
pub fn in_one_line(failure: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in failure.chain() {
        let cause = cause.to_string().replace('\n', " ");
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
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

/// A number with separators between its thousands.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints rows of which the first is the heading: the first column to the left, numbers to the right.
pub fn print_table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for (place, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let parts = if column == 0 { [cell.as_str(), &padding] } else { [&padding, cell.as_str()] };
            line.push_str(if column == 0 { "" } else { "   " });
            line.extend(parts);
        }
        println!("{}", line.trim_end());
        if place == 0 {
            println!("{}", "─".repeat(widths.iter().sum::<usize>() + 3 * (COLUMNS - 1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_named_once() {
        let full = || std::io::Error::other("no space left");
        let named = anyhow::Error::new(crate::runs::RunError::File { path: "/runs/a".into(), source: full() });
        assert_eq!(in_one_line(&named), "cannot use /runs/a: no space left");
        let wrapped = anyhow::Error::new(full()).context("cannot write the table");
        assert_eq!(in_one_line(&wrapped), "cannot write the table: no space left");
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1000, 123_456, 1_234_567].map(thousands), ["0", "999", "1,000", "123,456", "1,234,567"]);
    }
}
