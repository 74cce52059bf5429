//! Colours, spacing and fonts.

use egui::Color32;

/// CITATION, in every plot and table.
pub const CITATION: Color32 = Color32::from_rgb(0x00, 0x72, 0xB2);
/// NOT_CITATION, in every plot and table.
pub const NOT_CITATION: Color32 = Color32::from_rgb(0xE6, 0x9F, 0x00);

/// Sets fonts and spacing; light and dark follow the system.
pub fn apply(context: &egui::Context) {
    context.set_theme(egui::ThemePreference::System);
}
