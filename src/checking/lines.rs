//! The lines of a JSON-lines file, one by one in bounded memory; gzip is unpacked.

use crate::dataset::is_empty_text;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No line of text is longer; one that is would fill the memory.
const LONGEST_LINE: u64 = 64 << 20;

/// Reads lines that are not blank, with their numbers.
pub(super) struct Lines {
    input: Box<dyn BufRead>,
    number: usize,
    read: Arc<AtomicU64>,
    size: u64,
}

/// Why there is no next line.
#[derive(Debug)]
pub(super) enum LineFailure {
    Read(io::Error),
    /// The line with this number cannot be used, and why.
    Line(usize, &'static str),
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut start = Vec::new();
        file.by_ref().take(2).read_to_end(&mut start)?;
        let packed = start == [0x1f, 0x8b];
        let read = Arc::new(AtomicU64::new(0));
        // What is no file on disk, such as a pipe, cannot go back: the bytes looked at are put in front again.
        let rest: Box<dyn Read> = match file.seek(SeekFrom::Start(0)) {
            Ok(_) => Box::new(file),
            Err(_) => Box::new(io::Cursor::new(start).chain(file)),
        };
        let counted = BufReader::new(Counted { input: rest, read: Arc::clone(&read) });
        let input: Box<dyn BufRead> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(counted))) } else { Box::new(counted) };
        Ok(Self { input, number: 0, read, size })
    }

    /// The next line that is not blank, with its number from 1, without its line end.
    pub(super) fn next_line(&mut self) -> Result<Option<(usize, String)>, LineFailure> {
        loop {
            let mut bytes = Vec::new();
            let length =
                self.input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes).map_err(LineFailure::Read)?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            if length as u64 > LONGEST_LINE {
                return Err(LineFailure::Line(self.number, "the line is longer than 64 MB"));
            }
            let Ok(mut line) = String::from_utf8(bytes) else {
                return Err(LineFailure::Line(self.number, "the text is not UTF-8"));
            };
            if self.number == 1 && line.starts_with('\u{feff}') {
                line.remove(0);
            }
            if !is_empty_text(&line) {
                line.truncate(line.trim_end_matches(['\r', '\n']).len());
                return Ok(Some((self.number, line)));
            }
        }
    }

    /// Bytes of the file read so far, and its size.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.size)
    }
}

/// Counts what is read from the file itself, packed or not.
struct Counted {
    input: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines_of(bytes: &[u8]) -> Vec<(usize, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push(line);
        }
        assert_eq!(lines.progress(), (bytes.len() as u64, bytes.len() as u64));
        all
    }

    #[test]
    fn blank_lines_count_and_are_left_out() {
        let plain = "\u{feff}a\r\n\r\n \t\nb\n\nc".as_bytes();
        let expected = [(1, "a".to_owned()), (4, "b".to_owned()), (6, "c".to_owned())];
        assert_eq!(lines_of(plain), expected);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(plain).unwrap();
        assert_eq!(lines_of(&packed.finish().unwrap()), expected);
        assert_eq!(lines_of(b""), []);
    }

    #[test]
    fn a_line_that_is_no_text_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, b"a\n\xff\n").unwrap();
        let mut lines = Lines::open(&path).unwrap();
        assert!(lines.next_line().unwrap().is_some());
        assert!(matches!(lines.next_line(), Err(LineFailure::Line(2, _))));
    }
}
