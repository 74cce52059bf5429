//! Colours, spacing and type sizes, defined once; light and dark follow the system unless the user chooses.
//!
//! Pages use these constants and [`Palette::of`] and write no colour of their own.

use egui::style::{Selection, WidgetVisuals};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Visuals};

/// CITATION, in every plot and table.
pub const CITATION: Color32 = Color32::from_rgb(0x00, 0x72, 0xB2);
/// `NOT_CITATION`, in every plot and table.
pub const NOT_CITATION: Color32 = Color32::from_rgb(0xE6, 0x9F, 0x00);

/// The colour of a class, by its index.
#[must_use]
pub const fn class_colour(class: usize) -> Color32 {
    if class == 1 { CITATION } else { NOT_CITATION }
}

/// The name of a class, by its index.
#[must_use]
pub const fn class_name(class: usize) -> &'static str {
    if class == 1 { "CITATION" } else { "NOT_CITATION" }
}

/// Distances in points.
pub mod space {
    /// Between a label and what it labels.
    pub const TIGHT: f32 = 4.0;
    /// Between neighbours that belong together.
    pub const SMALL: f32 = 8.0;
    /// Between groups; the padding of a card.
    pub const MEDIUM: f32 = 16.0;
    /// Between the parts of a page.
    pub const LARGE: f32 = 24.0;
    /// The margin around a page.
    pub const PAGE: f32 = 20.0;
    /// Lines of text longer than this are hard to read.
    pub const READABLE: f32 = 720.0;
}

/// Sizes of text in points.
pub mod size {
    /// Help and captions.
    pub const SMALL: f32 = 12.0;
    /// Everything else.
    pub const BODY: f32 = 14.0;
    /// The name of a part of a page.
    pub const SECTION: f32 = 16.0;
    /// The name of a page.
    pub const HEADING: f32 = 20.0;
    /// The number on a figure card.
    pub const FIGURE: f32 = 24.0;
}

/// The bold face, where one is needed beside the regular one.
#[must_use]
pub fn bold() -> FontFamily {
    FontFamily::Name("bold".into())
}

/// The style of the name of a part of a page.
#[must_use]
pub fn section_style() -> TextStyle {
    TextStyle::Name("section".into())
}

/// The style of the number on a figure card.
#[must_use]
pub fn figure_style() -> TextStyle {
    TextStyle::Name("figure".into())
}

/// The colours that differ between light and dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Behind everything.
    pub page: Color32,
    /// Behind cards, tables and fields.
    pub card: Color32,
    /// Around cards and between rows.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Help and captions; still at least 4.5 : 1 against `page`.
    pub weak: Color32,
    /// What is selected, focused or to be pressed first.
    pub accent: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// A soft wash of the accent behind selected rows.
    pub accent_wash: Color32,
    /// Errors.
    pub error: Color32,
    /// Behind errors.
    pub error_wash: Color32,
    /// Warnings.
    pub warning: Color32,
    /// A plain data colour for what is neither class.
    pub neutral: Color32,
}

impl Palette {
    /// Of the theme a `Ui` is drawn in.
    #[must_use]
    pub fn of(ui: &egui::Ui) -> Self {
        if ui.visuals().dark_mode { Self::DARK } else { Self::LIGHT }
    }

    /// On white.
    pub const LIGHT: Self = Self {
        page: Color32::from_rgb(0xF6, 0xF7, 0xF8),
        card: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        line: Color32::from_rgb(0xDD, 0xE1, 0xE6),
        text: Color32::from_rgb(0x1E, 0x25, 0x2C),
        weak: Color32::from_rgb(0x5A, 0x65, 0x70),
        accent: Color32::from_rgb(0x0F, 0x6E, 0x66),
        on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
        accent_wash: Color32::from_rgb(0xDC, 0xEE, 0xEB),
        error: Color32::from_rgb(0xB0, 0x2A, 0x2A),
        error_wash: Color32::from_rgb(0xFB, 0xEA, 0xEA),
        warning: Color32::from_rgb(0x8A, 0x5A, 0x00),
        neutral: Color32::from_rgb(0x6B, 0x7B, 0x8C),
    };

    /// On near black.
    pub const DARK: Self = Self {
        page: Color32::from_rgb(0x15, 0x18, 0x1B),
        card: Color32::from_rgb(0x1D, 0x21, 0x25),
        line: Color32::from_rgb(0x33, 0x39, 0x40),
        text: Color32::from_rgb(0xE3, 0xE7, 0xEB),
        weak: Color32::from_rgb(0x9A, 0xA5, 0xB0),
        accent: Color32::from_rgb(0x5B, 0xBF, 0xB2),
        on_accent: Color32::from_rgb(0x0B, 0x1F, 0x1C),
        accent_wash: Color32::from_rgb(0x1C, 0x3B, 0x38),
        error: Color32::from_rgb(0xF2, 0x8B, 0x82),
        error_wash: Color32::from_rgb(0x3A, 0x20, 0x20),
        warning: Color32::from_rgb(0xE8, 0xB8, 0x4C),
        neutral: Color32::from_rgb(0x8C, 0x9A, 0xA8),
    };
}

/// Sets fonts, sizes, spacing and both themes.
pub fn apply(context: &egui::Context) {
    super::fonts::install(context);
    context.set_theme(egui::ThemePreference::System);
    context.set_visuals_of(Theme::Light, visuals(Visuals::light(), &Palette::LIGHT));
    context.set_visuals_of(Theme::Dark, visuals(Visuals::dark(), &Palette::DARK));
    context.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, FontId::new(size::SMALL, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(size::BODY, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(size::BODY, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(size::BODY - 1.0, FontFamily::Monospace)),
            (TextStyle::Heading, FontId::new(size::HEADING, bold())),
            (section_style(), FontId::new(size::SECTION, bold())),
            (figure_style(), FontId::new(size::FIGURE, FontFamily::Proportional)),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(space::SMALL, space::SMALL);
        style.spacing.button_padding = egui::vec2(12.0, 5.0);
        style.spacing.interact_size.y = 28.0;
        style.spacing.menu_margin = Margin::same(8);
        style.spacing.window_margin = Margin::same(16);
        style.spacing.combo_width = 160.0;
        style.spacing.text_edit_width = 240.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.animation_time = 0.08;
        style.url_in_tooltip = true;
    });
}

fn visuals(mut visuals: Visuals, palette: &Palette) -> Visuals {
    let round = CornerRadius::same(6);
    let widget = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, stroke),
        fg_stroke: Stroke::new(1.0, text),
        corner_radius: round,
        expansion: 0.0,
    };
    let hovered = mix(palette.card, palette.text, 0.06);
    let pressed = mix(palette.card, palette.text, 0.12);
    visuals.widgets.noninteractive = widget(palette.page, palette.line, palette.text);
    visuals.widgets.inactive = widget(palette.card, mix(palette.line, palette.text, 0.1), palette.text);
    visuals.widgets.hovered = widget(hovered, palette.weak, palette.text);
    visuals.widgets.active = widget(pressed, palette.accent, palette.text);
    visuals.widgets.open = widget(pressed, palette.line, palette.text);
    visuals.selection = Selection { bg_fill: palette.accent_wash, stroke: Stroke::new(1.5, palette.accent) };
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.accent;
    visuals.faint_bg_color = mix(palette.card, palette.text, 0.03);
    visuals.extreme_bg_color = palette.card;
    visuals.code_bg_color = mix(palette.card, palette.text, 0.06);
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.panel_fill = palette.page;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    let shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(40) };
    visuals.window_shadow = shadow;
    visuals.popup_shadow = shadow;
    visuals.slider_trailing_fill = true;
    visuals.indent_has_left_vline = false;
    visuals.interact_cursor = Some(egui::CursorIcon::PointingHand);
    visuals
}

/// `share` of the way from `from` to `to`.
#[must_use]
pub fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    from.lerp_to_gamma(to, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio by WCAG 2.2: (L₁ + 0.05) / (L₂ + 0.05), L the relative luminance.
    fn contrast(one: Color32, other: Color32) -> f64 {
        let luminance = |colour: Color32| {
            let channel = |value: u8| {
                let value = f64::from(value) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_is_legible_in_both_themes() {
        for palette in [Palette::LIGHT, Palette::DARK] {
            for background in [palette.page, palette.card] {
                for text in [palette.text, palette.weak, palette.accent, palette.error, palette.warning] {
                    assert!(contrast(text, background) >= 4.5, "{text:?} on {background:?}");
                }
            }
            assert!(contrast(palette.on_accent, palette.accent) >= 4.5);
            assert!(contrast(palette.text, palette.accent_wash) >= 4.5);
            assert!(contrast(palette.text, palette.error_wash) >= 4.5);
        }
    }
}
