//! Codes of our encoder back to base ids, in pieces of any size; anything else is refused.

use super::book::{Book, Room, spell};
use super::rules::Rules;
use crate::error::{Error, Result};
use std::sync::Arc;

const NONE: u32 = u32::MAX;

/// What else there is to know of a phrase; apart from the book, which is given away.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// The first base id.
    first: u32,
    /// Number of base ids.
    length: u32,
}

/// Rebuilds the encoder's book one phrase behind it.
#[derive(Debug, Clone)]
pub struct Decoder {
    book: Book,
    /// One for each entry of the book, or more.
    shapes: Vec<Shape>,
    /// The code before this one, NONE at the start and after a disabled id.
    previous: u32,
    /// That of the phrase of `previous`.
    shape: Shape,
    taken: u64,
    /// After a bad code the book is unknown.
    is_broken: bool,
}

impl Decoder {
    /// A decoder at the start of a row.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            book: Book::new(rules),
            shapes: Vec::new(),
            previous: NONE,
            shape: Shape { first: 0, length: 0 },
            taken: 0,
            is_broken: false,
        }
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

    pub(super) fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    /// Takes codes and appends the base ids that they stand for.
    ///
    /// # Errors
    /// `Input`: a code that the encoder cannot have made here; names it with its position.
    pub fn push(&mut self, codes: &[u32], out: &mut Vec<u32>) -> Result<()> {
        if self.is_broken {
            return Err(Error::Usage("the row holds a bad code: clear the decoder first".into()));
        }
        let rules = self.book.shared_rules();
        for (place, &code) in codes.iter().enumerate() {
            if rules.is_disabled(code) {
                out.push(code);
                self.previous = NONE;
            } else if self.step(code, &rules, out).is_none() {
                self.is_broken = true;
                let (base, n, taken) = (rules.base(), self.book.len(), self.taken + place as u64);
                return Err(Error::Input(format!(
                    "code {code} at position {taken} stands for nothing: {n} phrases from {base} on"
                )));
            }
        }
        self.taken += codes.len() as u64;
        Ok(())
    }

    #[inline(always)]
    fn step(&mut self, code: u32, rules: &Rules, out: &mut Vec<u32>) -> Option<()> {
        let (previous, shape) = (self.previous, self.shape);
        if previous != NONE
            && shape.length < rules.longest()
            && let Room::Slot(slot) = self.book.reserve(previous)
        {
            // The code that is being made stands for the phrase before it and that one's first id.
            let last = if slot.code == code { shape.first } else { self.shape_of(code)?.first };
            self.book.fill(slot, previous, last);
            let new = Shape { first: shape.first, length: shape.length + 1 };
            match self.shapes.get_mut((slot.code - rules.base()) as usize) {
                Some(place) => *place = new,
                None => self.shapes.push(new),
            }
        }
        self.shape = self.shape_of(code)?;
        spell(self.book.entries(), rules.base(), code, self.shape.length as usize, out);
        self.book.touch(code);
        self.previous = code;
        Some(())
    }

    /// None for a code that is not in the book.
    #[inline(always)]
    fn shape_of(&self, code: u32) -> Option<Shape> {
        match code.checked_sub(self.book.rules().base()) {
            None => Some(Shape { first: code, length: 1 }),
            Some(index) if (index as usize) < self.book.len() => self.shapes.get(index as usize).copied(),
            Some(_) => None,
        }
    }
}
