//! CITATION and `NOT_CITATION`: a colour, a shape and the name, never the colour alone.

use crate::app::theme;
use egui::{Color32, Pos2, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};

/// The shape of a class: a disc for CITATION, a diamond for `NOT_CITATION`.
pub fn class_marker(class: usize, centre: Pos2, radius: f32) -> Shape {
    let colour = theme::class_colour(class);
    if class == 1 {
        Shape::circle_filled(centre, radius, colour)
    } else {
        let points =
            [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)].map(|(x, y)| centre + vec2(x, y) * radius * 1.2);
        Shape::convex_polygon(points.to_vec(), colour, Stroke::new(0.0, Color32::TRANSPARENT))
    }
}

/// A class as marker and name.
pub fn class_label(ui: &mut Ui, class: usize) -> Response {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().add(class_marker(class, rect.center(), 4.5));
        let response = ui.label(theme::class_name(class));
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, theme::class_name(class)));
        response
    })
    .inner
}
