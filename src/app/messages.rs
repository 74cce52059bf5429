//! Errors, which stay until they are dismissed, and notes, which go by themselves.

use super::theme::{self, Palette, space};
use super::widgets::at_end;
use std::time::{Duration, Instant};

/// How long a note stays.
const NOTE: Duration = Duration::from_secs(5);
/// A flood of errors must not fill the memory; the oldest go first.
const MOST: usize = 50;

/// The messages on screen.
#[derive(Debug, Default)]
pub struct Messages {
    errors: Vec<String>,
    notes: Vec<(String, Instant)>,
}

impl Messages {
    /// Adds an error; one that is already there is not repeated.
    pub fn error(&mut self, text: String) {
        tracing::warn!("{text}");
        self.errors.retain(|known| *known != text);
        self.errors.push(text);
        if self.errors.len() > MOST {
            self.errors.remove(0);
        }
    }

    /// Adds a note.
    pub fn note(&mut self, text: String) {
        self.notes.retain(|(known, _)| *known != text);
        self.notes.push((text, Instant::now() + NOTE));
    }

    /// The errors, oldest first.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().map(String::as_str)
    }

    /// Puts everything away.
    pub fn clear(&mut self) {
        self.errors.clear();
        self.notes.clear();
    }

    /// Draws the errors as a bar under the top bar.
    pub fn show_errors(&mut self, ui: &mut egui::Ui) {
        if self.errors.is_empty() {
            return;
        }
        let palette = Palette::of(ui);
        let frame = egui::Frame::new()
            .fill(palette.error_wash)
            .stroke(egui::Stroke::new(1.0, palette.error))
            .inner_margin(egui::Margin::symmetric(space::PAGE as i8, space::SMALL as i8));
        egui::Panel::top("messages").frame(frame).show(ui, |ui| {
            let many = self.errors.len() > 1;
            if many {
                ui.horizontal(|ui| {
                    ui.strong(format!("{} errors", self.errors.len()));
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if ui.button("Dismiss all").clicked() {
                            self.errors.clear();
                        }
                    });
                });
            }
            egui::ScrollArea::vertical().max_height(180.0).show(ui, |ui| {
                let mut dismissed = None;
                for (number, text) in self.errors.iter().enumerate().rev() {
                    ui.push_id(number, |ui| {
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
                            at_end(ui, "message", egui::Align::TOP, |ui| {
                                if ui.button("Copy").on_hover_text("Copy the text of this error").clicked() {
                                    ui.ctx().copy_text(text.clone());
                                }
                                if ui.button("Dismiss").on_hover_text("Put this error away").clicked() {
                                    dismissed = Some(number);
                                }
                            });
                            ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
                                ui.add_space(space::TIGHT);
                                ui.add(
                                    egui::Label::new(egui::RichText::new(format!("⚠ {text}")).color(palette.error))
                                        .wrap(),
                                );
                            });
                        });
                    });
                }
                if let Some(number) = dismissed {
                    self.errors.remove(number);
                }
            });
        });
    }

    /// Draws the notes in a corner.
    pub fn show_notes(&mut self, ui: &egui::Ui) {
        let now = Instant::now();
        self.notes.retain(|(_, until)| *until > now);
        let Some(next) = self.notes.iter().map(|(_, until)| *until).min() else { return };
        ui.ctx().request_repaint_after(next - now);
        egui::Area::new(egui::Id::unique("notes"))
            .anchor(egui::Align2::RIGHT_BOTTOM, [-space::MEDIUM, -space::MEDIUM])
            .interactable(false)
            .show(ui.ctx(), |ui| {
                for (text, _) in &self.notes {
                    let palette = Palette::of(ui);
                    egui::Frame::popup(ui.style())
                        .fill(theme::mix(palette.card, palette.accent, 0.15))
                        .show(ui, |ui| ui.label(text));
                }
            });
    }
}
