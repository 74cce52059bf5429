//! The report: figures, plots and tables.

use super::histogram::Histogram;
use super::loaded::Loaded;
use crate::app::command::Command;
use crate::app::job::Job;
use crate::app::shared::Shared;
use crate::app::theme::{self, Palette, space};
use crate::app::widgets::numbers::{decimal, percent_of, thousands};
use crate::app::widgets::{CsvTable, PlotCard, Unit, figure_row, layout, progress_strip, table_card};
use crate::dataset::Summary;
use egui::Ui;
use egui_plot::{Bar, BarChart, GridMark, Plot, PlotUi};

/// Of every plot, so that they stand in lines.
const HEIGHT: f32 = 190.0;

/// The histogram of token counts, and whose tokenizer counted; or how far the counting is.
#[derive(Debug, Clone, Copy)]
pub enum TokenCounts<'a> {
    Unknown,
    Counting(&'a Job<Histogram>),
    Counted(&'a Histogram, &'a str),
}

/// Draws the report.
pub fn show(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded, tokens: TokenCounts<'_>) {
    figures(ui, loaded);
    ui.add_space(space::MEDIUM);
    plots(ui, shared, loaded, tokens);
    ui.add_space(space::SMALL);
    tables(ui, shared, loaded);
    if !loaded.described.report.rejected.is_empty() {
        ui.add_space(space::MEDIUM);
        rejected(ui, shared, loaded);
    }
}

fn figures(ui: &mut Ui, loaded: &Loaded) {
    let report = &loaded.described.report;
    let labelled = loaded.dataset.labelled;
    let share = |count: usize| labelled.then(|| percent_of(count, report.rows));
    let mut figures = vec![
        ("Usable rows", thousands(report.rows), Some("lines of the file".to_owned())),
        ("Papers", thousands(report.papers), Some("that cite, after cleaning".to_owned())),
    ];
    if labelled {
        figures.push(("CITATION", thousands(report.labels.citation), share(report.labels.citation)));
        figures.push(("NOT_CITATION", thousands(report.labels.not_citation), share(report.labels.not_citation)));
    }
    figures.push((
        "Rows after cleaning",
        thousands(report.clean.rows),
        Some(format!("{} dropped", thousands(report.clean.dropped))),
    ));
    let rejected = report.rejected.len();
    figures.push((
        "Lines kept out",
        thousands(rejected),
        Some(if rejected == 0 { "every line is usable" } else { "listed below" }.to_owned()),
    ));
    figure_row(ui, figures);
    if !labelled {
        ui.add_space(space::SMALL);
        layout::warning(ui, "No line has a label: the file can be described and scored, not trained on");
    }
}

fn plots(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded, tokens: TokenCounts<'_>) {
    let described = &loaded.described;
    let columns = ((ui.available_width() / 400.0) as usize).clamp(1, 3);
    ui.columns(columns, |columns| {
        let number = columns.len();
        let mut next = 0;
        let mut column = || {
            next += 1;
            (next - 1) % number
        };
        if loaded.dataset.labelled {
            labels(&mut columns[column()], shared, loaded);
        }
        missing(&mut columns[column()], shared, loaded);
        for (title, axis, counts, histogram) in [
            ("Sentence lengths", "Words in the sentence", "Rows", &described.sentence_words),
            ("Reference text lengths", "Characters in the reference's text", "Rows", &described.text_chars),
            ("Reference block lengths", "Characters in title, authors and text", "Rows", &described.block_chars),
            ("Candidates per sentence", "Candidates of the sentence", "Sentences", &described.candidates),
            ("Rows per paper", "Rows of the citing paper", "Papers", &described.rows_per_paper),
        ] {
            distribution(&mut columns[column()], shared, title, axis, counts, histogram);
        }
        let ui = &mut columns[column()];
        match tokens {
            TokenCounts::Unknown => {}
            TokenCounts::Counting(job) => {
                layout::card(ui, |ui| {
                    ui.label(egui::RichText::new("Token counts").family(theme::bold()));
                    ui.horizontal_wrapped(|ui| {
                        if progress_strip(ui, "Counting…", job.progress(), Unit::Things("rows")) {
                            job.cancel();
                        }
                    });
                });
            }
            TokenCounts::Counted(histogram, reader) => {
                distribution(ui, shared, "Tokens per pair", "Tokens before anything is cut", "Rows", histogram);
                ui.label(egui::RichText::new(format!("Counted with the tokenizer of {reader}")).small().weak());
            }
        }
    });
}

/// Bars need no panning and zooming; a wheel scrolls the page.
fn still(plot: Plot<'_>) -> Plot<'_> {
    plot.show_crosshair(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .include_y(0.0)
        .x_grid_spacer(|input| whole_steps(input.bounds))
        .y_grid_spacer(|input| whole_steps(input.bounds))
}

/// About six marks on an axis of counts, 1, 2 or 5 times a power of ten apart.
fn whole_steps((least, most): (f64, f64)) -> Vec<GridMark> {
    let wanted = ((most - least) / 6.0).max(1.0);
    let power = 10_f64.powf(wanted.log10().floor());
    let step_size = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= wanted);
    let step_size = step_size.unwrap_or(wanted);
    let (first, last) = ((least / step_size).ceil() as i64, (most / step_size).floor() as i64);
    (first..=last).map(|mark| GridMark { value: mark as f64 * step_size, step_size }).collect()
}

/// The name of a mark on an axis of counts: nothing between whole numbers, which marks meet only nearly.
fn whole_number(value: f64) -> String {
    let whole = value.round();
    if whole < 0.0 || (value - whole).abs() > 1e-6 { String::new() } else { thousands(whole as usize) }
}

fn labels(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let labels = loaded.described.report.labels;
    let counts = [labels.not_citation, labels.citation];
    let total = counts[0] + counts[1];
    // Room for the figure above the higher bar.
    let top = counts[0].max(counts[1]) as f64 * 1.15;
    let text = Palette::of(ui).text;
    let table = || {
        let mut table = CsvTable::new(["label", "rows"]);
        for (class, count) in counts.iter().enumerate() {
            table.push([theme::class_name(class).to_owned(), count.to_string()]);
        }
        table
    };
    PlotCard::new("Labels", "Label", "Rows").height(HEIGHT).show(
        ui,
        shared,
        table,
        |plot| {
            still(plot)
                .show_grid([false, true])
                .include_x(-0.6)
                .include_x(1.6)
                .include_y(top)
                .x_axis_formatter(|mark, _| match mark.value {
                    0.0 => "NOT_CITATION".to_owned(),
                    1.0 => "CITATION".to_owned(),
                    _ => String::new(),
                })
                .x_grid_spacer(|_| marks([0.0, 1.0]))
                .y_axis_formatter(|mark, _| whole_number(mark.value))
                .label_formatter(|_| None)
        },
        |plot| {
            for (class, count) in counts.into_iter().enumerate() {
                let colour = theme::class_colour(class);
                let bar = Bar::new(class as f64, count as f64).width(0.5).fill(colour);
                plot.bar_chart(BarChart::new(theme::class_name(class), vec![bar]).color(colour).allow_hover(false));
                let label = format!("{} ({})", thousands(count), percent_of(count, total));
                let place = egui_plot::PlotPoint::new(class as f64, count as f64);
                plot.text(
                    egui_plot::Text::new(theme::class_name(class), place, egui::RichText::new(label).color(text))
                        .anchor(egui::Align2::CENTER_BOTTOM)
                        .allow_hover(false),
                );
            }
        },
    );
}

fn marks<const N: usize>(values: [f64; N]) -> Vec<GridMark> {
    values.into_iter().map(|value| GridMark { value, step_size: 1.0 }).collect()
}

fn missing(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let report = &loaded.described.report;
    let fields = report.missing.fields();
    let rows = report.rows;
    let most = fields.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let palette = Palette::of(ui);
    let table = || {
        let mut table = CsvTable::new(["field", "rows_without"]);
        for (name, count) in &fields {
            table.push([(*name).to_owned(), count.to_string()]);
        }
        table
    };
    PlotCard::new("Missing fields", "Rows without the field", "Field").height(HEIGHT).show(
        ui,
        shared,
        table,
        move |plot| {
            still(plot)
                .show_grid([true, false])
                .include_x(0.0)
                .include_x(1.0)
                // Room for the figure beside the longest bar.
                .include_x(most as f64 * 1.6)
                .y_axis_min_width(110.0)
                .y_axis_formatter(move |mark, _| {
                    let place = -mark.value;
                    let known = place >= 0.0 && place.fract() == 0.0;
                    known
                        .then(|| fields.get(place as usize))
                        .flatten()
                        .map_or_else(String::new, |(name, _)| (*name).to_owned())
                })
                .y_grid_spacer(move |_| marks([0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0]))
                .x_axis_formatter(|mark, _| whole_number(mark.value))
                .label_formatter(|_| None)
        },
        move |plot| {
            for (place, (name, count)) in fields.iter().enumerate().filter(|(_, (_, count))| *count > 0) {
                let text = format!(" {} ({})", thousands(*count), percent_of(*count, rows));
                let at = egui_plot::PlotPoint::new(*count as f64, -(place as f64));
                plot.text(
                    egui_plot::Text::new(*name, at, egui::RichText::new(text).color(palette.text))
                        .anchor(egui::Align2::LEFT_CENTER)
                        .allow_hover(false),
                );
            }
            let bars = fields
                .iter()
                .enumerate()
                .map(|(place, (name, count))| {
                    Bar::new(-(place as f64), *count as f64).width(0.6).name(name).fill(palette.neutral)
                })
                .collect();
            plot.bar_chart(BarChart::new("Missing", bars).horizontal().color(palette.neutral).allow_hover(false));
        },
    );
}

fn distribution(ui: &mut Ui, shared: &mut Shared, title: &str, axis: &str, counts: &str, histogram: &Histogram) {
    let neutral = Palette::of(ui).neutral;
    let table = || {
        let mut table = CsvTable::new(["from", "to", &counts.to_lowercase()]);
        for (bin, count) in histogram.counts.iter().enumerate() {
            let (from, to) = histogram.range(bin);
            table.push([from.to_string(), to.to_string(), count.to_string()]);
        }
        table
    };
    PlotCard::new(title, axis, counts).height(HEIGHT).show(
        ui,
        shared,
        table,
        |plot| {
            still(plot)
                .x_axis_formatter(|mark, _| whole_number(mark.value))
                .y_axis_formatter(|mark, _| whole_number(mark.value))
                .label_formatter(|_| None)
        },
        |plot: &mut PlotUi<'_>| {
            let width = f64::from(histogram.width);
            let bars = histogram
                .counts
                .iter()
                .enumerate()
                .map(|(bin, count)| {
                    let (from, to) = histogram.range(bin);
                    // A bar of width 1 stands on its whole number, wider ones between their ends.
                    let middle = f64::from(histogram.start) + width * bin as f64 + (width - 1.0) / 2.0;
                    let range = match (from == to, histogram.open_end) {
                        (true, _) => thousands(from as usize),
                        (_, Some(most)) if most == to => {
                            format!("{} and more, up to {}", thousands(from as usize), thousands(to as usize))
                        }
                        _ => format!("{} to {}", thousands(from as usize), thousands(to as usize)),
                    };
                    Bar::new(middle, *count as f64).width(width * 0.92).name(range).fill(neutral)
                })
                .collect();
            let unit = counts.to_lowercase();
            plot.bar_chart(BarChart::new(title, bars).color(neutral).element_formatter(Box::new(move |bar, _| {
                format!("{}\n{} {unit}", bar.name, thousands(bar.value as usize))
            })));
        },
    );
}

fn tables(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let columns = if ui.available_width() < 900.0 { 1 } else { 2 };
    ui.columns(columns, |columns| {
        lengths(&mut columns[0], shared, loaded);
        let last = columns.len() - 1;
        missing_exactly(&mut columns[last], shared, loaded);
    });
}

fn lengths(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let report = &loaded.described.report;
    let lengths: [(&str, Summary); 3] = [
        ("Sentence, words", report.sentence_words),
        ("Reference text, characters", report.ref_text_chars),
        ("Reference block, characters (after cleaning)", report.clean.ref_block_chars),
    ];
    let csv = || {
        let mut table = CsvTable::new(["length", "mean", "median", "max"]);
        for (name, summary) in lengths {
            table.push([
                name.to_owned(),
                summary.mean.to_string(),
                summary.median.to_string(),
                summary.max.to_string(),
            ]);
        }
        table
    };
    table_card(ui, shared, "Lengths", csv, |ui| {
        for heading in ["", "Mean", "Median", "Longest"] {
            ui.weak(heading);
        }
        ui.end_row();
        for (name, summary) in lengths {
            ui.label(name);
            ui.label(decimal(summary.mean, 1));
            ui.label(thousands(summary.median as usize));
            ui.label(thousands(summary.max as usize));
            ui.end_row();
        }
    });
}

fn missing_exactly(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let report = &loaded.described.report;
    let fields = report.missing.fields();
    let csv = || {
        let mut table = CsvTable::new(["field", "rows_without", "share"]);
        for (name, count) in fields {
            table.push([name.to_owned(), count.to_string(), (count as f64 / report.rows as f64).to_string()]);
        }
        table
    };
    table_card(ui, shared, "Missing fields, exactly", csv, |ui| {
        for heading in ["Field", "Rows without", "Share"] {
            ui.weak(heading);
        }
        ui.end_row();
        for (name, count) in fields {
            ui.monospace(name);
            ui.label(thousands(count));
            ui.label(percent_of(count, report.rows));
            ui.end_row();
        }
    });
}

/// How many unusable lines are drawn; all of them are saved.
const REJECTED_SHOWN: usize = 100;

fn rejected(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let rejected = &loaded.described.report.rejected;
    let csv = || {
        let mut table = CsvTable::new(["line", "reason"]);
        for line in rejected {
            table.push([line.line.to_string(), line.reason.to_string()]);
        }
        table
    };
    table_card(ui, shared, "Lines kept out", csv, |ui| {
        ui.weak("Line");
        ui.weak("Reason");
        ui.end_row();
        for line in rejected.iter().take(REJECTED_SHOWN) {
            ui.label(thousands(line.line));
            ui.label(line.reason.as_ref());
            ui.end_row();
        }
    });
    if rejected.len() > REJECTED_SHOWN {
        ui.weak(format!(
            "The first {REJECTED_SHOWN} of {} are shown; “Save as CSV…” saves all",
            thousands(rejected.len())
        ));
    }
}

/// The menu that takes the whole report away.
pub fn export(ui: &mut Ui, shared: &mut Shared, loaded: &Loaded) {
    let report = &loaded.described.report;
    let menu = ui.menu_button("Export", |ui| {
        let name = crate::app::open::short_name(&loaded.dataset.path);
        let stem = name.split('.').next().unwrap_or("dataset").to_owned();
        if ui.button("Save report as JSON…").on_hover_text("As `citelink eda --json` prints it").clicked() {
            let json = serde_json::to_vec_pretty(report).map_err(|failure| failure.to_string());
            shared.save_file(&format!("{stem}-report.json"), move || json);
            ui.close();
        }
        if ui.button("Save report as CSV…").clicked() {
            let table = as_table(loaded);
            shared.save_file(&format!("{stem}-report.csv"), move || table.to_csv());
            ui.close();
        }
        if ui.button("Copy report").on_hover_text("As text that spreadsheets paste into cells").clicked() {
            shared.copy("The report", as_table(loaded).to_text());
            ui.close();
        }
    });
    menu.response.on_hover_text("Save or copy the report");
}

/// Each figure of the report in a row of its own.
fn as_table(loaded: &Loaded) -> CsvTable {
    let report = &loaded.described.report;
    let mut table = CsvTable::new(["figure", "value"]);
    let mut add = |name: &str, value: String| table.push([name.to_owned(), value]);
    add("rows", report.rows.to_string());
    add("rejected", report.rejected.len().to_string());
    add("papers", report.papers.to_string());
    add("labels.0", report.labels.not_citation.to_string());
    add("labels.1", report.labels.citation.to_string());
    for (name, count) in report.missing.fields() {
        add(&format!("missing.{name}"), count.to_string());
    }
    for (name, summary) in [
        ("sentence_words", report.sentence_words),
        ("ref_text_chars", report.ref_text_chars),
        ("clean.ref_block_chars", report.clean.ref_block_chars),
    ] {
        add(&format!("{name}.mean"), summary.mean.to_string());
        add(&format!("{name}.median"), summary.median.to_string());
        add(&format!("{name}.max"), summary.max.to_string());
    }
    add("clean.rows", report.clean.rows.to_string());
    add("clean.dropped", report.clean.dropped.to_string());
    add("clean.class_weights.0", report.clean.class_weights.not_citation.to_string());
    add("clean.class_weights.1", report.clean.class_weights.citation.to_string());
    for finding in &report.lint {
        add(&format!("lint.{}", finding.kind.title()), finding.count.to_string());
    }
    table
}

/// The button that goes on to the Train page.
pub fn train_button(ui: &mut Ui, shared: &mut Shared) {
    let trainable = shared.dataset.as_ref().is_some_and(|dataset| dataset.labelled);
    let clicked = ui.add_enabled_ui(trainable, |ui| layout::primary_button(ui, "Train on this").clicked()).inner;
    if clicked {
        shared.send(Command::TrainOnDataset);
    }
}
