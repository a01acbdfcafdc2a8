//! Codes of our encoder back to base ids, in pieces of any size; anything else is refused.

use super::book::{Book, Room};
use super::rules::Rules;
use crate::error::{Error, Result};
use std::sync::Arc;

const NONE: u32 = u32::MAX;

/// Rebuilds the encoder's book one phrase behind it.
#[derive(Debug, Clone)]
pub struct Decoder {
    book: Book,
    /// The code before this one, NONE at the start and after a disabled id.
    previous: u32,
    taken: u64,
    /// After a bad code the book is unknown.
    is_broken: bool,
}

impl Decoder {
    /// A decoder at the start of a row.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { book: Book::new(rules), previous: NONE, taken: 0, is_broken: false }
    }

    /// Starts a new row with an empty book.
    pub fn clear(&mut self) {
        self.book.clear();
        (self.previous, self.taken, self.is_broken) = (NONE, 0, false);
    }

    /// The phrases so far: those of the encoder.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Takes codes and appends the base ids that they stand for.
    ///
    /// # Errors
    /// `Input`: a code that the encoder cannot have made here; names it with its position.
    pub fn push(&mut self, codes: &[u32], out: &mut Vec<u32>) -> Result<()> {
        if self.is_broken {
            return Err(Error::Usage("the row holds a bad code: clear the decoder first".into()));
        }
        for (place, &code) in codes.iter().enumerate() {
            if self.book.rules().is_disabled(code) {
                out.push(code);
                self.previous = NONE;
                continue;
            }
            let taken = self.taken + place as u64;
            if self.step(code, out).is_none() {
                self.is_broken = true;
                let (base, n) = (self.book.rules().base(), self.book.len());
                return Err(Error::Input(format!(
                    "code {code} at position {taken} stands for nothing: {n} phrases from {base} on"
                )));
            }
        }
        self.taken += codes.len() as u64;
        Ok(())
    }

    #[inline]
    fn step(&mut self, code: u32, out: &mut Vec<u32>) -> Option<()> {
        let previous = self.previous;
        let (previous_first, previous_length) =
            if previous == NONE { (0, u32::MAX) } else { self.book.shape(previous)? };
        if previous_length >= self.book.rules().longest() {
            self.book.shape(code)?;
        } else {
            match self.book.reserve(previous) {
                Room::Slot(slot) if slot.code == code => self.book.fill(slot, previous, previous_first),
                Room::Slot(slot) => {
                    let (first, _) = self.book.shape(code)?;
                    self.book.fill(slot, previous, first);
                }
                Room::Full | Room::Emptied => {
                    self.book.shape(code)?;
                }
            }
        }
        self.book.spell(code, out);
        self.book.touch(code);
        self.previous = code;
        Some(())
    }
}
