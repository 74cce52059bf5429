//! The bundled faces: egui's own lack much of the Greek, mathematics and diacritics of scientific text.
//!
//! What no bundled face has is looked up among the system's fonts by eframe, and drawn as a box where none has it.

use egui::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

/// Name and data of each bundled face, in the order in which a character is looked for.
const FACES: [(&str, &[u8]); 3] = [
    ("noto-sans", include_bytes!("../../assets/fonts/NotoSans-Regular.ttf")),
    ("noto-sans-math", include_bytes!("../../assets/fonts/NotoSansMath-Regular.ttf")),
    ("noto-sans-symbols", include_bytes!("../../assets/fonts/NotoSansSymbols2-Regular.ttf")),
];

const BOLD: (&str, &[u8]) = ("noto-sans-bold", include_bytes!("../../assets/fonts/NotoSans-Bold.ttf"));

/// The faces of every family.
#[must_use]
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (name, data) in FACES.into_iter().chain([BOLD]) {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(data)));
    }
    let faces = FACES.map(|(name, _)| name.to_owned());
    let own = fonts.families.entry(FontFamily::Proportional).or_default();
    // egui's own faces stay behind ours: they hold the emoji and icons that ours lack.
    own.splice(0..0, faces.clone());
    let proportional = own.clone();
    fonts.families.entry(FontFamily::Monospace).or_default().extend(faces);
    let bold = std::iter::once(BOLD.0.to_owned()).chain(proportional).collect();
    fonts.families.insert(super::theme::bold(), bold);
    fonts
}

/// Installs the faces.
pub fn install(context: &egui::Context) {
    context.set_fonts(definitions());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn missing(text: &str) -> BTreeMap<char, usize> {
        let context = egui::Context::default();
        install(&context);
        let mut missing = BTreeMap::new();
        let _ = context.run_ui(egui::RawInput::default(), |ui| {
            let font = egui::FontId::proportional(14.0);
            let mut known = BTreeMap::new();
            missing.clear();
            for character in text.chars().filter(|character| !character.is_whitespace()) {
                let has =
                    *known.entry(character).or_insert_with(|| ui.fonts_mut(|fonts| fonts.has_glyph(&font, character)));
                if !has {
                    *missing.entry(character).or_insert(0) += 1;
                }
            }
        });
        missing
    }

    #[test]
    fn scientific_text_has_glyphs() {
        let text = "αβγδε ΓΔΘΛΞΠΣΦΨΩ ∑∏∫∂∇√∞≈≠≤≥±×÷∈∉⊂⊆∪∩∀∃¬∧∨→←↔⇒⇔ 𝑥𝑦𝑧𝐀𝔹𝒞 äöüßéèêëñçåøłšžčőűğıșț ÁÉÍÓÚ e\u{301} n\u{303} ₀₁₂⁰¹² ‰ µ Å ℝℕℤ “”‘’–—…";
        assert_eq!(missing(text), BTreeMap::new());
    }

    #[test]
    fn the_real_dataset_lacks_next_to_nothing() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/citations.jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return;
        };
        let text: String = text
            .lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
                value.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()).collect::<String>()
            })
            .collect();
        let mut missing = missing(&text);
        // Private-use characters mean something only in the font of the page they were extracted from.
        missing.retain(|character, _| !('\u{e000}'..='\u{f8ff}').contains(character));
        let characters: usize = missing.values().sum();
        assert!(missing.len() <= 6 && characters <= 60, "{characters} characters lack a glyph: {missing:?}");
    }
}
