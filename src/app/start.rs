//! Opening the window.

use super::{CitelinkApp, crash, settings};
use std::path::PathBuf;

/// Opens the window and runs until it is closed.
///
/// # Errors
/// Where no window can be opened.
pub fn run(paths: &[PathBuf]) -> anyhow::Result<()> {
    if !has_display() {
        anyhow::bail!(
            "there is no display to open a window on; without one, use the headless commands: `citelink eda DATA` \
             describes a dataset, `citelink train`, `citelink sweep`, `citelink check` do the rest, and \
             `citelink --help` lists them all"
        );
    }
    crash::install();
    let opened = eframe::run_native("Citelink", options(eframe::Renderer::Glow), creator(paths));
    #[cfg(feature = "wgpu")]
    let opened = opened.or_else(|failure| {
        tracing::warn!("OpenGL does not start ({failure}); trying the other renderer");
        eframe::run_native("Citelink", options(eframe::Renderer::Wgpu), creator(paths))
    });
    opened.map_err(|failure| {
        let text = format!(
            "The window cannot be opened: {failure}. Update the graphics driver, or use the headless commands \
             (`citelink --help` in a terminal lists them)."
        );
        crash::tell(&text);
        anyhow::anyhow!("{text}")
    })
}

fn creator(paths: &[PathBuf]) -> eframe::AppCreator<'static> {
    let paths = paths.to_vec();
    Box::new(move |creation| {
        let settings =
            creation.storage.and_then(|storage| eframe::get_value(storage, settings::STORAGE_KEY)).unwrap_or_default();
        Ok(Box::new(CitelinkApp::with_settings(&creation.egui_ctx, settings, paths)))
    })
}

fn options(renderer: eframe::Renderer) -> eframe::NativeOptions {
    eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Citelink")
            .with_app_id("citelink")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([720.0, 480.0])
            .with_drag_and_drop(true)
            .with_icon(icon()),
        renderer,
        ..eframe::NativeOptions::default()
    }
}

/// The window's icon; without one where the embedded picture cannot be read, which the tests rule out.
fn icon() -> egui::IconData {
    decode_icon().unwrap_or_default()
}

fn decode_icon() -> Result<egui::IconData, png::DecodingError> {
    let bytes: &[u8] = include_bytes!("../../assets/icon/citelink.png");
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info()?;
    let mut rgba = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let frame = reader.next_frame(&mut rgba)?;
    rgba.truncate(frame.buffer_size());
    Ok(egui::IconData { rgba, width: frame.width, height: frame.height })
}

/// Whether there is something to open a window on.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_a_square_of_four_channels() {
        let icon = decode_icon().unwrap();
        assert_eq!(icon.width, icon.height);
        assert_eq!(icon.rgba.len() as u32, icon.width * icon.height * 4);
        assert!(icon.rgba.iter().any(|value| *value != 0));
    }
}
