//! Taking a sentence and its candidates from the loaded dataset: paper, then sentence.

use crate::app::job::Job;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::counted;
use crate::dataset::{Dataset, Label, PaperId, fold_white_space};
use egui::{RichText, TextEdit};
use std::collections::HashMap;
use std::sync::Arc;

/// A sentence of a paper with the rows of its candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SentenceRows {
    /// On one line.
    sentence: String,
    rows: Vec<usize>,
    citations: usize,
}

/// A citing paper, with its sentences in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PaperRows {
    name: String,
    sentences: Vec<SentenceRows>,
}

/// The picker: open or not, and how far the user has come.
#[derive(Debug, Default)]
pub(super) struct DatasetPicker {
    open: bool,
    /// The papers, once they have been gathered, and of which dataset.
    papers: Option<(Arc<Dataset>, Vec<PaperRows>)>,
    gathering: Option<(Arc<Dataset>, Job<Vec<PaperRows>>)>,
    filter: String,
    /// Positions of the papers that match the filter.
    matching: Vec<usize>,
    paper: Option<usize>,
}

impl DatasetPicker {
    pub(super) fn open(&mut self, dataset: &Arc<Dataset>, context: &egui::Context) {
        self.open = true;
        if self.papers.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, dataset)) {
            return;
        }
        self.papers = None;
        self.paper = None;
        let for_thread = Arc::clone(dataset);
        let job = Job::start(context, "gather-papers", move |_| Ok::<_, String>(gather(&for_thread)));
        self.gathering = Some((Arc::clone(dataset), job));
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn update(&mut self) {
        if let Some((dataset, job)) = &mut self.gathering
            && let Some(result) = job.poll()
        {
            self.papers = Some((Arc::clone(dataset), result.unwrap_or_default()));
            self.gathering = None;
            self.filter();
        }
    }

    fn filter(&mut self) {
        let Some((_, papers)) = &self.papers else { return };
        let wanted = self.filter.trim().to_lowercase();
        self.matching =
            (0..papers.len()).filter(|&paper| papers[paper].name.to_lowercase().contains(&wanted)).collect();
        if !self.paper.is_some_and(|paper| self.matching.contains(&paper)) {
            self.paper = self.matching.first().copied();
        }
    }

    /// Draws the picker over the page; returns the rows that were chosen.
    pub(super) fn show(&mut self, ui: &egui::Ui) -> Option<Vec<usize>> {
        if !self.open {
            return None;
        }
        let mut chosen = None;
        let available = ui.ctx().content_rect().size();
        let modal = egui::Modal::new(egui::Id::unique("dataset-picker")).show(ui.ctx(), |ui| {
            ui.set_width((available.x - 80.0).min(860.0));
            ui.set_height((available.y - 120.0).min(460.0));
            ui.heading("Take a sentence from the dataset");
            if self.papers.is_none() {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Gathering the papers…");
                });
            } else {
                chosen = self.lists(ui);
            }
            ui.add_space(space::SMALL);
            if ui.button("Close").clicked() {
                ui.close();
            }
        });
        if modal.should_close() || chosen.is_some() {
            self.open = false;
        }
        chosen
    }

    fn lists(&mut self, ui: &mut egui::Ui) -> Option<Vec<usize>> {
        let palette = Palette::of(ui);
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut self.filter).hint_text("Search papers by id").desired_width(220.0);
            if ui.add(field).accessible_name("Search papers by id").changed() {
                self.filter();
            }
            let count = counted(self.matching.len(), "paper", "papers");
            ui.label(RichText::new(count).color(palette.weak));
        });
        let (_, papers) = self.papers.as_ref()?;
        let mut chosen = None;
        let height = ui.available_height() - 48.0;
        ui.horizontal_top(|ui| {
            ui.allocate_ui(egui::vec2(220.0, height), |ui| {
                ui.set_min_size(egui::vec2(220.0, height));
                egui::ScrollArea::vertical().id_salt("papers").auto_shrink(false).show_rows(
                    ui,
                    28.0,
                    self.matching.len(),
                    |ui, rows| {
                        for &paper in &self.matching[rows] {
                            let button =
                                egui::Button::selectable(self.paper == Some(paper), papers[paper].name.as_str());
                            if ui.add_sized([ui.available_width(), 28.0], button.truncate()).clicked() {
                                self.paper = Some(paper);
                            }
                        }
                    },
                );
            });
            ui.separator();
            ui.vertical(|ui| {
                let Some(paper) = self.paper.and_then(|paper| papers.get(paper)) else {
                    ui.label("No paper matches");
                    return;
                };
                egui::ScrollArea::vertical().id_salt("sentences").max_height(height).auto_shrink(false).show_rows(
                    ui,
                    46.0,
                    paper.sentences.len(),
                    |ui, rows| {
                        for sentence in &paper.sentences[rows] {
                            let candidates = counted(sentence.rows.len(), "candidate", "candidates");
                            let text = format!("{}\n{candidates}, {} cited", sentence.sentence, sentence.citations);
                            let button = egui::Button::new(text).truncate();
                            let response = ui.add_sized([ui.available_width(), 46.0], button);
                            if response.on_hover_text(&sentence.sentence).clicked() {
                                chosen = Some(sentence.rows.clone());
                            }
                        }
                    },
                );
            });
        });
        chosen
    }
}

/// Papers in order of first appearance; rows without a sentence have nothing to check.
fn gather(dataset: &Dataset) -> Vec<PaperRows> {
    let mut papers: Vec<PaperRows> = Vec::new();
    let mut paper_of: HashMap<&PaperId, usize> = HashMap::new();
    let mut sentence_of: HashMap<(usize, &str), usize> = HashMap::new();
    for (row, record) in dataset.records.iter().enumerate() {
        let Some(sentence) = record.sentence.as_deref() else { continue };
        let paper = *paper_of.entry(&record.original_paper_id).or_insert_with(|| {
            let name = record.original_paper_id.to_string();
            papers.push(PaperRows { name, sentences: Vec::new() });
            papers.len() - 1
        });
        let sentences = &mut papers[paper].sentences;
        let place = *sentence_of.entry((paper, sentence)).or_insert_with(|| {
            sentences.push(SentenceRows { sentence: fold_white_space(sentence), rows: Vec::new(), citations: 0 });
            sentences.len() - 1
        });
        sentences[place].rows.push(row);
        sentences[place].citations += usize::from(record.label == Some(Label::Citation));
    }
    papers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Record;
    use std::path::PathBuf;

    fn record(paper: PaperId, sentence: Option<&str>, label: Label) -> Record {
        Record {
            line: 1,
            original_paper_id: paper,
            sentence: sentence.map(Into::into),
            ref_paper_id: None,
            ref_paper_title: None,
            ref_paper_authors: None,
            ref_paper_text: None,
            label: Some(label),
        }
    }

    #[test]
    fn rows_are_gathered_by_paper_and_sentence() {
        let seven = PaperId::Integer(7);
        let dataset = Dataset {
            path: PathBuf::new(),
            sha256: String::new(),
            records: vec![
                record(seven.clone(), Some("Tides  rise"), Label::Citation),
                record(PaperId::Text("7".into()), Some("Tides  rise"), Label::NotCitation),
                record(seven.clone(), None, Label::Citation),
                record(seven, Some("Tides  rise"), Label::NotCitation),
            ],
            rejected: Vec::new(),
            labelled: true,
        };
        let papers = gather(&dataset);
        assert_eq!(papers.len(), 2);
        let expected = SentenceRows { sentence: "Tides rise".into(), rows: vec![0, 3], citations: 1 };
        assert_eq!(papers[0].sentences, [expected]);
        assert_eq!(papers[1].sentences[0].rows, [1]);
    }
}
