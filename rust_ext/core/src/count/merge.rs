//! Merges sorted tables and runs into one: each distinct pretoken once, with its exact sum.

use super::add;
use super::long::{LongSlot, LongTable, prefix_of};
use super::runs::{Run, RunReader};
use super::short::{ShortSlot, ShortTable};
use crate::error::Result;
use std::cmp::Ordering;

/// Low byte of a prefix that stands for a pretoken of 16 bytes and more.
const LONG: u8 = 16;

/// The tables of one worker, sorted by bytes.
pub struct Sorted {
    short: Vec<ShortSlot>,
    long: Vec<LongSlot>,
    arena: Vec<u8>,
}

impl Sorted {
    pub fn new(short: ShortTable, long: LongTable) -> Self {
        let (long, arena) = long.into_sorted();
        Self { short: short.into_sorted(), long, arena }
    }

    pub fn into_short_slots(self) -> Vec<ShortSlot> {
        self.short
    }

    /// At most `n - 1` rising prefixes that cut the entries into `n` ranges of about equal size.
    pub fn cuts(&self, n: usize) -> Vec<u128> {
        let mut cuts: Vec<u128> = if self.short.len() >= self.long.len() {
            (1..n).filter_map(|i| self.short.get(i * self.short.len() / n)).map(ShortSlot::prefix).collect()
        } else {
            let slots = (1..n).filter_map(|i| self.long.get(i * self.long.len() / n));
            slots.map(|slot| prefix_of(slot.bytes(&self.arena))).collect()
        };
        cuts.dedup();
        cuts
    }

    /// Cursors over the entries whose prefix lies in `range`.
    pub fn cursors(&self, range: Range) -> [Cursor<'_>; 2] {
        let low = self.short.partition_point(|slot| slot.prefix() < range.low);
        let high = self.short.partition_point(|slot| range.is_below_end(slot.prefix()));
        let long_prefix = |slot: &LongSlot| prefix_of(slot.bytes(&self.arena));
        let long_low = self.long.partition_point(|slot| long_prefix(slot) < range.low);
        let long_high = self.long.partition_point(|slot| range.is_below_end(long_prefix(slot)));
        [
            Cursor::new(Source::Short(self.short[low..high.max(low)].iter())),
            Cursor::new(Source::Long(self.long[long_low..long_high.max(long_low)].iter(), &self.arena)),
        ]
    }
}

/// The prefixes from `low` up to but not including `high` (absent: to the end).
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub low: u128,
    pub high: Option<u128>,
}

impl Range {
    /// The ranges between `cuts`, which rise.
    pub fn between(cuts: &[u128]) -> Vec<Range> {
        let lows = std::iter::once(0).chain(cuts.iter().copied());
        lows.enumerate().map(|(i, low)| Range { low, high: cuts.get(i).copied() }).collect()
    }

    /// Whether `prefix` lies below the end of the range.
    fn is_below_end(&self, prefix: u128) -> bool {
        self.high.is_none_or(|high| prefix < high)
    }
}

enum Source<'a> {
    Short(std::slice::Iter<'a, ShortSlot>),
    Long(std::slice::Iter<'a, LongSlot>, &'a [u8]),
    Run(Box<RunReader<'a>>),
}

/// One sorted source and its current entry.
pub struct Cursor<'a> {
    source: Source<'a>,
    prefix: u128,
    /// The bytes of a long entry that lies in memory; the run reader holds those of a run.
    bytes: &'a [u8],
    count: u64,
    first: u64,
}

impl<'a> Cursor<'a> {
    fn new(source: Source<'a>) -> Self {
        Self { source, prefix: 0, bytes: &[], count: 0, first: 0 }
    }

    /// A cursor over one range of a run.
    pub fn of_run(run: &'a Run, range: usize) -> Self {
        Self::new(Source::Run(Box::new(run.reader(range))))
    }

    /// Goes to the next entry; false at the end.
    fn advance(&mut self) -> Result<bool> {
        match &mut self.source {
            Source::Short(slots) => {
                let Some(slot) = slots.next() else { return Ok(false) };
                (self.prefix, self.count, self.first) = (slot.prefix(), slot.count, slot.first);
            }
            Source::Long(slots, arena) => {
                let Some(slot) = slots.next() else { return Ok(false) };
                self.bytes = slot.bytes(arena);
                (self.prefix, self.count, self.first) = (prefix_of(self.bytes), slot.count, slot.first);
            }
            Source::Run(reader) => {
                let Some((count, first)) = reader.advance()? else { return Ok(false) };
                let bytes = reader.bytes();
                self.prefix = if bytes.len() < usize::from(LONG) { short_prefix(bytes) } else { prefix_of(bytes) };
                (self.count, self.first) = (count, first);
            }
        }
        Ok(true)
    }

    fn long_bytes(&self) -> &[u8] {
        match &self.source {
            Source::Run(reader) => reader.bytes(),
            _ => self.bytes,
        }
    }

    fn compare(&self, other: &Cursor<'_>) -> Ordering {
        let by_prefix = self.prefix.cmp(&other.prefix);
        if by_prefix.is_eq() && self.prefix as u8 == LONG {
            return self.long_bytes().cmp(other.long_bytes());
        }
        by_prefix
    }

    /// Puts the bytes of the current entry into `to`.
    fn copy_to(&self, to: &mut Vec<u8>) {
        to.clear();
        match self.prefix as u8 {
            LONG => to.extend_from_slice(self.long_bytes()),
            len => to.extend_from_slice(&self.prefix.to_be_bytes()[..usize::from(len)]),
        }
    }
}

fn short_prefix(bytes: &[u8]) -> u128 {
    let mut word = [0u8; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    word[15] = bytes.len() as u8;
    u128::from_be_bytes(word)
}

/// Calls `emit(bytes, count, first)` for each distinct pretoken of all cursors, in order; `first` is the least.
pub fn merge<'a>(
    cursors: impl IntoIterator<Item = Cursor<'a>>,
    mut emit: impl FnMut(&[u8], u64, u64) -> Result<()>,
) -> Result<()> {
    let mut heap: Vec<Cursor<'a>> = Vec::new();
    for mut cursor in cursors {
        if cursor.advance()? {
            heap.push(cursor);
        }
    }
    for i in (0..heap.len() / 2).rev() {
        sift_down(&mut heap, i);
    }
    let mut bytes = Vec::new();
    while let Some(top) = heap.first() {
        let (prefix, mut count, mut first) = (top.prefix, 0u64, u64::MAX);
        top.copy_to(&mut bytes);
        while let Some(top) = heap.first_mut() {
            if top.prefix != prefix || (prefix as u8 == LONG && top.long_bytes() != bytes) {
                break;
            }
            count = add(count, top.count)?;
            first = first.min(top.first);
            if !top.advance()? {
                heap.swap_remove(0);
            }
            sift_down(&mut heap, 0);
        }
        emit(&bytes, count, first)?;
    }
    Ok(())
}

fn sift_down(heap: &mut [Cursor<'_>], mut parent: usize) {
    loop {
        let mut least = parent;
        for child in [2 * parent + 1, 2 * parent + 2] {
            if child < heap.len() && heap[child].compare(&heap[least]).is_lt() {
                least = child;
            }
        }
        if least == parent {
            return;
        }
        heap.swap(parent, least);
        parent = least;
    }
}
