//! One row in full, and the pair as the model will see it.

use super::loaded::Loaded;
use super::tokens::SeenPair;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::{counted, thousands};
use crate::app::widgets::{class_label, primary_button, section, warning};
use crate::dataset::{PaperId, Record};
use egui::text::LayoutJob;
use egui::{Label, RichText, TextFormat, Ui};

/// What the user wants of the row.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Check the candidates of its sentence.
    Check,
    /// Show all rows of its paper.
    Paper(PaperId),
}

/// Draws the record; `seen` is the pair as the model sees it, once that is worked out.
pub fn show(
    ui: &mut Ui,
    shared: &mut Shared,
    loaded: &Loaded,
    row: usize,
    seen: Option<&Result<SeenPair, String>>,
) -> Option<Wish> {
    let record = &loaded.dataset.records[row];
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format!("Line {}", thousands(record.line))).strong());
        if let Some(label) = record.label {
            class_label(ui, label.index());
        }
        ui.weak(loaded.divided.parts[row].name());
    });
    ui.horizontal_wrapped(|ui| {
        let check =
            ui.add_enabled_ui(record.sentence.is_some(), |ui| primary_button(ui, "Check these candidates")).inner;
        if check.on_hover_text("Rank all candidates of this sentence with a model").clicked() {
            wish = Some(Wish::Check);
        }
        if ui.button("Rows of this paper").clicked() {
            wish = Some(Wish::Paper(record.original_paper_id.clone()));
        }
        if ui.button("Copy").on_hover_text("Copy this row as a line of JSON").clicked() {
            shared.copy("The row", as_json(record));
        }
    });
    ui.add_space(space::SMALL);
    field(ui, "Sentence", record.sentence.as_deref());
    ui.weak(format!(
        "Paper {}  ·  reference {}",
        record.original_paper_id,
        record.ref_paper_id.as_ref().map_or_else(|| "without an id".to_owned(), ToString::to_string)
    ));
    ui.add_space(space::SMALL);
    field(ui, "Reference: title", record.ref_paper_title.as_deref());
    field(ui, "Reference: authors", record.ref_paper_authors.as_deref());
    field(ui, "Reference: text", record.ref_paper_text.as_deref());
    ui.separator();
    section(ui, "As the model will see it", None);
    match seen {
        None => {
            ui.spinner();
        }
        Some(Err(failure)) => {
            warning(ui, failure);
        }
        Some(Ok(seen)) => pair(ui, record, seen),
    }
    wish
}

fn field(ui: &mut Ui, name: &str, text: Option<&str>) {
    ui.label(RichText::new(name).small().weak());
    match text {
        Some(text) => ui.add(Label::new(text.trim()).wrap()),
        None => ui.label(RichText::new("empty").italics().weak()),
    };
    ui.add_space(space::TIGHT);
}

fn pair(ui: &mut Ui, record: &Record, seen: &SeenPair) {
    ui.weak(format!(
        "{} of at most {}, counted with the tokenizer of {}",
        counted(seen.tokens, "token", "tokens"),
        thousands(seen.max_length),
        seen.tokenizer
    ));
    if seen.sentence_cut {
        warning(ui, "The sentence alone would fill the input, so its end is cut off");
    }
    if seen.reference_tokens_cut > 0 {
        let tokens = counted(seen.reference_tokens_cut, "token", "tokens");
        warning(ui, &format!("{tokens} of the reference do not fit and are cut off (struck through below)"));
    }
    let palette = Palette::of(ui);
    let font = egui::TextStyle::Body.resolve(ui.style());
    let plain = TextFormat::simple(font.clone(), palette.text);
    let mark = TextFormat::simple(egui::TextStyle::Monospace.resolve(ui.style()), palette.accent);
    let cut =
        TextFormat { strikethrough: egui::Stroke::new(1.0, palette.weak), ..TextFormat::simple(font, palette.weak) };
    let mut job = LayoutJob::default();
    job.append("[CLS] ", 0.0, mark.clone());
    job.append(record.sentence.as_deref().unwrap_or_default(), 0.0, plain.clone());
    job.append(" [SEP] ", 0.0, mark.clone());
    job.append(&seen.block[..seen.block_read], 0.0, plain);
    job.append(" [SEP]", 0.0, mark);
    if seen.block_read < seen.block.len() {
        job.append(&seen.block[seen.block_read..], 0.0, cut);
    }
    job.wrap.max_width = ui.available_width();
    ui.add(Label::new(job).wrap());
}

fn as_json(record: &Record) -> String {
    serde_json::json!({
        "original_paper_id": record.original_paper_id,
        "sentence": record.sentence,
        "ref_paper_id": record.ref_paper_id,
        "ref_paper_title": record.ref_paper_title,
        "ref_paper_authors": record.ref_paper_authors,
        "ref_paper_text": record.ref_paper_text,
        "label": record.label.map(crate::dataset::Label::index),
    })
    .to_string()
}
