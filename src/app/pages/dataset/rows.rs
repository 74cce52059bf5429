//! The rows in a virtual table, with search and filters.

use super::filter::{Field, Filter};
use super::loaded::{Loaded, RowPart};
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::numbers::{counted, thousands};
use crate::app::widgets::{CsvTable, class_label, export_menu};
use crate::dataset::{Label, LintFinding, PaperId};
use egui::{Align, Key, Layout, Ui};
use egui_extras::{Column, TableBuilder};
use std::sync::Arc;

/// The table's state.
#[derive(Debug, Default)]
pub struct Rows {
    filter: Filter,
    /// What the rows on screen were filtered by.
    applied: Option<Filter>,
    filtering: Option<Job<Vec<u32>>>,
    /// Rows that pass, in file order.
    shown: Arc<Vec<u32>>,
    /// The record on screen in full.
    pub selected: Option<usize>,
    scroll_to_selected: bool,
    /// The rows have just been chosen: arrow keys go through them at once.
    pub take_keyboard: bool,
}

impl Rows {
    /// Shows the rows of one finding.
    pub fn show_finding(&mut self, finding: LintFinding) {
        self.filter = Filter { lint: Some((finding.kind, finding.lines)), ..Filter::default() };
        self.selected = None;
    }

    /// Shows the rows of one paper.
    pub fn show_paper(&mut self, paper: PaperId) {
        self.filter = Filter { paper: Some(paper), ..Filter::default() };
        self.scroll_to_selected = true;
    }

    /// The split has changed: what is filtered by part is stale.
    pub fn refresh(&mut self) {
        self.applied = None;
    }

    /// Filters off the frame where the conditions have changed.
    pub fn update(&mut self, shared: &Shared, loaded: &Arc<Loaded>) {
        if self.applied.as_ref() != Some(&self.filter) {
            self.applied = Some(self.filter.clone());
            let (filter, loaded) = (self.filter.clone(), Arc::clone(loaded));
            // Dropping the job before cancels it.
            self.filtering = Some(Job::start(&shared.context, "filter rows", move |progress| {
                filter.apply(&loaded.dataset, &loaded.divided.parts, progress).ok_or("cancelled")
            }));
        }
        if let Some(job) = &mut self.filtering
            && let Some(result) = job.poll()
        {
            self.filtering = None;
            if let Ok(rows) = result {
                self.shown = Arc::new(rows);
                let visible = self.selected.is_some_and(|row| self.shown.binary_search(&(row as u32)).is_ok());
                if !visible {
                    self.selected = self.shown.first().map(|row| *row as usize);
                    self.scroll_to_selected = true;
                }
            }
        }
    }

    /// Draws search, filters and the table.
    pub fn show(&mut self, ui: &mut Ui, shared: &mut Shared, loaded: &Arc<Loaded>) {
        self.conditions(ui, shared, loaded);
        ui.add_space(space::TIGHT);
        let table = self.keyboard(ui);
        self.table(ui, loaded, &table);
    }

    fn conditions(&mut self, ui: &mut Ui, shared: &mut Shared, loaded: &Arc<Loaded>) {
        ui.horizontal_wrapped(|ui| {
            let search = ui.add(
                egui::TextEdit::singleline(&mut self.filter.search).hint_text("Search the rows").desired_width(230.0),
            );
            search.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SearchInput, true, "Search rows"));
            if loaded.dataset.labelled {
                let labels = [
                    (Some(Label::Citation), "CITATION".to_owned()),
                    (Some(Label::NotCitation), "NOT_CITATION".to_owned()),
                ];
                choice(ui, "Label", &mut self.filter.label, labels);
            }
            let parts = RowPart::ALL.map(|part| (Some(part), part.name().to_owned()));
            choice(ui, "Part", &mut self.filter.part, parts);
            let fields = Field::ALL.map(|field| (Some(field), format!("without {}", field.name())));
            choice(ui, "Missing field", &mut self.filter.missing, fields);
            let findings = loaded
                .described
                .report
                .lint
                .iter()
                .map(|finding| (Some((finding.kind, finding.lines.clone())), finding.kind.title().to_owned()));
            choice(ui, "Noise", &mut self.filter.lint, findings);
            let mut forget_paper = false;
            if let Some(paper) = &self.filter.paper {
                forget_paper =
                    ui.button(format!("Paper {paper} ✕")).on_hover_text("Show the rows of all papers again").clicked();
            }
            if forget_paper {
                self.filter.paper = None;
            }
            if !self.filter.is_empty() && ui.button("Clear filters").clicked() {
                self.filter = Filter::default();
            }
        });
        ui.horizontal(|ui| {
            let total = loaded.dataset.records.len();
            let text = if self.shown.len() == total {
                counted(total, "row", "rows")
            } else {
                format!("{} of {}", thousands(self.shown.len()), counted(total, "row", "rows"))
            };
            ui.weak(text);
            if let Some((kind, lines)) = &self.filter.lint
                && let Some(finding) = loaded.described.report.lint.iter().find(|finding| finding.kind == *kind)
                && finding.count > lines.len()
            {
                ui.weak(format!("(the first {} of {} such lines)", lines.len(), thousands(finding.count)));
            }
            if self.filtering.is_some() {
                ui.spinner();
            }
            let (shown, loaded) = (Arc::clone(&self.shown), Arc::clone(loaded));
            export_rows(ui, shared, shown, loaded);
        });
    }

    /// The table as one stop of the Tab key: there, or where nothing has the keyboard, arrow keys move the selection.
    fn keyboard(&mut self, ui: &Ui) -> egui::Response {
        let id = egui::Id::unique("rows with the keyboard");
        let table = ui.interact(ui.available_rect_before_wrap(), id, egui::Sense::focusable_noninteractive());
        table.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Table, true, "Rows: arrow keys choose one"));
        if std::mem::take(&mut self.take_keyboard) {
            table.request_focus();
        }
        if table.has_focus() {
            let arrows = egui::EventFilter { vertical_arrows: true, ..egui::EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
        }
        if table.has_focus() || !ui.ctx().egui_wants_keyboard_input() {
            self.keys(ui);
        }
        table
    }

    fn keys(&mut self, ui: &Ui) {
        if self.shown.is_empty() {
            return;
        }
        let step = ui.input_mut(|input| {
            let mut pressed = |key| input.count_and_consume_key(egui::Modifiers::NONE, key) as isize;
            pressed(Key::ArrowDown) - pressed(Key::ArrowUp) + 20 * (pressed(Key::PageDown) - pressed(Key::PageUp))
        });
        if step == 0 {
            return;
        }
        let here = self.selected.and_then(|row| self.shown.binary_search(&(row as u32)).ok()).unwrap_or(0);
        let there = here.saturating_add_signed(step).min(self.shown.len() - 1);
        self.selected = Some(self.shown[there] as usize);
        self.scroll_to_selected = true;
    }

    fn table(&mut self, ui: &mut Ui, loaded: &Loaded, keyboard: &egui::Response) {
        let records = &loaded.dataset.records;
        let palette = Palette::of(ui);
        let height = ui.text_style_height(&egui::TextStyle::Body) + 8.0;
        let wide = ui.available_width() > 640.0;
        let mut table = TableBuilder::new(ui)
            .id_salt("rows")
            .striped(true)
            .resizable(true)
            // Clicked, but no stops of the Tab key.
            .sense(egui::Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .auto_shrink([false, false])
            .column(Column::initial(56.0).at_least(40.0).clip(true))
            .column(Column::initial(132.0).at_least(40.0).clip(true));
        if wide {
            table = table.columns(Column::initial(78.0).at_least(40.0).clip(true), 2);
        }
        table = table.columns(Column::remainder().at_least(60.0).clip(true), 2);
        if self.scroll_to_selected
            && let Some(place) = self.selected.and_then(|row| self.shown.binary_search(&(row as u32)).ok())
        {
            table = table.scroll_to_row(place, None);
            self.scroll_to_selected = false;
        }
        let shown = Arc::clone(&self.shown);
        table
            .header(height, |mut header| {
                let mut heading = |text: &str| {
                    header.col(|ui| {
                        ui.strong(text);
                    });
                };
                heading("Line");
                heading("Label");
                if wide {
                    heading("Part");
                    heading("Paper");
                }
                heading("Sentence");
                heading("Reference");
            })
            .body(|body| {
                body.rows(height, shown.len(), |mut row| {
                    let position = shown[row.index()] as usize;
                    let record = &records[position];
                    row.set_selected(self.selected == Some(position));
                    row.col(|ui| {
                        ui.label(thousands(record.line));
                    });
                    row.col(|ui| match record.label {
                        Some(label) => {
                            class_label(ui, label.index());
                        }
                        None => {
                            ui.weak("none");
                        }
                    });
                    if wide {
                        row.col(|ui| {
                            ui.label(loaded.divided.parts[position].name());
                        });
                        row.col(|ui| {
                            one_line(ui, &record.original_paper_id.to_string());
                        });
                    }
                    row.col(|ui| match &record.sentence {
                        Some(sentence) => one_line(ui, sentence),
                        None => missing(ui, palette, "no sentence"),
                    });
                    row.col(|ui| match (&record.ref_paper_title, &record.ref_paper_text) {
                        (Some(title), _) => one_line(ui, title),
                        (None, Some(text)) => one_line(ui, text),
                        (None, None) => missing(ui, palette, "no title, no text"),
                    });
                    if row.response().clicked() {
                        self.selected = Some(position);
                        keyboard.request_focus();
                    }
                });
            });
    }
}

/// The start of a text in one line; more than fits a line is not laid out.
fn one_line(ui: &mut Ui, text: &str) {
    let start: String = text
        .trim_start()
        .chars()
        .take(200)
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .collect();
    ui.add(egui::Label::new(start).truncate().selectable(false));
}

fn missing(ui: &mut Ui, palette: Palette, text: &str) {
    ui.label(egui::RichText::new(text).italics().color(palette.weak));
}

/// A choice among values, or any.
fn choice<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    current: &mut Option<T>,
    choices: impl IntoIterator<Item = (Option<T>, String)>,
) {
    let choices: Vec<(Option<T>, String)> = choices.into_iter().collect();
    let any = format!("{name}: any");
    let text = choices.iter().find(|(value, _)| value.is_some() && value == current).map_or(&any, |(_, text)| text);
    let combo = egui::ComboBox::from_id_salt(name).selected_text(text.clone()).width(96.0).show_ui(ui, |ui| {
        ui.selectable_value(current, None, &any);
        for (value, text) in &choices {
            ui.selectable_value(current, value.clone(), text);
        }
    });
    combo.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name));
}

fn export_rows(ui: &mut Ui, shared: &mut Shared, shown: Arc<Vec<u32>>, loaded: Arc<Loaded>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        // A large table is made off the frame, so that only saving is offered beyond what fits a clipboard.
        if shown.len() <= 2_000 {
            export_menu(ui, shared, "Rows", || as_table(&shown, &loaded));
        } else if ui.button("Save as CSV…").on_hover_text("Save the rows that are shown").clicked() {
            shared.save_file("rows.csv", move || as_table(&shown, &loaded).to_csv());
        }
    });
}

fn as_table(shown: &[u32], loaded: &Loaded) -> CsvTable {
    let mut table = CsvTable::new([
        "line",
        "part",
        "label",
        "original_paper_id",
        "sentence",
        "ref_paper_id",
        "ref_paper_title",
        "ref_paper_authors",
        "ref_paper_text",
    ]);
    for &row in shown {
        let record = &loaded.dataset.records[row as usize];
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
        table.push([
            record.line.to_string(),
            loaded.divided.parts[row as usize].name().to_owned(),
            record.label.map(|label| label.index().to_string()).unwrap_or_default(),
            record.original_paper_id.to_string(),
            text(&record.sentence),
            record.ref_paper_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            text(&record.ref_paper_title),
            text(&record.ref_paper_authors),
            text(&record.ref_paper_text),
        ]);
    }
    table
}
