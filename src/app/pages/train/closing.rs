//! The question before the window closes while a run goes on.

use crate::app::command::Command;
use crate::app::shared::Shared;
use crate::app::theme::space;
use crate::app::widgets::primary_button;
use egui::{Id, Modal, Ui};

/// Asks what to do with `runs` runs that go on.
pub fn show(ui: &mut Ui, shared: &mut Shared, runs: usize) {
    let one = runs <= 1;
    let shown = Modal::new(Id::unique("close with runs")).show(ui.ctx(), |ui| {
        ui.set_max_width(460.0);
        ui.heading(if one { "A training run goes on".to_owned() } else { format!("{runs} training runs go on") });
        ui.add_space(space::SMALL);
        ui.label(
            "Without the window it goes on in the background, and you find it here again when you open Citelink. \
             Stopped, it saves a checkpoint and can be resumed at any time",
        );
        ui.add_space(space::MEDIUM);
        ui.horizontal_wrapped(|ui| {
            let leave = primary_button(ui, if one { "Leave it running" } else { "Leave them running" });
            if leave.clicked() {
                shared.send(Command::LeaveRunsAndClose);
            }
            if ui.button(if one { "Stop it and close" } else { "Stop them and close" }).clicked() {
                shared.send(Command::StopRunsAndClose);
            }
            if ui.button("Keep the window open").clicked() {
                shared.send(Command::KeepOpen);
            }
        });
    });
    if shown.should_close() {
        shared.send(Command::KeepOpen);
    }
}
