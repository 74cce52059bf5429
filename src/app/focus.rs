//! Where the keyboard is: a ring around the widget that has it, and scrolling that brings it into view.

use super::theme::Palette;
use egui::{Event, Key, Stroke, StrokeKind};

/// Distance between a widget and its ring.
const GAP: f32 = 2.0;
/// What stays in view around a widget that the keyboard has reached.
const AROUND: f32 = 28.0;

/// Whether the ring is drawn: only for those who use the keyboard to go from widget to widget.
#[derive(Debug, Default)]
pub struct FocusRing {
    shown: bool,
}

impl FocusRing {
    /// Draws the ring over everything that the frame has drawn.
    pub fn show(&mut self, ui: &egui::Ui) {
        let context = ui.ctx();
        context.input(|input| {
            for event in &input.events {
                match event {
                    Event::Key { key: Key::Tab | Key::ArrowUp | Key::ArrowDown, pressed: true, .. } => {
                        self.shown = true;
                    }
                    Event::PointerButton { .. } => self.shown = false,
                    _ => {}
                }
            }
        });
        if !self.shown {
            return;
        }
        let Some(widget) = context.memory(egui::Memory::focused).and_then(|id| context.read_response(id)) else {
            return;
        };
        let stroke = Stroke::new(2.0, Palette::of(ui).accent);
        // What has been scrolled out of view keeps its ring out of view as well.
        let painter = context.layer_painter(widget.layer_id).with_clip_rect(widget.interact_rect.expand(GAP + 2.0));
        painter.rect_stroke(widget.rect.expand(GAP), 7.0, stroke, StrokeKind::Middle);
    }
}

/// Scrolls the area around `ui` so far that the widget that has just got the keyboard is seen. To be called at the end of
/// what a scroll area holds.
pub fn keep_in_view(ui: &egui::Ui) {
    let focused = ui.memory(egui::Memory::focused).and_then(|id| ui.ctx().read_response(id));
    let Some(widget) = focused.filter(egui::Response::gained_focus) else { return };
    let inside = widget.layer_id == ui.layer_id() && ui.min_rect().intersects(widget.rect);
    if inside && !widget.interact_rect.contains_rect(widget.rect) {
        ui.scroll_to_rect(widget.rect.expand(AROUND), None);
    }
}
