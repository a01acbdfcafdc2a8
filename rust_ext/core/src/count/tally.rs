//! The tables of one worker: counts pretokens in memory, writes sorted runs when they outgrow their share.

use super::front::Front;
use super::long::LongTable;
use super::merge::Sorted;
use super::runs::{Run, Spill};
use super::short::{SHORT_BYTES, ShortSlot, ShortTable, key_of};
use super::{LONG_PRETOKEN_BYTES, add, hash};
use crate::error::Result;
use std::sync::Arc;

/// Keys looked up together, so that their cache lines are fetched while others are worked on.
const PENDING: usize = 128;
const SHORT_CAPACITY: usize = 1 << 16;
const LONG_CAPACITY: usize = 1 << 12;
/// 256 KiB, a part of what a core caches for itself.
const FRONT_CAPACITY: usize = 1 << 13;

#[derive(Clone, Copy)]
struct Pending {
    key: u128,
    hash: u64,
    position: u64,
}

/// See the module.
pub struct Tally {
    front: Front,
    short: ShortTable,
    long: LongTable,
    /// Pretokens on their way to the front.
    pending: Vec<Pending>,
    /// Entries on their way from the front to the table.
    evicted: Vec<ShortSlot>,
    /// How much each pretoken counts now.
    weight: u64,
    share_bytes: u64,
    spill: Arc<Spill>,
    runs: Vec<Run>,
    pub pretokens: u64,
    pub longest: usize,
    pub long_pretokens: u64,
}

impl Tally {
    /// Tables that spill when they outgrow `share_bytes`.
    pub fn new(share_bytes: u64, spill: Arc<Spill>) -> Result<Self> {
        let room = (share_bytes / 4) as usize;
        Ok(Self {
            front: Front::with_capacity((room / 32).clamp(16, FRONT_CAPACITY))?,
            short: ShortTable::with_capacity((room / 32).clamp(32, SHORT_CAPACITY))?,
            long: LongTable::with_capacity((room / 64).clamp(16, LONG_CAPACITY))?,
            pending: Vec::with_capacity(PENDING),
            evicted: Vec::with_capacity(PENDING),
            weight: 1,
            share_bytes,
            spill,
            runs: Vec::new(),
            pretokens: 0,
            longest: 0,
            long_pretokens: 0,
        })
    }

    /// Sets how much each pretoken counts from now on.
    pub fn set_weight(&mut self, weight: u64) -> Result<()> {
        if weight != self.weight {
            self.flush()?;
            self.weight = weight;
        }
        Ok(())
    }

    /// Notes that `n` pretokens were counted at the present weight.
    pub fn add_pretokens(&mut self, n: u64) -> Result<()> {
        let Some(weighted) = n.checked_mul(self.weight) else { return add(u64::MAX, n).map(drop) };
        self.pretokens = add(self.pretokens, weighted)?;
        Ok(())
    }

    /// Counts `text[start..end]`. Reading a little behind `end`, up to the end of `text`, is what makes this fast.
    #[inline(always)]
    pub fn count(&mut self, text: &[u8], start: usize, end: usize, position: u64) -> Result<()> {
        let len = end - start;
        self.longest = self.longest.max(len);
        if len > SHORT_BYTES {
            return self.count_long(&text[start..end], position);
        }
        if len > 0 {
            let key = key_of(text, start, end);
            let hash = hash::of_key(key);
            self.front.prefetch(hash);
            self.pending.push(Pending { key, hash, position });
            if self.pending.len() == PENDING {
                return self.flush();
            }
        }
        Ok(())
    }

    /// Counts what waits. Two passes, so that nothing waits for memory: the first works in the front and asks for
    /// the slots that the second will need.
    #[inline(never)]
    fn flush(&mut self) -> Result<()> {
        for Pending { key, hash, position } in self.pending.drain(..) {
            if let Some(evicted) = self.front.add(key, hash, self.weight, position)? {
                self.short.prefetch(hash::of_key(evicted.key));
                self.evicted.push(evicted);
            }
        }
        self.add_evicted()
    }

    fn add_evicted(&mut self) -> Result<()> {
        for i in 0..self.evicted.len() {
            if self.short.is_full() {
                self.make_room_for_short()?;
            }
            let ShortSlot { key, count, first } = self.evicted[i];
            self.short.add(key, hash::of_key(key), count, first)?;
        }
        self.evicted.clear();
        Ok(())
    }

    #[cold]
    fn make_room_for_short(&mut self) -> Result<()> {
        if self.short.memory_bytes() * 3 + self.long.memory_bytes() <= self.share_bytes {
            return self.short.grow();
        }
        self.spill()
    }

    #[inline(never)]
    fn count_long(&mut self, bytes: &[u8], position: u64) -> Result<()> {
        if bytes.len() > LONG_PRETOKEN_BYTES {
            self.long_pretokens = add(self.long_pretokens, self.weight)?;
        }
        let needed = self.long.memory_bytes_with(bytes.len()) + self.short.memory_bytes();
        if needed > self.share_bytes && !self.long.is_empty() {
            self.spill()?;
        }
        self.long.add(bytes, self.weight, position)
    }

    /// Writes both tables as one sorted run and empties them. What waits or lies in the front stays there.
    fn spill(&mut self) -> Result<()> {
        let capacity = (self.short.memory_bytes() / 32) as usize;
        let long_capacity = self.share_bytes as usize / 256;
        let short = std::mem::replace(&mut self.short, ShortTable::with_capacity(0)?);
        let long = std::mem::replace(&mut self.long, LongTable::with_capacity(long_capacity.clamp(16, LONG_CAPACITY))?);
        if short.is_empty() && long.is_empty() {
            self.short = ShortTable::with_capacity(capacity.max(32))?;
            return Ok(());
        }
        let sorted = Sorted::new(short, long);
        self.runs.push(self.spill.write(&sorted)?);
        self.short = ShortTable::reuse(sorted.into_short_slots());
        Ok(())
    }

    /// What is in memory, sorted, and the runs on disk.
    pub fn finish(mut self) -> Result<(Sorted, Vec<Run>)> {
        self.flush()?;
        self.evicted = self.front.drain();
        self.add_evicted()?;
        Ok((Sorted::new(self.short, self.long), self.runs))
    }
}
