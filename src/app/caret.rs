//! The caret of a text field blinks only for a while, as GTK's does: each blink draws the window anew, and a window that
//! nobody uses draws nothing.

/// Seconds after the last key or movement of the pointer for which the caret blinks.
const BLINKING: f64 = 10.0;

/// Whether the caret blinks.
#[derive(Debug, Default)]
pub struct Caret {
    /// When something came from the user, in the context's time.
    used: f64,
    still: bool,
}

impl Caret {
    /// Looks at the frame's input, and lets the caret blink or stand.
    pub fn update(&mut self, context: &egui::Context) {
        let (time, came) = context.input(|input| (input.time, !input.raw.events.is_empty()));
        if came {
            self.used = time;
        }
        let still = time - self.used >= BLINKING;
        if still != self.still {
            self.still = still;
            context.all_styles_mut(|style| style.visuals.text_cursor.blink = !still);
            context.request_repaint();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_after_a_while_and_blinks_again() {
        let context = egui::Context::default();
        let mut caret = Caret::default();
        let mut frame = |time: f64, events: Vec<egui::Event>| {
            let input = egui::RawInput { time: Some(time), events, ..egui::RawInput::default() };
            let _ = context.run_ui(input, |ui| caret.update(ui.ctx()));
            context.global_style().visuals.text_cursor.blink
        };
        assert!(frame(1.0, vec![egui::Event::Text("a".to_owned())]));
        assert!(frame(9.0, Vec::new()));
        assert!(!frame(11.5, Vec::new()));
        assert!(frame(12.0, vec![egui::Event::Text("b".to_owned())]));
    }
}
