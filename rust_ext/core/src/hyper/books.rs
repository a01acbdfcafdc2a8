//! The books of many rows, kept as encoder and decoder have them and spelt out when asked for.

use super::book::{Book, Entry, spell};
use super::tolerant::TolerantDecoder;

/// Phrases of one row: entry `e` has the code `codes[e]` and the base ids `ids[offsets[e]..offsets[e + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelt {
    /// Codes, rising.
    pub codes: Vec<u32>,
    /// Where each entry's ids begin, and the end of the last.
    pub offsets: Vec<u64>,
    /// Base ids.
    pub ids: Vec<u32>,
}

impl Spelt {
    fn new() -> Self {
        Self { codes: Vec::new(), offsets: vec![0], ids: Vec::new() }
    }

    fn end_entry(&mut self, code: u32) {
        self.codes.push(code);
        self.offsets.push(self.ids.len() as u64);
    }
}

/// The books of many rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Books {
    base: u32,
    /// Those of encoders and strict decoders.
    entries: Vec<Vec<Entry>>,
    /// Those of tolerant decoders, whose codes follow no order.
    spelt: Vec<Spelt>,
}

impl Books {
    /// One row: all phrases of a book.
    pub fn of(book: &Book) -> Self {
        Self { base: book.rules().base(), entries: vec![book.entries().to_vec()], spelt: Vec::new() }
    }

    /// One row: all phrases of a tolerant decoder.
    pub fn of_tolerant(decoder: &TolerantDecoder) -> Self {
        let mut books = Self::default();
        books.add_tolerant(decoder);
        books
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.entries.len() + self.spelt.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The phrases of a row; None if there is no such row.
    pub fn row(&self, row: usize) -> Option<Spelt> {
        if let Some(spelt) = self.spelt.get(row) {
            return Some(spelt.clone());
        }
        let entries = self.entries.get(row)?;
        let mut spelt = Spelt::new();
        for code in (self.base..).take(entries.len()) {
            spell(entries, self.base, code, length_of(entries, self.base, code), &mut spelt.ids);
            spelt.end_entry(code);
        }
        Some(spelt)
    }

    /// Adds a row: the phrases of a book, which is empty then.
    pub(super) fn take(&mut self, book: &mut Book) {
        self.base = book.rules().base();
        self.entries.push(book.take_entries());
    }

    pub(super) fn add_tolerant(&mut self, decoder: &TolerantDecoder) {
        let mut spelt = Spelt::new();
        for (code, phrase) in decoder.book() {
            spelt.ids.extend_from_slice(phrase);
            spelt.end_entry(code);
        }
        self.spelt.push(spelt);
    }

    pub(super) fn append(&mut self, mut other: Books) {
        self.base = other.base;
        self.entries.append(&mut other.entries);
        self.spelt.append(&mut other.spelt);
    }
}

fn length_of(entries: &[Entry], base: u32, code: u32) -> usize {
    let parent = |code: &u32| code.checked_sub(base).and_then(|index| entries.get(index as usize)).map(|at| at.parent);
    std::iter::successors(Some(code), parent).count()
}
