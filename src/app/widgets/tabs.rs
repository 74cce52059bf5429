//! Tabs inside a page.

use crate::app::theme::Palette;
use egui::{Button, Color32, Rect, RichText, Role, Ui, WidgetInfo, pos2};

/// Draws a row of tabs, `(value, name)`, and changes `current` where one is chosen; whether it changed.
pub fn tabs<T: Copy + PartialEq>(ui: &mut Ui, current: &mut T, choices: &[(T, String)]) -> bool {
    let palette = Palette::of(ui);
    let before = *current;
    ui.horizontal_wrapped(|ui| {
        for (value, name) in choices {
            let selected = *current == *value;
            let text = RichText::new(name).color(if selected { palette.text } else { palette.weak });
            let response =
                ui.add(Button::selectable(selected, text).fill(Color32::TRANSPARENT).frame_when_inactive(false));
            response.widget_info(|| WidgetInfo::selected(Role::Tab, true, selected, name));
            if selected {
                let line = Rect::from_min_max(
                    pos2(response.rect.left() + 6.0, response.rect.bottom() - 1.0),
                    pos2(response.rect.right() - 6.0, response.rect.bottom() + 1.0),
                );
                ui.painter().rect_filled(line, 1.0, palette.accent);
            }
            if response.clicked() {
                *current = *value;
            }
        }
    });
    *current != before
}
