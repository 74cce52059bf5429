//! A file cut into blocks of whole lines, which are worked on in parallel while the next ones are read.
//!
//! Blocks are read rather than mapped: a mapped file that somebody shortens meanwhile ends the process, pages that
//! have been read stay in memory, and a compressed file cannot be mapped at all. Buffers go round in a pool, so that a
//! file of any size passes through a few of them.

use crate::progress::Progress;
use flate2::read::MultiGzDecoder;
use rayon::iter::{ParallelBridge, ParallelIterator};
use sha2::{Digest, Sha256};
use std::io::{self, BufReader, Read};
use std::sync::Mutex;

/// How much is read at a time, and how long a line may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) block: usize,
    pub(super) line: usize,
}

/// Blocks that fit the processor's cache; lines that are no dataset's any more.
pub(super) const SIZES: Sizes = Sizes { block: 1 << 20, line: 64 << 20 };

/// Whole lines of the file.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The number of the first line, from 1.
    pub(super) first_line: usize,
    /// The lines with their line ends, the last perhaps without.
    bytes: Vec<u8>,
    /// Whether the block stands for one line that is too long to be read.
    pub(super) too_long: bool,
}

impl Block {
    /// The lines with their numbers, without line feeds.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut rest = self.bytes.as_slice();
        (self.first_line..).map_while(move |number| {
            if rest.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = &rest[(end + 1).min(rest.len())..];
            Some((number, line))
        })
    }
}

/// Why the blocks ended early.
#[derive(Debug)]
pub(super) enum Interruption {
    Failed(io::Error),
    Cancelled,
}

/// Applies `work` to every block of `input` in parallel and returns the results in file order, and the SHA-256 of the
/// input's bytes if `hashed`. `size` is the input's length in bytes, as far as known, for `progress`. Gzip is unpacked.
pub(super) fn work_in_blocks<T: Send>(
    input: impl Read + Send,
    size: u64,
    hashed: bool,
    sizes: Sizes,
    progress: &dyn Progress,
    work: impl Fn(&Block) -> T + Sync,
) -> Result<(Vec<T>, Option<String>), Interruption> {
    let raw = RawInput { input, read: 0, sha256: hashed.then(Sha256::new) };
    let pool = Mutex::new(Vec::new());
    let mut blocks = Blocks {
        input: Input::open(raw).map_err(Interruption::Failed)?,
        size,
        sizes,
        progress,
        pool: &pool,
        carried: Vec::new(),
        next_line: 1,
        skipping: false,
        ended: false,
        interruption: None,
    };
    let mut results: Vec<(usize, T)> = (&mut blocks)
        .enumerate()
        .par_bridge()
        .map(|(index, block)| {
            let result = work(&block);
            if let Ok(mut pool) = pool.lock() {
                pool.push(block.bytes);
            }
            (index, result)
        })
        .collect();
    if let Some(interruption) = blocks.interruption {
        return Err(interruption);
    }
    results.sort_unstable_by_key(|&(index, _)| index);
    let sha256 = blocks.input.into_raw().sha256.map(|hasher| {
        hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            use std::fmt::Write;
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    });
    Ok((results.into_iter().map(|(_, result)| result).collect(), sha256))
}

/// The bytes as stored, counted and hashed on their way.
#[derive(Debug)]
struct RawInput<R> {
    input: R,
    read: u64,
    sha256: Option<Sha256>,
}

impl<R: Read> Read for RawInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.read += length as u64;
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(&buffer[..length]);
        }
        Ok(length)
    }
}

/// The bytes as text, unpacked where they are packed.
enum Input<R: Read> {
    Plain { start: io::Cursor<Vec<u8>>, raw: RawInput<R> },
    Gzip(Box<MultiGzDecoder<BufReader<Rewound<R>>>>),
}

/// The bytes looked at, and those after them.
type Rewound<R> = io::Chain<io::Cursor<Vec<u8>>, RawInput<R>>;

impl<R: Read> Input<R> {
    /// Looks at the first two bytes, not at the file's name.
    fn open(mut raw: RawInput<R>) -> io::Result<Self> {
        let mut start = Vec::new();
        (&mut raw).take(2).read_to_end(&mut start)?;
        let packed = start == [0x1f, 0x8b];
        let start = io::Cursor::new(start);
        Ok(if packed {
            Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(start.chain(raw)))))
        } else {
            Self::Plain { start, raw }
        })
    }

    fn raw(&self) -> &RawInput<R> {
        match self {
            Self::Plain { raw, .. } => raw,
            Self::Gzip(decoder) => decoder.get_ref().get_ref().get_ref().1,
        }
    }

    fn into_raw(self) -> RawInput<R> {
        match self {
            Self::Plain { raw, .. } => raw,
            Self::Gzip(decoder) => decoder.into_inner().into_inner().into_inner().1,
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain { start, raw } => match start.read(buffer)? {
                0 => raw.read(buffer),
                length => Ok(length),
            },
            Self::Gzip(decoder) => decoder.read(buffer),
        }
    }
}

struct Blocks<'a, R: Read> {
    input: Input<R>,
    size: u64,
    sizes: Sizes,
    progress: &'a dyn Progress,
    /// Buffers of blocks that have been worked on.
    pool: &'a Mutex<Vec<Vec<u8>>>,
    /// The start of a line whose end has not been read yet.
    carried: Vec<u8>,
    next_line: usize,
    /// Whether what comes next is still a part of a line that is too long.
    skipping: bool,
    ended: bool,
    interruption: Option<Interruption>,
}

impl<R: Read> Iterator for Blocks<'_, R> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        if self.ended {
            return None;
        }
        let block = if self.progress.cancelled() { Err(Interruption::Cancelled) } else { self.read_block() };
        match block {
            Ok(block) => {
                self.progress.report(self.input.raw().read, self.size);
                self.ended |= block.is_none();
                block
            }
            Err(interruption) => {
                self.interruption = Some(interruption);
                self.ended = true;
                None
            }
        }
    }
}

impl<R: Read> Blocks<'_, R> {
    fn read_block(&mut self) -> Result<Option<Block>, Interruption> {
        let mut bytes = self.pool.lock().ok().and_then(|mut pool| pool.pop()).unwrap_or_default();
        bytes.clear();
        bytes.append(&mut self.carried);
        loop {
            let complete = fill(&mut self.input, &mut bytes, self.sizes.block).map_err(Interruption::Failed)?;
            self.ended = !complete;
            if self.skipping {
                // Nothing of the line is kept but what comes after it.
                let line_end = memchr::memchr(b'\n', &bytes);
                bytes.drain(..line_end.map_or(bytes.len(), |end| end + 1));
                self.skipping = line_end.is_none();
                if self.skipping && complete {
                    if self.progress.cancelled() {
                        return Err(Interruption::Cancelled);
                    }
                    self.progress.report(self.input.raw().read, self.size);
                    continue;
                }
            }
            if self.ended {
                return Ok(self.whole_lines(bytes));
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes).map(|last| last + 1) {
                self.carried.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return Ok(self.whole_lines(bytes));
            }
            // All of it is one unfinished line.
            if bytes.len() > self.sizes.line {
                self.skipping = true;
                let first_line = self.next_line;
                self.next_line += 1;
                return Ok(Some(Block { first_line, bytes: Vec::new(), too_long: true }));
            }
        }
    }

    fn whole_lines(&mut self, bytes: Vec<u8>) -> Option<Block> {
        if bytes.is_empty() {
            return None;
        }
        let first_line = self.next_line;
        self.next_line += memchr::memchr_iter(b'\n', &bytes).count();
        Some(Block { first_line, bytes, too_long: false })
    }
}

/// Appends up to `length` bytes; false where the input ended before.
fn fill(input: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> io::Result<bool> {
    let mut filled = bytes.len();
    let full = filled + length;
    bytes.resize(full, 0);
    while filled < full {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(failure) if failure.kind() == io::ErrorKind::Interrupted => {}
            Err(failure) => return Err(failure),
        }
    }
    bytes.truncate(filled);
    Ok(filled == full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;

    /// The lines of `bytes` with their numbers, through blocks of these sizes.
    fn lines(bytes: &[u8], block: usize, line: usize) -> Vec<(usize, Option<Vec<u8>>)> {
        let (blocks, _) = work_in_blocks(bytes, 0, false, Sizes { block, line }, &Unwatched, |block| {
            let mut lines: Vec<_> = block.lines().map(|(number, line)| (number, Some(line.to_vec()))).collect();
            lines.extend(block.too_long.then_some((block.first_line, None)));
            lines
        })
        .unwrap();
        blocks.concat()
    }

    #[test]
    fn blocks_cut_between_lines_only() {
        for text in
            ["", "\n", "a", "a\n", "\n\na\r\n\nlonger line\nb", "one\ntwo\nthree\nfour and five\n\n\n", "no line end"]
        {
            let mut expected: Vec<&str> = text.split('\n').collect();
            if expected.last() == Some(&"") {
                expected.pop();
            }
            let expected: Vec<_> =
                expected.iter().enumerate().map(|(place, line)| (place + 1, Some(line.as_bytes().to_vec()))).collect();
            for block in 1..40 {
                assert_eq!(lines(text.as_bytes(), block, 1000), expected, "{text:?} in blocks of {block}");
            }
        }
    }

    #[test]
    fn a_line_too_long_is_skipped_and_counted() {
        let text = format!("short\n{}\nlast\n{}", "x".repeat(100), "y".repeat(100));
        let [short, last] = [&b"short"[..], b"last"].map(|line| Some(line.to_vec()));
        for block in 1..30 {
            let expected = [(1, short.clone()), (2, None), (3, last.clone()), (4, None)];
            assert_eq!(lines(text.as_bytes(), block, 20), expected, "blocks of {block}");
        }
    }

    #[test]
    fn a_failing_input_is_an_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let failed = work_in_blocks((&b"line\n"[..]).chain(Failing), 0, true, SIZES, &Unwatched, |_| ());
        assert!(matches!(failed, Err(Interruption::Failed(_))));
    }
}
