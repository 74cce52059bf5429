//! The predictions file of a run: `row, original_paper_id, ref_paper_id, label, logit_0, logit_1, probability`.

use crate::files::write_atomically;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// One scored row.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Prediction {
    /// The row's position among the dataset's usable lines, from 0.
    pub row: usize,
    pub original_paper_id: String,
    pub ref_paper_id: String,
    /// 0 or 1.
    pub label: u8,
    pub logit_0: f32,
    pub logit_1: f32,
    /// Of class 1.
    pub probability: f64,
}

/// Why predictions could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
    #[error(
        "{path} has no column named {column} but {found}: a predictions file has a header line with at least label and probability"
    )]
    MissingColumn { path: PathBuf, column: &'static str, found: String },
    #[error("{path}, line {line}, column {column}: {found:?} is not {expected}")]
    Value { path: PathBuf, line: u64, column: &'static str, found: String, expected: &'static str },
    #[error("{path} has no predictions: there is no row after the header line")]
    Empty { path: PathBuf },
}

/// The f64 softmax of the f32 logits at class 1.
#[must_use]
pub fn probability_of(logits: [f32; 2]) -> f64 {
    // The larger logit is taken off both, as softmax implementations do, so that nothing overflows.
    let [no, yes] = logits.map(f64::from);
    let largest = no.max(yes);
    let (no, yes) = ((no - largest).exp(), (yes - largest).exp());
    yes / (no + yes)
}

/// Reads the labels and probabilities of a predictions file; columns are found by name and only `label` and
/// `probability` are needed.
///
/// # Errors
/// See [`PredictionsError`].
pub fn read_predictions(path: &Path) -> Result<(Vec<bool>, Vec<f64>), PredictionsError> {
    let mut table = Table::open(path)?;
    let (label, probability) = (table.column("label")?, table.column("probability")?);
    let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
    while table.next_row()? {
        labels.push(table.label(label)?);
        probabilities.push(table.probability(probability)?);
    }
    if labels.is_empty() {
        return Err(PredictionsError::Empty { path: path.to_owned() });
    }
    Ok((labels, probabilities))
}

/// Reads every column of a predictions file, as [`write_predictions`] writes them.
///
/// # Errors
/// See [`PredictionsError`].
pub fn read_prediction_rows(path: &Path) -> Result<Vec<Prediction>, PredictionsError> {
    const NUMBER: &str = "a number";
    let mut table = Table::open(path)?;
    let row = table.column("row")?;
    let (original_paper_id, ref_paper_id) = (table.column("original_paper_id")?, table.column("ref_paper_id")?);
    let (label, probability) = (table.column("label")?, table.column("probability")?);
    let (logit_0, logit_1) = (table.column("logit_0")?, table.column("logit_1")?);
    let mut predictions = Vec::new();
    while table.next_row()? {
        predictions.push(Prediction {
            row: table.parse(row, "a row number from 0")?,
            original_paper_id: table.cell(original_paper_id).to_owned(),
            ref_paper_id: table.cell(ref_paper_id).to_owned(),
            label: u8::from(table.label(label)?),
            logit_0: table.parse(logit_0, NUMBER)?,
            logit_1: table.parse(logit_1, NUMBER)?,
            probability: table.probability(probability)?,
        });
    }
    Ok(predictions)
}

/// Writes a predictions file atomically; numbers read back exactly, each in the fewest digits that do so.
///
/// # Errors
/// [`PredictionsError::File`].
pub fn write_predictions(path: &Path, predictions: &[Prediction]) -> Result<(), PredictionsError> {
    write_atomically(path, |file| {
        let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        table.write_record(COLUMNS)?;
        for prediction in predictions {
            table.serialize(prediction)?;
        }
        table.flush()
    })
    .map_err(|source| PredictionsError::File { path: path.to_owned(), source })
}

/// The header line, there even where no row follows.
const COLUMNS: [&str; 7] = ["row", "original_paper_id", "ref_paper_id", "label", "logit_0", "logit_1", "probability"];

/// A column's name and position.
type Column = (&'static str, usize);

/// A CSV file read row by row, with the place of every error.
struct Table<'a> {
    path: &'a Path,
    reader: csv::Reader<File>,
    header: csv::StringRecord,
    row: csv::StringRecord,
}

impl<'a> Table<'a> {
    fn open(path: &'a Path) -> Result<Self, PredictionsError> {
        let file = File::open(path).map_err(|source| PredictionsError::File { path: path.to_owned(), source })?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
        let header = reader.headers().map_err(|failure| csv_error(path, failure))?.clone();
        Ok(Self { path, reader, header, row: csv::StringRecord::new() })
    }

    fn column(&self, column: &'static str) -> Result<Column, PredictionsError> {
        let position = self.header.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
        position.map(|position| (column, position)).ok_or_else(|| PredictionsError::MissingColumn {
            path: self.path.to_owned(),
            column,
            found: if self.header.is_empty() {
                "nothing".to_owned()
            } else {
                self.header.iter().collect::<Vec<_>>().join(", ")
            },
        })
    }

    fn next_row(&mut self) -> Result<bool, PredictionsError> {
        self.reader.read_record(&mut self.row).map_err(|failure| csv_error(self.path, failure))
    }

    fn cell(&self, column: Column) -> &str {
        self.row.get(column.1).unwrap_or_default()
    }

    fn parse<T: std::str::FromStr>(&self, column: Column, expected: &'static str) -> Result<T, PredictionsError> {
        self.cell(column).parse().map_err(|_| self.unexpected(column, expected))
    }

    fn label(&self, column: Column) -> Result<bool, PredictionsError> {
        match self.cell(column).parse::<f64>() {
            Ok(0.0) => Ok(false),
            Ok(1.0) => Ok(true),
            _ => Err(self.unexpected(column, "a label: 0 or 1")),
        }
    }

    fn probability(&self, column: Column) -> Result<f64, PredictionsError> {
        const EXPECTED: &str = "a probability: a number from 0 to 1";
        let probability = self.parse(column, EXPECTED)?;
        if (0.0..=1.0).contains(&probability) { Ok(probability) } else { Err(self.unexpected(column, EXPECTED)) }
    }

    /// The line of the current row. The reader places a row that follows blank lines at the first of them, so they are
    /// looked for in the file; where that fails, the reader's answer is good enough for an error message.
    fn line(&self) -> u64 {
        let Some(start) = self.row.position() else { return 0 };
        let blank_lines = || -> io::Result<u64> {
            let mut file = io::BufReader::new(File::open(self.path)?);
            file.seek(SeekFrom::Start(start.byte()))?;
            let mut lines = 0;
            for byte in file.bytes() {
                match byte? {
                    b'\n' => lines += 1,
                    b'\r' => {}
                    _ => break,
                }
            }
            Ok(lines)
        };
        start.line() + blank_lines().unwrap_or(0)
    }

    fn unexpected(&self, column: Column, expected: &'static str) -> PredictionsError {
        PredictionsError::Value {
            path: self.path.to_owned(),
            line: self.line(),
            column: column.0,
            // A cell of a file that is no predictions file may be a whole book.
            found: self.cell(column).chars().take(60).collect(),
            expected,
        }
    }
}

fn csv_error(path: &Path, failure: csv::Error) -> PredictionsError {
    let line = failure.position().map(csv::Position::line);
    let place = line.map_or_else(String::new, |line| format!("line {line}: "));
    let reason = match failure.into_kind() {
        csv::ErrorKind::Io(source) => return PredictionsError::File { path: path.to_owned(), source },
        csv::ErrorKind::Utf8 { .. } => format!("{place}the text is not UTF-8"),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{place}{len} cells where the header line has {expected_len}")
        }
        other => format!("{place}{other:?}"),
    };
    PredictionsError::Malformed { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<(Vec<bool>, Vec<f64>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        std::fs::write(&path, content).unwrap();
        read_predictions(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "p.csv"))
    }

    #[test]
    fn numbers_read_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let logits = [[0.1_f32, -3.333_333_3], [f32::MIN_POSITIVE, 88.0], [1e-8, 1.0e20]];
        let predictions: Vec<Prediction> = logits
            .iter()
            .enumerate()
            .map(|(row, &[logit_0, logit_1])| Prediction {
                row,
                original_paper_id: "a, \"b\"\nc".to_owned(),
                ref_paper_id: "é".to_owned(),
                label: u8::from(row == 1),
                logit_0,
                logit_1,
                probability: probability_of([logit_0, logit_1]),
            })
            .collect();
        write_predictions(&path, &predictions).unwrap();
        assert_eq!(read_prediction_rows(&path).unwrap(), predictions);
        let (labels, probabilities) = read_predictions(&path).unwrap();
        assert_eq!(labels, [false, true, false]);
        assert_eq!(probabilities, predictions.iter().map(|row| row.probability).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_without_rows_still_has_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        write_predictions(&path, &[]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "row,original_paper_id,ref_paper_id,label,logit_0,logit_1,probability\n"
        );
        assert!(read_prediction_rows(&path).unwrap().is_empty());
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let content = "\u{feff}probability, x ,label\r\n0.25,?,1\r\n1,,0.0\r\n";
        assert_eq!(read(content), Ok((vec![true, false], vec![0.25, 1.0])));
    }

    #[test]
    fn errors_name_line_and_column() {
        for (content, error) in [
            ("label,probability\n1,0.5\n2,0.5\n", "p.csv, line 3, column label: \"2\" is not a label: 0 or 1"),
            (
                "label,probability\n1,0.5\n\n0,1.5\n",
                "p.csv, line 4, column probability: \"1.5\" is not a probability: a number from 0 to 1",
            ),
            (
                "label,probability\n1,NaN\n",
                "p.csv, line 2, column probability: \"NaN\" is not a probability: a number from 0 to 1",
            ),
            ("label,probability\n,0.5\n", "p.csv, line 2, column label: \"\" is not a label: 0 or 1"),
            ("label,probability\n1,0.5,3\n", "p.csv: line 2: 3 cells where the header line has 2"),
            (
                "label,p\n1,0.5\n",
                "p.csv has no column named probability but label, p: a predictions file has a header line with at least label and probability",
            ),
            (
                "",
                "p.csv has no column named label but nothing: a predictions file has a header line with at least label and probability",
            ),
            ("label,probability\n", "p.csv has no predictions: there is no row after the header line"),
        ] {
            assert_eq!(read(content), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_softmax_neither_overflows_nor_loses_small_numbers() {
        assert_eq!(probability_of([0.0, 0.0]), 0.5);
        assert_eq!(probability_of([-1e30, 1e30]), 1.0);
        assert_eq!(probability_of([1e30, -1e30]), 0.0);
        assert!((probability_of([1.0, 2.0]) - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert!(probability_of([0.0, -100.0]) > 0.0);
        assert!(probability_of([f32::NAN, 0.0]).is_nan());
    }
}
