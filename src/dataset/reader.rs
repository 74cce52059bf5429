//! Reading a dataset from JSON lines.

use super::Record;
use super::blocks::{Block, Interruption, SIZES, work_in_blocks};
use super::line::{Line, Row, read_line};
use crate::progress::Progress;
use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file with more unusable lines than this is no dataset; it is not read on.
const MAX_REJECTED: usize = 1_000_000;

/// A line that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RejectedLine {
    /// From 1, blank lines counted.
    pub line: usize,
    /// One sentence without a full stop.
    pub reason: Cow<'static, str>,
}

/// A dataset in memory.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Where it was read from.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The usable lines in file order.
    pub records: Vec<Record>,
    /// The others.
    pub rejected: Vec<RejectedLine>,
    /// False where no line of the file has a label: such a dataset can be reported and scored, not trained on.
    pub labelled: bool,
}

/// Why a dataset could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    /// No line was usable.
    #[error(
        "{path} has no usable line: expected one JSON object a line with original_paper_id, sentence, ref_paper_text and label; {found}"
    )]
    NoUsableLine { path: PathBuf, found: String },
    /// So many lines were unusable that the file is something else.
    #[error(
        "more than 1,000,000 lines of {path} cannot be used: expected one JSON object a line with original_paper_id, sentence, ref_paper_text and label"
    )]
    MostlyUnusable { path: PathBuf },
    /// The caller cancelled.
    #[error("reading {path} was cancelled")]
    Cancelled { path: PathBuf },
}

impl Dataset {
    /// Reads the file, gzip-packed or plain (progress in bytes of the file).
    ///
    /// # Errors
    /// See [`DatasetError`]; lines that cannot be used are no error but [`rejected`](Dataset::rejected).
    pub fn read(path: &Path, progress: &dyn Progress) -> Result<Self, DatasetError> {
        let folded = fold_file(path, true, progress, Vec::new, keep_record, append)?;
        Ok(Self::of(path, folded))
    }

    /// Reads a dataset that is already in memory; `origin` takes the place of its path.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn from_bytes(origin: &Path, bytes: &[u8]) -> Result<Self, DatasetError> {
        let unwatched = &crate::progress::Unwatched;
        let folded = fold(origin, bytes, bytes.len() as u64, true, unwatched, Vec::new, keep_record, append)?;
        Ok(Self::of(origin, folded))
    }

    fn of(path: &Path, folded: Folded<Vec<Record>>) -> Self {
        Self {
            path: path.to_owned(),
            sha256: folded.sha256.unwrap_or_default(),
            records: folded.rows,
            rejected: folded.rejected,
            labelled: folded.labelled,
        }
    }
}

fn keep_record(records: &mut Vec<Record>, row: Row<'_>) {
    records.push(row.into_record());
}

fn append(records: &mut Vec<Record>, mut later: Vec<Record>) {
    records.append(&mut later);
}

/// A whole file folded into one value.
#[derive(Debug)]
pub(super) struct Folded<T> {
    pub(super) rows: T,
    pub(super) rejected: Vec<RejectedLine>,
    pub(super) labelled: bool,
    pub(super) sha256: Option<String>,
}

/// Opens the file and folds it.
pub(super) fn fold_file<T: Send>(
    path: &Path,
    hashed: bool,
    progress: &dyn Progress,
    start: impl Fn() -> T + Sync,
    add: impl Fn(&mut T, Row<'_>) + Sync,
    append: impl Fn(&mut T, T),
) -> Result<Folded<T>, DatasetError> {
    let read_error = |source| DatasetError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(read_error)?;
    let size = file.metadata().map_err(read_error)?.len();
    fold(path, file, size, hashed, progress, start, add, append)
}

/// Rows of a stretch of the file. Those without a label are kept apart, because only the whole file tells whether they
/// are usable.
struct Stretch<T> {
    labelled: T,
    labelled_rows: usize,
    unlabelled: T,
    unlabelled_lines: Vec<usize>,
    rejected: Vec<RejectedLine>,
}

/// Folds the rows of `input`: within each stretch with `add`, and the stretches, in file order, with `append`.
#[expect(clippy::too_many_arguments, reason = "three of them are the fold itself")]
fn fold<T: Send>(
    path: &Path,
    input: impl Read + Send,
    size: u64,
    hashed: bool,
    progress: &dyn Progress,
    start: impl Fn() -> T + Sync,
    add: impl Fn(&mut T, Row<'_>) + Sync,
    append: impl Fn(&mut T, T),
) -> Result<Folded<T>, DatasetError> {
    let rejected_so_far = AtomicUsize::new(0);
    let too_many = || rejected_so_far.load(Ordering::Relaxed) > MAX_REJECTED;
    let watch = Watch { progress, give_up: &too_many };
    let done = work_in_blocks(input, size, hashed, SIZES, &watch, |block| {
        let stretch = fold_block(block, &start, &add);
        rejected_so_far.fetch_add(stretch.rejected.len(), Ordering::Relaxed);
        stretch
    });
    let path = path.to_owned();
    if too_many() {
        return Err(DatasetError::MostlyUnusable { path });
    }
    let (stretches, sha256) = match done {
        Ok(done) => done,
        Err(Interruption::Failed(source)) => return Err(DatasetError::Read { path, source }),
        Err(Interruption::Cancelled) => return Err(DatasetError::Cancelled { path }),
    };
    let mut whole = Stretch {
        labelled: start(),
        labelled_rows: 0,
        unlabelled: start(),
        unlabelled_lines: Vec::new(),
        rejected: Vec::new(),
    };
    for mut stretch in stretches {
        append(&mut whole.labelled, stretch.labelled);
        append(&mut whole.unlabelled, stretch.unlabelled);
        whole.labelled_rows += stretch.labelled_rows;
        whole.unlabelled_lines.append(&mut stretch.unlabelled_lines);
        whole.rejected.append(&mut stretch.rejected);
    }
    let Stretch { labelled, labelled_rows, unlabelled, unlabelled_lines, mut rejected } = whole;
    if labelled_rows == 0 && unlabelled_lines.is_empty() {
        return Err(DatasetError::NoUsableLine { path, found: what_was_found(&rejected) });
    }
    if labelled_rows == 0 {
        return Ok(Folded { rows: unlabelled, rejected, labelled: false, sha256 });
    }
    let unlabelled = unlabelled_lines.into_iter();
    rejected.extend(unlabelled.map(|line| RejectedLine { line, reason: "label is missing".into() }));
    rejected.sort_by_key(|rejected| rejected.line);
    Ok(Folded { rows: labelled, rejected, labelled: true, sha256 })
}

fn fold_block<T>(block: &Block, start: &impl Fn() -> T, add: &impl Fn(&mut T, Row<'_>)) -> Stretch<T> {
    let mut stretch = Stretch {
        labelled: start(),
        labelled_rows: 0,
        unlabelled: start(),
        unlabelled_lines: Vec::new(),
        rejected: Vec::new(),
    };
    if block.too_long {
        stretch.rejected.push(RejectedLine { line: block.first_line, reason: "longer than 64 MiB".into() });
    }
    for (line, bytes) in block.lines() {
        match read_line(line, bytes) {
            Line::Blank => {}
            Line::Row(row) if row.label.is_some() => {
                stretch.labelled_rows += 1;
                add(&mut stretch.labelled, row);
            }
            Line::Row(row) => {
                stretch.unlabelled_lines.push(line);
                add(&mut stretch.unlabelled, row);
            }
            Line::Rejected(reason) => stretch.rejected.push(RejectedLine { line, reason }),
        }
    }
    stretch
}

/// The rest of the sentence that starts with what was expected.
fn what_was_found(rejected: &[RejectedLine]) -> String {
    match rejected {
        [] => "found an empty file".to_owned(),
        [only] => format!("found one unusable line (line {}): {}", only.line, only.reason),
        [first, ..] => {
            format!("found {} unusable lines, the first (line {}): {}", rejected.len(), first.line, first.reason)
        }
    }
}

/// The caller's progress, cancelled as well where reading on has no sense.
struct Watch<'a, F> {
    progress: &'a dyn Progress,
    give_up: &'a F,
}

impl<F: Fn() -> bool + Sync> Progress for Watch<'_, F> {
    fn report(&self, done: u64, total: u64) {
        self.progress.report(done, total);
    }

    fn cancelled(&self) -> bool {
        self.progress.cancelled() || (self.give_up)()
    }
}
