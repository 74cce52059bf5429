//! A crash leaves a log file and says so in a dialog, for a program that is started without a terminal.

use std::backtrace::Backtrace;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where log files are kept: the platform's folder for a program's state, else for its data.
#[must_use]
pub fn log_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "citelink")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).join("logs"))
}

/// From now on, a panic of the main thread is logged and shown. Panics of jobs are caught, logged, and shown by the
/// window itself.
pub fn install() {
    let before = std::panic::take_hook();
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let thread = std::thread::current();
        let report = format!(
            "Citelink {} crashed at {} in thread {}\n{panic}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            jiff::ZonedDateTime::now(),
            thread.name().unwrap_or("without a name"),
            Backtrace::force_capture(),
        );
        let written = log_folder().and_then(|folder| write_log(&folder, &report).ok());
        if thread.id() == main {
            let place = written.map_or_else(
                || "No log file could be written.".to_owned(),
                |path| format!("What happened is written in\n{}", path.display()),
            );
            tell(&format!(
                "Citelink has to close because of an internal error.\n\n{panic}\n\n{place}\n\nDatasets, runs and \
                 models on disk are as they were; a run that was training goes on."
            ));
        }
    }));
}

/// Writes a report into a new file of the folder.
fn write_log(folder: &Path, report: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let name = format!("crash-{}-{}.log", jiff::ZonedDateTime::now().strftime("%Y-%m-%d-%H%M%S"), std::process::id());
    let path = folder.join(name);
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
    file.write_all(report.as_bytes())?;
    Ok(path)
}

/// Shows a message in a dialog of the system, and waits until it is put away.
pub fn tell(text: &str) {
    rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("Citelink").set_description(text).show();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_log(&folder.path().join("logs"), "what happened").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "what happened");
    }
}
