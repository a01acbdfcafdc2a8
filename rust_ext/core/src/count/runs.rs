//! Sorted runs on disk, in files without a name: nothing is left behind, however the process ends.
//!
//! A run holds its ranges one after another; an entry is varint length, bytes, varint count, varint first.

use super::merge::{Cursor, Range, Sorted, merge};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

const BUFFER_BYTES: usize = 64 << 10;
/// Ranges of a merge: enough to keep the threads even.
const RANGES: usize = 32;

/// Where and how runs are written. All runs of one count share the same cuts.
pub struct Spill {
    folder: PathBuf,
    cuts: OnceLock<Vec<u128>>,
}

impl Spill {
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder: folder.unwrap_or_else(std::env::temp_dir), cuts: OnceLock::new() }
    }

    /// The ranges of the merge; `sample` sets them when nobody has yet. They steer the work, not the result.
    pub fn ranges(&self, sample: &Sorted) -> Vec<Range> {
        Range::between(self.cuts.get_or_init(|| sample.cuts(RANGES)))
    }

    /// Writes sorted tables as a run.
    pub fn write(&self, sorted: &Sorted) -> Result<Run> {
        self.write_ranges(self.ranges(sorted).into_iter().map(|range| sorted.cursors(range)), || Ok(()))
    }

    /// Writes the merge of several runs as one; `poll` is called every now and then and may end it.
    pub fn write_merged(&self, runs: &[Run], poll: impl FnMut() -> Result<()>) -> Result<Run> {
        let n = runs.first().map_or(0, |run| run.ends.len());
        self.write_ranges((0..n).map(|range| runs.iter().map(move |run| Cursor::of_run(run, range))), poll)
    }

    fn write_ranges<'a, C: IntoIterator<Item = Cursor<'a>>>(
        &self,
        ranges: impl Iterator<Item = C>,
        mut poll: impl FnMut() -> Result<()>,
    ) -> Result<Run> {
        let file = tempfile::tempfile_in(&self.folder).map_err(|error| self.failed(&error))?;
        let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut ends = Vec::new();
        let (mut written, mut n) = (0u64, 0u64);
        for cursors in ranges {
            merge(cursors, |bytes, count, first| {
                n += 1;
                if n & 0xffff == 0 {
                    poll()?;
                }
                let mut head = Vec::with_capacity(30);
                put_varint(&mut head, bytes.len() as u64);
                let mut tail = Vec::with_capacity(20);
                put_varint(&mut tail, count);
                put_varint(&mut tail, first);
                for part in [&head[..], bytes, &tail[..]] {
                    writer.write_all(part).map_err(|error| self.failed(&error))?;
                    written += part.len() as u64;
                }
                Ok(())
            })?;
            ends.push(written);
        }
        let file = writer.into_inner().map_err(|error| self.failed(error.error()))?;
        Ok(Run { file, ends })
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::Resource(format!("{}: cannot write a temporary file for counting: {error}", self.folder.display()))
    }
}

/// A sorted run; range `i` ends at byte `ends[i]`.
pub struct Run {
    file: File,
    ends: Vec<u64>,
}

impl Run {
    /// A reader of one range, independent of all others.
    pub fn reader(&self, range: usize) -> RunReader<'_> {
        let at = range.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(range).copied().unwrap_or(at);
        RunReader { file: &self.file, at, end, buffer: Vec::new(), used: 0, bytes: Vec::new() }
    }
}

/// Reads the entries of one range in order.
pub struct RunReader<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
    bytes: Vec<u8>,
}

impl RunReader<'_> {
    /// The bytes of the current entry.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Goes to the next entry and gives its count and first position; None at the end of the range.
    pub fn advance(&mut self) -> Result<Option<(u64, u64)>> {
        if self.used == self.buffer.len() && self.at == self.end {
            return Ok(None);
        }
        let mut left = self.varint()? as usize;
        self.bytes.clear();
        while left > 0 {
            self.fill()?;
            let n = left.min(self.buffer.len() - self.used);
            self.bytes.extend_from_slice(&self.buffer[self.used..self.used + n]);
            self.used += n;
            left -= n;
        }
        Ok(Some((self.varint()?, self.varint()?)))
    }

    /// Makes sure that at least one byte is buffered.
    fn fill(&mut self) -> Result<()> {
        if self.used < self.buffer.len() {
            return Ok(());
        }
        let n = (self.end - self.at).min(BUFFER_BYTES as u64) as usize;
        if n == 0 {
            return Err(Error::Internal("a spilled run ends within an entry".into()));
        }
        self.buffer.resize(n, 0);
        read_exact_at(self.file, &mut self.buffer, self.at)
            .map_err(|error| Error::Resource(format!("cannot read back a temporary file for counting: {error}")))?;
        self.at += n as u64;
        self.used = 0;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            self.fill()?;
            let byte = self.buffer[self.used];
            self.used += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }
}

fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, at)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}
