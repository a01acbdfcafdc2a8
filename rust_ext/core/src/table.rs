//! The count table: distinct pretokens with their counts, sorted by bytes.

/// Distinct pretokens (concatenated in `blob`, cut by `offsets`) and how often each occurs.
///
/// `offsets` has one entry more than `counts`; entries are sorted by bytes, so the table of a corpus is unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

impl Table {
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
}
