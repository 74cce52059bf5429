//! `citelink eda`

use super::output::{TerminalProgress, print_json, print_table, thousands};
use crate::dataset::{Cleaning, Report, Summary, report_of_file};
use std::path::PathBuf;

/// How many of a long list the tables show; `--json` has the rest.
const SHOWN: usize = 10;

/// The command's options.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The dataset: JSON lines, plain or gzip-packed.
    data: PathBuf,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let report = report_of_file(&arguments.data, Cleaning::default(), &TerminalProgress::new("bytes read"))?;
    if arguments.json {
        return print_json(&report);
    }
    println!("{}\n", arguments.data.display());
    print_report(&report);
    Ok(())
}

fn print_report(report: &Report) {
    let clean = &report.clean;
    let share = |count: usize, of: usize| {
        if of == 0 { String::new() } else { format!("{:.1} %", 100.0 * count as f64 / of as f64) }
    };
    print_table(&[
        ["", "all rows", "after cleaning"].map(str::to_owned),
        ["rows".to_owned(), thousands(report.rows), thousands(clean.rows)],
        [
            "label 0 (not a citation)".to_owned(),
            thousands(report.labels.not_citation),
            thousands(clean.labels.not_citation),
        ],
        ["label 1 (citation)".to_owned(), thousands(report.labels.citation), thousands(clean.labels.citation)],
        ["papers".to_owned(), String::new(), thousands(report.papers)],
        ["class weight of 0".to_owned(), String::new(), format!("{:.4}", clean.class_weights.not_citation)],
        ["class weight of 1".to_owned(), String::new(), format!("{:.4}", clean.class_weights.citation)],
    ]);

    println!();
    let length = |name: &str, summary: &Summary| {
        let Summary { mean, median, max } = *summary;
        [name.to_owned(), format!("{mean:.1}"), thousands(median as usize), thousands(max as usize)]
    };
    print_table(&[
        ["length", "mean", "median", "longest"].map(str::to_owned),
        length("sentence, words", &report.sentence_words),
        length("reference text, characters", &report.ref_text_chars),
        length("reference block, characters", &clean.ref_block_chars),
    ]);

    println!();
    let mut missing = vec![["empty field", "rows", "share"].map(str::to_owned)];
    for (field, count) in report.missing.fields() {
        missing.push([field.to_owned(), thousands(count), share(count, report.rows)]);
    }
    print_table(&missing);

    if !report.lint.is_empty() {
        println!();
        let mut findings = vec![["worth a look", "rows", "first lines"].map(str::to_owned)];
        for finding in &report.lint {
            let mut lines: Vec<String> = finding.lines.iter().take(5).map(ToString::to_string).collect();
            if finding.count > lines.len() {
                lines.push("…".to_owned());
            }
            findings.push([finding.kind.title().to_owned(), thousands(finding.count), lines.join(", ")]);
        }
        print_table(&findings);
    }

    if !report.rejected.is_empty() {
        println!("\nLines that cannot be used: {}", thousands(report.rejected.len()));
        for rejected in report.rejected.iter().take(SHOWN) {
            println!("  line {}: {}", rejected.line, rejected.reason);
        }
        if report.rejected.len() > SHOWN {
            println!("  … and {} more, listed by --json", thousands(report.rejected.len() - SHOWN));
        }
    }
    if report.missing.label == report.rows {
        println!("\nNo line has a label, so the dataset can be described and scored but not trained on");
    }
}
