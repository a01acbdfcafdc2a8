//! Base ids to codes, in pieces of any size.

use super::book::{Book, Room, Shape};
use super::edges::Edges;
use super::rules::Rules;
use crate::error::{Error, Result};
use std::sync::Arc;

const NONE: u32 = u32::MAX;

/// Greedy longest match in the book, which grows by what was matched and the next id.
#[derive(Debug, Clone)]
pub struct Encoder {
    book: Book,
    edges: Edges,
    /// The phrase matched so far (a base id or a code), NONE for none.
    phrase: u32,
    length: u32,
    taken: u64,
    is_finished: bool,
}

impl Encoder {
    /// An encoder at the start of a row.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { book: Book::new(rules), edges: Edges::new(), phrase: NONE, length: 0, taken: 0, is_finished: false }
    }

    /// Starts a new row with an empty book.
    pub fn clear(&mut self) {
        self.clear_for(0);
    }

    /// Starts a new row, of about `n_ids`: fewer steps of growth.
    pub(super) fn clear_for(&mut self, n_ids: usize) {
        self.book.clear();
        self.edges.clear(n_ids.min(self.book.rules().capacity() as usize));
        (self.phrase, self.length, self.taken, self.is_finished) = (NONE, 0, 0, false);
    }

    /// The phrases so far.
    pub fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    /// Takes ids and appends the codes that are certain.
    ///
    /// # Errors
    /// `Input`: an id that is no base id and not disabled. `Usage`: the row is finished.
    pub fn push(&mut self, ids: &[u32], out: &mut Vec<u32>) -> Result<()> {
        if self.is_finished {
            return Err(Error::Usage("the row is finished: clear the encoder first".into()));
        }
        let rules = self.book.shared_rules();
        let (base, longest) = (rules.base(), rules.longest());
        let (mut phrase, mut length) = (self.phrase, self.length);
        for (place, &id) in ids.iter().enumerate() {
            if id >= base || rules.is_disabled(id) {
                if !rules.is_disabled(id) {
                    (self.phrase, self.length) = (phrase, length);
                    return Err(bad_id(id, self.taken + place as u64, base));
                }
                if phrase != NONE {
                    self.emit(phrase, out);
                }
                out.push(id);
                (phrase, length) = (NONE, 0);
                continue;
            }
            if phrase == NONE {
                (phrase, length) = (id, 1);
            } else {
                match self.edges.find(self.book.entries(), phrase, id) {
                    Ok(index) => (phrase, length) = (base + index, length + 1),
                    Err(at) => {
                        self.emit(phrase, out);
                        self.learn(phrase, id, at);
                        (phrase, length) = (id, 1);
                    }
                }
            }
            if length == longest {
                self.emit(phrase, out);
                (phrase, length) = (NONE, 0);
            }
        }
        (self.phrase, self.length) = (phrase, length);
        self.taken += ids.len() as u64;
        Ok(())
    }

    /// Ends the row: appends the code of what was matched last.
    pub fn finish(&mut self, out: &mut Vec<u32>) {
        if self.phrase != NONE {
            self.emit(self.phrase, out);
        }
        (self.phrase, self.length, self.is_finished) = (NONE, 0, true);
    }

    /// Encodes ids as a row of its own until there are `limit` codes; gives the number of ids that these stand for.
    ///
    /// # Errors
    /// `Input`: an id that is no base id and not disabled.
    pub fn encode_some(&mut self, ids: &[u32], limit: usize, out: &mut Vec<u32>) -> Result<usize> {
        self.clear();
        let start = out.len();
        for (place, id) in ids.iter().enumerate() {
            if limit == 0 {
                return Ok(0);
            }
            self.push(std::slice::from_ref(id), out)?;
            if out.len() - start >= limit {
                // A disabled id gives two codes, its own and that of the phrase it ends: the second goes back.
                let surplus = out.len() - start - limit;
                out.truncate(start + limit);
                return Ok(place + 1 - self.length as usize - surplus);
            }
        }
        self.finish(out);
        Ok(ids.len())
    }

    #[inline]
    fn emit(&mut self, phrase: u32, out: &mut Vec<u32>) {
        out.push(phrase);
        self.book.touch(phrase);
    }

    /// `at`: where the search for the new phrase ended.
    #[inline]
    fn learn(&mut self, phrase: u32, id: u32, at: usize) {
        match self.book.reserve(phrase) {
            Room::Slot(slot) => {
                let mut at = at;
                if let Some(entry) = slot.evicted {
                    self.edges.remove(self.book.entries(), entry.parent, entry.last);
                    // What was taken out may have let others move up.
                    at = self.edges.find(self.book.entries(), phrase, id).err().unwrap_or(at);
                }
                let index = slot.code - self.book.rules().base();
                let shape = self.book.shape(phrase).unwrap_or(Shape { first: phrase, length: 1 });
                self.book.fill(slot, phrase, shape, id);
                self.edges.insert(at, index, self.book.entries());
            }
            Room::Emptied => self.edges.clear(0),
            Room::Full => {}
        }
    }
}

fn bad_id(id: u32, place: u64, base: u32) -> Error {
    Error::Input(format!("id {id} at position {place} is neither below initial_vocab_size {base} nor disabled"))
}
