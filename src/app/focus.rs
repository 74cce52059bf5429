//! Where the keyboard is: a ring around the widget that has it, scrolling that brings it into view, and going past what
//! keys cannot move.

use super::theme::Palette;
use egui::{Context, Event, FocusDirection, Key, Response, Stroke, StrokeKind};

/// Distance between a widget and its ring.
const GAP: f32 = 2.0;
/// What stays in view around a widget that the keyboard has reached.
const AROUND: f32 = 28.0;

/// Whether the ring is drawn: only for those who use the keyboard to go from widget to widget.
#[derive(Debug, Default)]
pub struct FocusRing {
    shown: bool,
    /// The Tab key went to the widget before, not to the next.
    backwards: bool,
}

impl FocusRing {
    /// Goes on where the Tab key has reached the edge of a column or panel. Only a pointer can drag one, but egui stops
    /// there as well. To be called before the frame draws anything.
    pub fn pass_edges(&mut self, context: &Context) {
        context.input(|input| {
            for event in &input.events {
                if let Event::Key { key: Key::Tab, pressed: true, modifiers, .. } = event {
                    self.backwards = modifiers.shift;
                }
            }
        });
        if focused(context).is_some_and(|widget| is_edge(&widget)) {
            let direction = if self.backwards { FocusDirection::Previous } else { FocusDirection::Next };
            context.memory_mut(|memory| memory.move_focus(direction));
        }
    }

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
        let Some(widget) = focused(context) else { return };
        if is_edge(&widget) {
            context.request_repaint();
            return;
        }
        if !self.shown {
            return;
        }
        let stroke = Stroke::new(2.0, Palette::of(ui).accent);
        // What has been scrolled out of view keeps its ring out of view as well.
        let painter = context.layer_painter(widget.layer_id).with_clip_rect(widget.interact_rect.expand(GAP + 2.0));
        painter.rect_stroke(widget.rect.expand(GAP), 7.0, stroke, StrokeKind::Middle);
    }
}

/// The widget that has the keyboard.
fn focused(context: &Context) -> Option<Response> {
    context.memory(egui::Memory::focused).and_then(|id| context.read_response(id))
}

/// Whether a widget is the edge of a column or panel, which egui makes as wide as its style's `resize_grab_radius_side`
/// says, to both sides.
fn is_edge(widget: &Response) -> bool {
    let width = 2.0 * widget.ctx.global_style().interaction.resize_grab_radius_side + 0.5;
    widget.sense.senses_drag() && widget.rect.width().min(widget.rect.height()) <= width
}

/// Scrolls the area around `ui` so far that the widget that has just got the keyboard is seen. To be called at the end of
/// what a scroll area holds.
pub fn keep_in_view(ui: &egui::Ui) {
    let Some(widget) = focused(ui.ctx()).filter(Response::gained_focus) else { return };
    let inside = widget.layer_id == ui.layer_id() && ui.min_rect().intersects(widget.rect);
    if inside && !widget.interact_rect.contains_rect(widget.rect) {
        ui.scroll_to_rect(widget.rect.expand(AROUND), None);
    }
}
