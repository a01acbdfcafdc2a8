//! The books of many rows, kept as encoder and decoder have them and spelt out when asked for.

use super::book::{Book, Entry, length_of, spell};
use super::decode::Decoder;
use super::rules::Rules;
use super::tolerant::TolerantDecoder;
use crate::error::Result;
use std::sync::Arc;

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

/// The book of a row of codes of our encoder, which was not cut short.
///
/// # Errors
/// `Input`: a code that the encoder cannot have made.
pub fn book_of(rules: &Arc<Rules>, codes: &[u32]) -> Result<Spelt> {
    let mut decoder = Decoder::new(rules.clone());
    decoder.push(codes, &mut Vec::new())?;
    Ok(spelt_of(decoder.book().entries(), rules.base()))
}

/// The books of many rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Books {
    base: u32,
    /// Those of encoders and strict decoders, each behind a blank entry.
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
        self.entries.get(row).map(|entries| spelt_of(entries, self.base))
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

fn spelt_of(entries: &[Entry], base: u32) -> Spelt {
    let mut spelt = Spelt::new();
    for code in (base..).take(entries.len() - 1) {
        spell(entries, base, code, length_of(entries, base, code), &mut spelt.ids);
        spelt.end_entry(code);
    }
    spelt
}
