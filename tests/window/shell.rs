//! The shell: pages, palette, opening.

use crate::harness::Window;
use citelink::app::command::Command;
use citelink::app::pages::Page;
use egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT;

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

/// Presses the Tab key with `modifiers` and tells what has the keyboard then.
fn tab(window: &mut Window, modifiers: Modifiers) -> String {
    window.press(modifiers, Key::Tab);
    // Edges of columns are passed one by one.
    window.steps(15);
    let focused = window.harness.ctx.memory(egui::Memory::focused).map(|id| id.accesskit_id());
    let mut nodes = vec![window.harness.root()];
    while let Some(node) = nodes.pop() {
        if Some(node.accesskit_node().locate().0) == focused {
            return node.accesskit_node().label().unwrap_or_default();
        }
        nodes.extend(node.children());
    }
    String::new()
}

#[test]
fn the_tab_key_follows_reading_order() {
    let mut window = Window::open(&[]);
    window.steps(3);
    let bar: Vec<String> = (0..7).map(|_| tab(&mut window, Modifiers::NONE)).collect();
    assert_eq!(bar, ["Dataset", "Train", "Threshold", "Check", "Open…", "Search actions…", "Menu"]);

    window.app().shared_mut().send(Command::OpenSample);
    window.wait_for("Train on this", 30);
    window.click("Rows");
    window.wait_for("Check these candidates", 30);
    window.focus("Rows: arrow keys choose one");
    assert_eq!(tab(&mut window, Modifiers::NONE), "Check these candidates", "the row comes after the table");
    assert_eq!(tab(&mut window, Modifiers::SHIFT), "Rows: arrow keys choose one", "edges of columns are passed");

    window.app().shared_mut().send(Command::TrainOnDataset);
    window.wait_for("Start training", 30);
    window.focus("Reset the settings");
    let rest: Vec<String> = std::iter::repeat_with(|| tab(&mut window, Modifiers::NONE)).take(40).collect();
    let start = rest.iter().position(|name| name == "Start training").expect("the button is reached");
    assert!(start > 5, "the bar below the form comes after it: {rest:?}");
    assert_eq!(rest[start + 1], "Dataset", "and is the last");
}
