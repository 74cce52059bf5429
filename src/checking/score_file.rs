//! Scoring a file of pairs, line by line, into a file of the same lines with answers.

use super::lines::{LineFailure, Lines};
use super::pair_line::PairLine;
use super::{CheckError, Scorer, Verdict};
use crate::dataset::{is_empty_text, reference_block};
use crate::files::write_atomically;
use crate::progress::{Progress, Unwatched};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Lines held in memory at a time at most, and bytes of them: enough to batch by length.
const LINES_AT_A_TIME: usize = 1024;
const BYTES_AT_A_TIME: usize = 32 << 20;

/// Why a file could not be scored. The output file is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum ScoreFileError {
    #[error("cannot use {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path}, line {line}: {reason}; nothing was written")]
    Line { path: PathBuf, line: usize, reason: String },
    #[error("{path} has no line to score: expected one JSON object a line with sentence and ref_paper_text")]
    Empty { path: PathBuf },
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// What a scored file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScoredFile {
    pub rows: usize,
    /// Rows called a citation.
    pub citations: usize,
    /// Rows whose sentence or reference did not fit the model's input.
    pub truncated: usize,
}

/// Copies each line of `input` in order to `output`, adding `probability` and `predicted` (0 or 1 at the scorer's
/// threshold). Everything else on a line stays to the letter, a bare `NaN` too; earlier answers are replaced; blank
/// lines are left out. The sentence must be there; an empty reference is scored as such. Progress in bytes read.
///
/// # Errors
/// See [`ScoreFileError`]; the first line that cannot be scored ends it.
pub fn score_file(
    input: &Path,
    scorer: &Scorer,
    output: &Path,
    progress: &dyn Progress,
) -> Result<ScoredFile, ScoreFileError> {
    let unreadable = |source| ScoreFileError::File { path: input.to_owned(), source };
    let mut lines = Lines::open(input).map_err(unreadable)?;
    // The writer speaks of files only; what went wrong with a line is kept beside it.
    let mut failure = None;
    let mut scored = ScoredFile::default();
    let written = write_atomically(output, |file| {
        let result = score_lines(input, &mut lines, scorer, file, progress);
        result.map(|done| scored = done).map_err(|cause| match cause {
            ScoreLinesError::Output(source) => source,
            ScoreLinesError::Other(cause) => {
                failure = Some(cause);
                io::Error::other("not scored")
            }
        })
    });
    match (failure, written) {
        (Some(failure), _) => Err(failure),
        (None, Err(source)) => Err(ScoreFileError::File { path: output.to_owned(), source }),
        (None, Ok(())) => Ok(scored),
    }
}

enum ScoreLinesError {
    Output(io::Error),
    Other(ScoreFileError),
}

impl<T: Into<ScoreFileError>> From<T> for ScoreLinesError {
    fn from(cause: T) -> Self {
        Self::Other(cause.into())
    }
}

fn score_lines(
    path: &Path,
    lines: &mut Lines,
    scorer: &Scorer,
    output: &mut impl Write,
    progress: &dyn Progress,
) -> Result<ScoredFile, ScoreLinesError> {
    let mut done = ScoredFile::default();
    loop {
        let chunk = next_chunk(path, lines)?;
        if chunk.is_empty() {
            break;
        }
        let mut parsed = Vec::with_capacity(chunk.len());
        let mut pairs = Vec::with_capacity(chunk.len());
        for (line, source) in &chunk {
            let wrong = |reason| ScoreFileError::Line { path: path.to_owned(), line: *line, reason };
            let pair = PairLine::read(source).map_err(wrong)?;
            let sentence = pair.sentence.clone().unwrap_or_default();
            if is_empty_text(&sentence) {
                return Err(wrong("there is no sentence".to_owned()).into());
            }
            pairs.push((sentence, reference_block(pair.reference().parts())));
            parsed.push(pair);
        }
        let scored = scorer.score(&pairs, &Cancelling(progress)).map_err(|failure| match failure {
            CheckError::NotANumber { number } => ScoreFileError::Line {
                path: path.to_owned(),
                line: chunk[number - 1].0,
                reason: CheckError::NotANumber { number }.to_string(),
            },
            other => other.into(),
        })?;
        for (pair, scored) in parsed.iter().zip(scored) {
            let citation = Verdict::of(scored.probability, scorer.threshold()) == Verdict::Citation;
            writeln!(output, "{}", pair.answered(scored.probability, citation)).map_err(ScoreLinesError::Output)?;
            done.rows += 1;
            done.citations += usize::from(citation);
            done.truncated += usize::from(scored.sentence_cut || scored.reference_tokens_cut > 0);
        }
        let (read, size) = lines.progress();
        progress.report(read.min(size), size);
    }
    if done.rows == 0 { Err(ScoreFileError::Empty { path: path.to_owned() }.into()) } else { Ok(done) }
}

fn next_chunk(path: &Path, lines: &mut Lines) -> Result<Vec<(usize, String)>, ScoreFileError> {
    let mut chunk = Vec::new();
    let mut bytes = 0;
    while chunk.len() < LINES_AT_A_TIME && bytes < BYTES_AT_A_TIME {
        match lines.next_line() {
            Ok(None) => break,
            Ok(Some((number, line))) => {
                bytes += line.len();
                chunk.push((number, line));
            }
            Err(LineFailure::Read(source)) => return Err(ScoreFileError::File { path: path.to_owned(), source }),
            Err(LineFailure::Line(line, reason)) => {
                return Err(ScoreFileError::Line { path: path.to_owned(), line, reason: reason.to_owned() });
            }
        }
    }
    Ok(chunk)
}

/// Passes cancelling on but not progress, which is counted in bytes here.
struct Cancelling<'a>(&'a dyn Progress);

impl Progress for Cancelling<'_> {
    fn report(&self, done: u64, total: u64) {
        Unwatched.report(done, total);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
