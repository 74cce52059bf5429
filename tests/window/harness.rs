//! Drives the whole application as a person would, without a display.

use citelink::app::CitelinkApp;
use citelink::app::settings::Settings;
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The application in a window of its own.
pub struct Window {
    pub harness: Harness<'static, CitelinkApp>,
}

impl Window {
    /// Opens it with `paths`, 1280 × 800 points large.
    pub fn open(paths: &[&Path]) -> Self {
        Self::open_sized(paths, [1280.0, 800.0])
    }

    /// Opens it in another size.
    pub fn open_sized(paths: &[&Path], size: [f32; 2]) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).to_owned()).collect();
        let harness = Harness::builder()
            .with_size(size)
            .build_eframe(move |creation| CitelinkApp::new(&creation.egui_ctx, paths));
        Self { harness }
    }

    /// Opens it with what it remembers from the last time.
    pub fn open_remembering(paths: &[&Path], settings: Settings) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).to_owned()).collect();
        let harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .build_eframe(move |creation| CitelinkApp::with_settings(&creation.egui_ctx, settings, paths));
        Self { harness }
    }

    /// The application's state.
    pub fn app(&mut self) -> &mut CitelinkApp {
        self.harness.state_mut()
    }

    /// Draws frames until `holds`; panics with everything on screen after `seconds`.
    pub fn wait(&mut self, what: &str, seconds: u64, mut holds: impl FnMut(&mut Self) -> bool) {
        let started = Instant::now();
        loop {
            self.harness.step();
            if holds(self) {
                return;
            }
            assert!(
                started.elapsed() < Duration::from_secs(seconds),
                "waited {seconds} s for {what}; on screen:\n{}",
                self.texts().join("\n")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Draws frames until some text on screen contains `text`.
    pub fn wait_for(&mut self, text: &str, seconds: u64) {
        self.wait(&format!("“{text}”"), seconds, |window| window.shows(text));
    }

    /// Whether some text on screen contains `text`.
    pub fn shows(&self, text: &str) -> bool {
        self.texts().iter().any(|shown| shown.contains(text))
    }

    /// Every label and value that a screen reader would find.
    pub fn texts(&self) -> Vec<String> {
        fn visit(node: Node<'_>, texts: &mut Vec<String>) {
            let accessible = node.accesskit_node();
            texts.extend(accessible.label());
            texts.extend(accessible.value());
            for child in node.children() {
                visit(child, texts);
            }
        }
        let mut texts = Vec::new();
        visit(self.harness.root(), &mut texts);
        texts.retain(|text| !text.is_empty());
        texts
    }

    /// Clicks the button, tab, choice or checkbox with exactly this label, once it is there.
    pub fn click(&mut self, label: &str) {
        use egui::Role;
        const PRESSED: [Role; 9] = [
            Role::Button,
            Role::Tab,
            Role::CheckBox,
            Role::ComboBox,
            Role::RadioButton,
            Role::MenuItem,
            Role::ListBoxOption,
            Role::Link,
            Role::DisclosureTriangle,
        ];
        let pressed = |node: &Node<'_>| PRESSED.contains(&node.accesskit_node().role());
        let started = Instant::now();
        while !self.harness.query_all_by_label(label).any(|node| pressed(&node)) {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "nothing to click is called “{label}”; on screen:\n{}",
                self.texts().join("\n")
            );
            self.harness.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        let found = self.harness.query_all_by_label(label).find(pressed);
        found.expect("the loop above ends once it is there").click();
        self.steps(3);
    }

    /// Gives the keyboard to the widget with this label.
    pub fn focus(&mut self, label: &str) {
        self.harness.get_by_label(label).focus();
        self.steps(3);
    }

    /// Opens the choice with this label and chooses `option`.
    pub fn choose(&mut self, label: &str, option: &str) {
        self.click(label);
        self.click(option);
    }

    /// Draws some frames.
    pub fn steps(&mut self, steps: usize) {
        self.harness.run_steps(steps);
    }

    /// Presses keys together.
    pub fn press(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.steps(3);
    }

    /// Types text into what has the focus.
    pub fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.steps(3);
    }

    /// Closes it, as the button of its frame does; whether it then goes is the application's to say.
    pub fn close(&mut self) {
        let viewport = self.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.events.push(egui::ViewportEvent::Close);
        self.harness.step();
        let viewport = self.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.events.clear();
        self.steps(3);
    }

    /// Drops a file or folder on the window.
    pub fn drop_path(&mut self, path: &Path) {
        self.harness.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path.to_owned())));
        self.steps(3);
    }

    /// The errors on screen.
    pub fn errors(&mut self) -> Vec<String> {
        self.app().shared().errors().map(str::to_owned).collect()
    }
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|failure| failure.to_string())
    }
}

/// Processor time of this thread so far; where the system has no such clock, the time of day has to do.
pub fn processor_time() -> Duration {
    citelink::app::timing::processor_time()
        .unwrap_or_else(|| std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap())
}
