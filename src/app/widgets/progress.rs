//! How far a job is, and how to stop it.

use super::numbers::{bytes, duration, thousands};
use crate::app::job::JobProgress;
use crate::app::theme::space;
use egui::Ui;

/// What a job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes read or written.
    Bytes,
    /// Anything else, by its plural name.
    Things(&'static str),
}

/// Draws what is being done, its bar, its figure, the time left and a Cancel button; whether that was pressed.
pub fn progress_strip(ui: &mut Ui, what: &str, progress: &JobProgress, unit: Unit) -> bool {
    ui.horizontal(|ui| {
        ui.label(what);
        let (done, total) = progress.figures();
        let figure = match (unit, total) {
            (Unit::Bytes, 0) => bytes(done),
            (Unit::Bytes, _) => format!("{} of {}", bytes(done), bytes(total)),
            (Unit::Things(_), 0) if done == 0 => String::new(),
            (Unit::Things(name), 0) => format!("{} {name}", thousands(done as usize)),
            (Unit::Things(name), _) => format!("{} of {} {name}", thousands(done as usize), thousands(total as usize)),
        };
        match progress.fraction() {
            Some(fraction) => {
                let bar = ui.add(egui::ProgressBar::new(fraction).desired_width(180.0).desired_height(10.0));
                bar.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, format!("{what}: {figure}"))
                });
            }
            None => {
                ui.spinner();
            }
        }
        ui.weak(figure);
        if let Some(left) = progress.time_left() {
            ui.weak(format!("· {} left", duration(left)));
        }
        ui.add_space(space::TIGHT);
        ui.button("Cancel").on_hover_text(format!("Stop: {}", what.trim_end_matches('…'))).clicked()
    })
    .inner
}
