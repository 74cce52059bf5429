//! The Dataset page: what is in a labelled dataset, and how it is split.
//!
//! | file | what lives there |
//! | --- | --- |
//! | `mod.rs` | the page's state, its jobs, its tabs |
//! | `loaded.rs` | what is known about a dataset: report, split, each row's part |
//! | `welcome.rs` | what is shown before there is one |
//! | `overview.rs` | figures, plots and tables of the report |
//! | `noise.rs` | lint findings with their explanations |
//! | `split.rs` | the split and its settings |
//! | `rows.rs`, `filter.rs`, `detail.rs` | the rows, which of them are shown, one in full |
//! | `tokens.rs` | token counts and what is cut off |
//! | `histogram.rs` | counts in bins |

mod detail;
mod filter;
mod histogram;
mod loaded;
mod noise;
mod overview;
mod rows;
mod split;
mod tokens;
mod welcome;

use super::CloseDecision;
use crate::app::command::Command;
use crate::app::focus::keep_in_view;
use crate::app::job::Job;
use crate::app::open::short_name;
use crate::app::shared::Shared;
use crate::app::theme::{Palette, space};
use crate::app::widgets::{Beside, Unit, at_end, before_panel, progress_strip, tabs};
use crate::dataset::{Cleaning, Dataset, SplitSettings, clean, sample_dataset_bytes};
use crate::progress::Progress;
use crate::{files, runs};
use detail::Wish;
use egui::{Frame, Margin, Ui};
use histogram::Histogram;
use loaded::{Described, Divided, Loaded};
use overview::TokenCounts;
use rows::Rows;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokens::{Reader, SeenPair};

/// A part of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Overview,
    Noise,
    Split,
    Rows,
}

/// The page's state.
#[derive(Debug)]
pub struct DatasetPage {
    tab: Tab,
    loading: Option<(PathBuf, Job<Loaded>)>,
    loaded: Option<Arc<Loaded>>,
    /// What the split on screen is becoming.
    dividing: Option<Job<(Option<Described>, Divided)>>,
    rows: Rows,
    tokens: Tokens,
}

/// Token counts, which follow in the background.
#[derive(Debug, Default)]
struct Tokens {
    /// For which base the tokenizer was asked.
    base: Option<String>,
    opening: Option<Job<Reader>>,
    reader: Option<Arc<Reader>>,
    /// Why there is no tokenizer.
    failure: Option<String>,
    counting: Option<Job<Histogram>>,
    counted: Option<Histogram>,
    seeing: Option<(usize, Job<SeenPair>)>,
    seen: Option<(usize, Result<SeenPair, String>)>,
}

impl DatasetPage {
    /// The page at start.
    #[must_use]
    pub fn new(_shared: &Shared) -> Self {
        Self {
            tab: Tab::Overview,
            loading: None,
            loaded: None,
            dividing: None,
            rows: Rows::default(),
            tokens: Tokens::default(),
        }
    }

    /// A command came.
    pub fn handle(&mut self, command: &Command, shared: &mut Shared) {
        match command {
            Command::OpenDataset(path) => self.load(path.clone(), shared),
            Command::OpenSample => self.load_sample(shared),
            _ => {}
        }
    }

    fn load(&mut self, path: PathBuf, shared: &Shared) {
        let from = path.clone();
        let job = Job::start(&shared.context, "load dataset", move |progress| read(&from, progress));
        self.loading = Some((path, job));
    }

    /// The sample becomes a file, so that a training process can read it too.
    fn load_sample(&mut self, shared: &Shared) {
        let path = runs::default_runs_folder().with_file_name("sample.jsonl");
        let from = path.clone();
        let job = Job::start(&shared.context, "load sample", move |progress| {
            let sample = sample_dataset_bytes();
            if std::fs::read(&from).ok().as_deref() != Some(sample) {
                let write = || {
                    from.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                    files::write_atomically(&from, |file| file.write_all(sample))
                };
                write().map_err(|failure| format!("Cannot write the sample to {}: {failure}", from.display()))?;
            }
            read(&from, progress)
        });
        self.loading = Some((path, job));
    }

    /// Looks after jobs; draws nothing.
    pub fn update(&mut self, shared: &mut Shared) {
        self.poll_loading(shared);
        let Some(loaded) = self.loaded.clone() else { return };
        self.update_split(shared, &loaded);
        let Some(loaded) = self.loaded.clone() else { return };
        self.rows.update(shared, &loaded);
        self.tokens.update(shared, &loaded, self.rows.selected.filter(|_| self.tab == Tab::Rows));
    }

    fn poll_loading(&mut self, shared: &mut Shared) {
        let Some((path, job)) = &mut self.loading else { return };
        let Some(result) = job.poll() else { return };
        match result {
            Ok(loaded) => {
                shared.settings.add_recent(path);
                shared.dataset = Some(Arc::clone(&loaded.dataset));
                shared.split = loaded.divided.settings;
                shared.cleaning = loaded.divided.cleaning;
                self.loaded = Some(Arc::new(loaded));
                self.dividing = None;
                self.rows = Rows::default();
                self.tokens = Tokens::default();
                self.tab = Tab::Overview;
            }
            // The user asked for that and needs no message.
            Err(_) if job.is_cancelled() => {}
            Err(failure) => {
                shared.settings.recent.retain(|known| known != path);
                shared.error(failure);
            }
        }
        self.loading = None;
    }

    /// Splits again where the settings have changed.
    fn update_split(&mut self, shared: &mut Shared, loaded: &Arc<Loaded>) {
        if let Some(job) = &mut self.dividing {
            match job.poll() {
                None => return,
                Some(Err(failure)) => shared.error(failure),
                Some(Ok((described, divided))) => {
                    if described.is_some() {
                        self.tokens.recount();
                    }
                    let described = described.map_or_else(|| Arc::clone(&loaded.described), Arc::new);
                    self.loaded = Some(Arc::new(Loaded { dataset: Arc::clone(&loaded.dataset), described, divided }));
                    self.rows.refresh();
                }
            }
            self.dividing = None;
            shared.context.request_repaint();
            return;
        }
        let wanted = (shared.cleaning, shared.split);
        if wanted != (loaded.divided.cleaning, loaded.divided.settings) {
            let (dataset, cleaned) = (Arc::clone(&loaded.dataset), loaded.divided.cleaning);
            self.dividing = Some(Job::start(&shared.context, "split dataset", move |_| {
                let (cleaning, settings) = wanted;
                let described = (cleaning != cleaned).then(|| Described::of(&dataset, cleaning));
                Ok::<_, String>((described, Divided::of(&dataset, cleaning, settings)))
            }));
        }
    }

    /// Whether a command of this page can be used now; true for the commands of others.
    #[must_use]
    pub fn available(&self, command: &Command, shared: &Shared) -> bool {
        match command {
            Command::TrainOnDataset => shared.dataset.as_ref().is_some_and(|dataset| dataset.labelled),
            _ => true,
        }
    }

    /// The window is about to close: reading and counting may end with it.
    pub fn closing(&mut self, _shared: &mut Shared) -> CloseDecision {
        CloseDecision::Close
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, shared: &mut Shared) {
        let margin = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin {
            left: space::PAGE as i8,
            right: space::PAGE as i8,
            top: 12,
            bottom: 0,
        });
        egui::CentralPanel::no_frame().frame(margin).show(ui, |ui| {
            self.show_loading(ui);
            let Some(loaded) = self.loaded.clone() else {
                if self.loading.is_none() {
                    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| welcome::show(ui, shared));
                }
                return;
            };
            self.header(ui, shared, &loaded);
            ui.add_space(space::TIGHT);
            if self.tab == Tab::Rows {
                self.show_rows(ui, shared, &loaded);
                return;
            }
            // Another dataset begins at its top.
            let place = (self.tab as u8, &loaded.dataset.path);
            egui::ScrollArea::vertical().id_salt(place).auto_shrink(false).show(ui, |ui| {
                match self.tab {
                    Tab::Overview => overview::show(ui, shared, &loaded, self.tokens.counts()),
                    Tab::Noise => {
                        if let Some(finding) = noise::show(ui, shared, &loaded) {
                            self.rows.show_finding(finding);
                            self.tab = Tab::Rows;
                        }
                    }
                    Tab::Split => split::show(ui, shared, &loaded, self.dividing.is_some()),
                    Tab::Rows => {}
                }
                ui.add_space(space::LARGE);
                keep_in_view(ui);
            });
        });
    }

    fn show_loading(&mut self, ui: &mut Ui) {
        let Some((path, job)) = &self.loading else { return };
        let (done, total) = job.progress().figures();
        let what = if total > 0 && done >= total {
            format!("Describing {}…", short_name(path))
        } else {
            format!("Reading {}…", short_name(path))
        };
        if progress_strip(ui, &what, job.progress(), Unit::Bytes) {
            job.cancel();
        }
        ui.add_space(space::SMALL);
    }

    fn header(&mut self, ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
        ui.horizontal(|ui| {
            let path = loaded.dataset.path.display().to_string();
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                at_end(ui, "dataset", egui::Align::Center, |ui| {
                    overview::export(ui, shared, loaded);
                    overview::train_button(ui, shared);
                });
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(
                        egui::Label::new(egui::RichText::new(short_name(&loaded.dataset.path)).heading()).truncate(),
                    )
                    .on_hover_text(path);
                });
            });
        });
        let report = &loaded.described.report;
        let noise = if report.lint.is_empty() { "Noise".to_owned() } else { format!("Noise ({})", report.lint.len()) };
        let choices = [
            (Tab::Overview, "Overview".to_owned()),
            (Tab::Noise, noise),
            (Tab::Split, "Split".to_owned()),
            (Tab::Rows, "Rows".to_owned()),
        ];
        if tabs(ui, &mut self.tab, &choices) && self.tab == Tab::Rows {
            self.rows.take_keyboard = true;
        }
    }

    fn show_rows(&mut self, ui: &mut Ui, shared: &mut Shared, loaded: &Arc<Loaded>) {
        let palette = Palette::of(ui);
        let Some(row) = self.rows.selected else {
            self.rows.show(ui, shared, loaded);
            return;
        };
        let wish = before_panel(ui, "row", Beside::Right, |table, ui| {
            self.rows.show(table, shared, loaded);
            let mut wish = None;
            let width = (ui.available_width() * 0.38).clamp(260.0, 520.0);
            let frame = Frame::new()
                .fill(palette.card)
                .stroke(egui::Stroke::new(1.0, palette.line))
                .corner_radius(8.0)
                .outer_margin(Margin { left: 12, right: 1, top: 0, bottom: 12 })
                .inner_margin(Margin::same(12));
            egui::Panel::right("row")
                .default_size(width)
                .max_size(ui.available_width() * 0.55)
                .frame(frame)
                .show_separator_line(false)
                .show(ui, |ui| {
                    egui::ScrollArea::vertical().id_salt(row).auto_shrink(false).show(ui, |ui| {
                        wish = detail::show(ui, shared, loaded, row, self.tokens.seen_of(row));
                        keep_in_view(ui);
                    });
                });
            wish
        });
        match wish {
            Some(Wish::Check) => shared.send(Command::CheckRows(siblings(&loaded.dataset, row))),
            Some(Wish::Paper(paper)) => self.rows.show_paper(paper),
            None => {}
        }
    }
}

/// Reads and describes a dataset, and splits it as the notebook does.
fn read(path: &Path, progress: &dyn Progress) -> Result<Loaded, String> {
    let (cleaning, settings) = (Cleaning::default(), SplitSettings::default());
    let dataset = Arc::new(Dataset::read(path, progress).map_err(|failure| failure.to_string())?);
    let described = Arc::new(Described::of(&dataset, cleaning));
    let divided = Divided::of(&dataset, cleaning, settings);
    Ok(Loaded { dataset, described, divided })
}

/// The rows of the same sentence of the same paper.
fn siblings(dataset: &Dataset, row: usize) -> Vec<usize> {
    let record = &dataset.records[row];
    let same = |other: &usize| {
        let other = &dataset.records[*other];
        other.original_paper_id == record.original_paper_id && other.sentence == record.sentence
    };
    (0..dataset.records.len()).filter(same).collect()
}

impl Tokens {
    /// The rows have changed: their tokens are counted again.
    fn recount(&mut self) {
        self.counting = None;
        self.counted = None;
    }

    /// How many tokens the pairs have, or how far the counting is.
    fn counts(&self) -> TokenCounts<'_> {
        match (&self.counted, &self.counting, &self.reader) {
            (Some(histogram), _, Some(reader)) if !histogram.counts.is_empty() => {
                TokenCounts::Counted(histogram, &reader.name)
            }
            (None, Some(job), _) => TokenCounts::Counting(job),
            _ => TokenCounts::Unknown,
        }
    }

    /// The pair of a row, where it is worked out.
    fn seen_of(&self, row: usize) -> Option<&Result<SeenPair, String>> {
        self.seen.as_ref().filter(|(of, _)| *of == row).map(|(_, seen)| seen)
    }

    fn update(&mut self, shared: &Shared, loaded: &Arc<Loaded>, selected: Option<usize>) {
        if self.base != shared.base {
            *self = Self { base: shared.base.clone(), ..Self::default() };
        }
        if self.reader.is_none() {
            self.open(shared);
        }
        if let Some(reader) = self.reader.clone() {
            self.count(shared, loaded, &reader);
            self.see(shared, loaded, &reader, selected);
        } else if let (Some(failure), Some(row)) = (&self.failure, selected) {
            self.seen = Some((row, Err(failure.clone())));
        }
    }

    fn open(&mut self, shared: &Shared) {
        if self.failure.is_some() {
            return;
        }
        let base = self.base.clone();
        let job = self.opening.get_or_insert_with(|| {
            Job::start(&shared.context, "open tokenizer", move |_| Reader::open(base.as_deref()))
        });
        match job.poll() {
            None => return,
            Some(Ok(reader)) => self.reader = Some(Arc::new(reader)),
            Some(Err(failure)) => self.failure = Some(failure),
        }
        self.opening = None;
    }

    fn count(&mut self, shared: &Shared, loaded: &Arc<Loaded>, reader: &Arc<Reader>) {
        if self.counted.is_some() {
            return;
        }
        let job = self.counting.get_or_insert_with(|| {
            let (loaded, reader) = (Arc::clone(loaded), Arc::clone(reader));
            Job::start(&shared.context, "count tokens", move |progress| {
                let rows = clean(&loaded.dataset.records, loaded.divided.cleaning);
                let tokens = tokens::count_all(&loaded.dataset, &rows, &reader, progress)?;
                Ok::<_, String>(Histogram::of_sorted(&tokens))
            })
        });
        match job.poll() {
            None => {}
            Some(Ok(histogram)) => {
                self.counted = Some(histogram);
                self.counting = None;
            }
            Some(Err(_)) => {
                // Cancelled, or no row can be tokenized: there is nothing to plot.
                self.counted = Some(Histogram::default());
                self.counting = None;
            }
        }
    }

    fn see(&mut self, shared: &Shared, loaded: &Arc<Loaded>, reader: &Arc<Reader>, selected: Option<usize>) {
        let Some(row) = selected else { return };
        if self.seen_of(row).is_some() {
            return;
        }
        if self.seeing.as_ref().is_none_or(|(of, _)| *of != row) {
            let (loaded, reader) = (Arc::clone(loaded), Arc::clone(reader));
            let job = Job::start(&shared.context, "encode pair", move |_| SeenPair::of(&loaded.dataset, row, &reader));
            self.seeing = Some((row, job));
        }
        if let Some((_, job)) = &mut self.seeing
            && let Some(seen) = job.poll()
        {
            self.seen = Some((row, seen));
            self.seeing = None;
        }
    }
}
