//! The count table: distinct pretokens with their counts, sorted by bytes.

use crate::error::{Error, Result};

/// Distinct pretokens (concatenated in `blob`, cut by `offsets`) and how often each occurs.
///
/// `offsets` has one entry more than `counts`; entries are sorted by bytes, so the table of a corpus is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// All pretokens, end to end.
    pub blob: Vec<u8>,
    /// `offsets[i]..offsets[i + 1]` is pretoken `i` in `blob`.
    pub offsets: Vec<u64>,
    /// How often pretoken `i` occurs.
    pub counts: Vec<u64>,
    /// Where pretoken `i` was first seen (a position that grows along the corpus); only when asked for.
    pub first: Option<Vec<u64>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Table {
    /// An empty table.
    pub fn new(track_first: bool) -> Self {
        Self { blob: Vec::new(), offsets: vec![0], counts: Vec::new(), first: track_first.then(Vec::new) }
    }

    /// Number of distinct pretokens.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether the table holds nothing.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The bytes of pretoken `i`.
    pub fn pretoken(&self, i: usize) -> &[u8] {
        &self.blob[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// All pretokens with their counts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.counts.iter().enumerate().map(|(i, count)| (self.pretoken(i), *count))
    }

    /// Appends a pretoken; the caller keeps the order.
    pub(crate) fn push(&mut self, bytes: &[u8], count: u64, first: u64) -> Result<()> {
        grow(&mut self.blob, bytes.len())?;
        grow(&mut self.offsets, 1)?;
        grow(&mut self.counts, 1)?;
        self.blob.extend_from_slice(bytes);
        self.offsets.push(self.blob.len() as u64);
        self.counts.push(count);
        if let Some(positions) = &mut self.first {
            grow(positions, 1)?;
            positions.push(first);
        }
        Ok(())
    }

    /// Lays tables end to end whose pretokens follow one another.
    pub(crate) fn concatenate(tables: Vec<Table>, track_first: bool) -> Result<Table> {
        let mut tables = tables.into_iter();
        let Some(mut whole) = tables.next() else { return Ok(Table::new(track_first)) };
        let rest: Vec<Table> = tables.collect();
        let (bytes, n) = rest.iter().fold((0, 0), |(bytes, n), table| (bytes + table.blob.len(), n + table.len()));
        whole.blob.try_reserve_exact(bytes).map_err(|_| no_memory(bytes))?;
        whole.offsets.try_reserve_exact(n).map_err(|_| no_memory(n * 8))?;
        whole.counts.try_reserve_exact(n).map_err(|_| no_memory(n * 8))?;
        for table in rest {
            let shift = whole.blob.len() as u64;
            whole.blob.extend_from_slice(&table.blob);
            whole.offsets.extend(table.offsets.iter().skip(1).map(|offset| offset + shift));
            whole.counts.extend_from_slice(&table.counts);
            if let (Some(to), Some(from)) = (&mut whole.first, &table.first) {
                to.extend_from_slice(from);
            }
        }
        Ok(whole)
    }

    /// A table of pretokens in any order; repeated ones are added up, their first position is the least.
    ///
    /// # Errors
    /// Input: offsets that do not rise from 0 to the end of the blob, lengths that disagree, an empty pretoken, a
    /// count of 0 or a sum above 2^64 - 1.
    pub fn from_unsorted(blob: &[u8], offsets: &[u64], counts: &[u64], first: Option<&[u64]>) -> Result<Table> {
        check_shape(blob, offsets, counts, first)?;
        let bytes = |i: usize| &blob[offsets[i] as usize..offsets[i + 1] as usize];
        let mut order: Vec<usize> = (0..counts.len()).collect();
        if !order.windows(2).all(|pair| bytes(pair[0]) < bytes(pair[1])) {
            order.sort_unstable_by(|a, b| bytes(*a).cmp(bytes(*b)));
        }
        Self::add_up(order.into_iter().map(|i| (bytes(i), counts[i], first.map_or(0, |f| f[i]))), first.is_some())
    }

    /// The sum of several tables. First positions are dropped: those of different corpora do not compare.
    pub fn merge(tables: &[&Table]) -> Result<Table> {
        let mut order: Vec<(&[u8], u64)> = Vec::new();
        let n = tables.iter().map(|table| table.len()).sum::<usize>();
        order.try_reserve_exact(n).map_err(|_| no_memory(n * size_of::<(&[u8], u64)>()))?;
        order.extend(tables.iter().flat_map(|table| table.iter()));
        // A stable sort finds the sorted tables as runs and merges them.
        order.sort_by(|a, b| a.0.cmp(b.0));
        Self::add_up(order.into_iter().map(|(bytes, count)| (bytes, count, 0)), false)
    }

    /// A table of sorted entries; neighbours with the same bytes are added up.
    fn add_up<'a>(entries: impl Iterator<Item = (&'a [u8], u64, u64)>, track_first: bool) -> Result<Table> {
        let mut table = Table::new(track_first);
        let mut last: Option<&[u8]> = None;
        for (bytes, count, first) in entries {
            if last != Some(bytes) {
                table.push(bytes, count, first)?;
                last = Some(bytes);
                continue;
            }
            if let Some(sum) = table.counts.last_mut() {
                *sum = sum.checked_add(count).ok_or_else(|| {
                    Error::Input(format!(
                        "the counts of `{}` add up to more than 2^64 - 1: {sum} + {count}",
                        String::from_utf8_lossy(bytes)
                    ))
                })?;
            }
            if let Some(least) = table.first.as_mut().and_then(|f| f.last_mut()) {
                *least = (*least).min(first);
            }
        }
        Ok(table)
    }
}

fn check_shape(blob: &[u8], offsets: &[u64], counts: &[u64], first: Option<&[u64]>) -> Result<()> {
    if offsets.len() != counts.len() + 1 || first.is_some_and(|f| f.len() != counts.len()) {
        return Err(Error::Input(format!(
            "a count table of {} counts needs {} offsets, got {}",
            counts.len(),
            counts.len() + 1,
            offsets.len()
        )));
    }
    if offsets.first() != Some(&0) || offsets.last() != Some(&(blob.len() as u64)) {
        return Err(Error::Input(format!("the offsets of a count table must go from 0 to {}", blob.len())));
    }
    if let Some(i) = offsets.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(Error::Input(format!("entry {i} of the count table is empty or its offsets fall")));
    }
    if let Some(i) = counts.iter().position(|count| *count == 0) {
        return Err(Error::Input(format!("entry {i} of the count table has count 0")));
    }
    Ok(())
}

/// Room for `more`, in the doubling steps of `Vec`, as an error instead of an abort.
fn grow<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    list.try_reserve(more).map_err(|_| no_memory((list.len() + more) * size_of::<T>()))
}

#[cold]
fn no_memory(bytes: usize) -> Error {
    Error::Resource(format!("cannot get {bytes} bytes of memory for the count table"))
}
