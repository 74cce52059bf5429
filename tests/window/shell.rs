//! The shell: pages, palette, opening.

use crate::harness::Window;
use citelink::app::pages::Page;
use egui::{Key, Modifiers};

#[test]
fn the_palette_opens_a_page_by_keyboard_alone() {
    let mut window = Window::open(&[]);
    window.steps(3);
    window.press(Modifiers::COMMAND, Key::K);
    window.type_text("go thresh");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().shared().page, Page::Threshold);
    assert!(!window.shows("Search actions and recent files"));
}

#[test]
fn pages_have_their_keys() {
    let mut window = Window::open(&[]);
    window.steps(3);
    for (key, page) in
        [(Key::Num2, Page::Train), (Key::Num4, Page::Check), (Key::Num3, Page::Threshold), (Key::Num1, Page::Dataset)]
    {
        window.press(Modifiers::COMMAND, key);
        assert_eq!(window.app().shared().page, page);
    }
}

#[test]
fn what_cannot_be_opened_is_explained_and_stays_until_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, "%PDF-1.7").unwrap();
    let mut window = Window::open(&[]);
    window.steps(3);
    window.drop_path(&file);
    window.wait_for("is nothing that Citelink opens", 10);
    window.drop_path(&folder.path().join("missing.jsonl"));
    window.wait_for("missing.jsonl", 10);
    assert_eq!(window.errors().len(), 2);
    window.click("Dismiss all");
    assert_eq!(window.errors().len(), 0);
}

#[test]
fn a_path_can_be_pasted() {
    let mut window = Window::open(&[]);
    window.steps(3);
    window.press(Modifiers::COMMAND, Key::L);
    window.type_text("/nowhere/data.jsonl");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for("Cannot open /nowhere/data.jsonl", 10);
}

#[test]
fn idle_repaints_nothing() {
    let mut window = Window::open(&[]);
    window.steps(10);
    // `run` fails where repaints go on being asked for.
    window.harness.run();
    let repaint = window.harness.output().viewport_output.values().map(|output| output.repaint_delay).min();
    assert!(repaint.is_none_or(|delay| delay > std::time::Duration::from_hours(1)), "{repaint:?}");
}

#[test]
fn a_field_with_the_keyboard_stops_blinking_and_repainting() {
    let mut window = Window::open(&[]);
    window.steps(3);
    window.press(Modifiers::COMMAND, Key::Num4);
    window.focus("Sentence to check");
    window.type_text("Tides");
    let next =
        |window: &Window| window.harness.output().viewport_output.values().map(|output| output.repaint_delay).min();
    assert!(next(&window).is_some_and(|delay| delay < std::time::Duration::from_secs(1)), "the caret blinks");
    // Each step is a quarter of a second on the harness's clock.
    window.wait("a window at rest", 60, |window| {
        next(window).is_none_or(|delay| delay > std::time::Duration::from_hours(1))
    });
}

#[test]
fn without_a_display_the_headless_commands_are_named() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: only here a display can be missing");
        return;
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_citelink"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("no display") && message.contains("citelink eda"), "{message}");
    assert!(output.stdout.is_empty());
}
