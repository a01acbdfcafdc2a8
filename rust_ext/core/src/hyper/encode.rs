//! Base ids to codes, in pieces of any size.

use super::book::{Book, Entry, Room};
use super::edges::Edges;
use super::freezing::{self, At};
use super::rules::{Policy, Rules};
use crate::error::{Error, Result};
use std::sync::Arc;

/// Greedy longest match in the book, which grows by what was matched and the next id.
#[derive(Debug, Clone)]
pub struct Encoder {
    book: Book,
    edges: Edges,
    at: At,
    taken: u64,
    is_finished: bool,
}

impl Encoder {
    /// An encoder at the start of a row.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self { book: Book::new(rules), edges: Edges::new(), at: At::START, taken: 0, is_finished: false }
    }

    /// Starts a new row with an empty book.
    pub fn clear(&mut self) {
        self.clear_for(0);
    }

    /// Starts a new row, of about `n_ids`: fewer steps of growth.
    pub(super) fn clear_for(&mut self, n_ids: usize) {
        self.book.clear();
        self.edges.clear(n_ids.min(self.book.rules().capacity() as usize));
        (self.at, self.taken, self.is_finished) = (At::START, 0, false);
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
        let (at, result) = if rules.policy() == Policy::Freeze {
            freezing::push(&rules, &mut self.edges, self.book.entries_mut(), self.at, ids, out)
        } else {
            self.push_any(&rules, ids, out)
        };
        self.at = at;
        result.map_err(|place| {
            let (base, taken) = (rules.base(), self.taken + place as u64);
            let id = ids.get(place).copied().unwrap_or_default();
            Error::Input(format!("id {id} at position {taken} is neither below initial_vocab_size {base} nor disabled"))
        })?;
        self.taken += ids.len() as u64;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn push_whatever_the_policy(&mut self, ids: &[u32], out: &mut Vec<u32>) {
        let rules = self.book.shared_rules();
        (self.at, _) = self.push_any(&rules, ids, out);
        self.finish(out);
    }

    /// For every policy; where the row stands then, and the place of a bad id.
    fn push_any(&mut self, rules: &Rules, ids: &[u32], out: &mut Vec<u32>) -> (At, std::result::Result<(), usize>) {
        let mut here = self.at;
        for (place, &id) in ids.iter().enumerate() {
            if rules.is_disabled(id) {
                self.emit(here, out);
                out.push(id);
                here = At::START;
                continue;
            }
            if id >= rules.base() {
                return (here, Err(place));
            }
            if here.phrase == At::NONE {
                here = At { phrase: id, length: 1 };
            } else {
                let place = self.edges.place(self.book.entries(), Entry::new(here.phrase, id));
                if let Some(place) = place {
                    here = At { phrase: rules.base() + place - 1, length: here.length + 1 };
                } else {
                    self.emit(here, out);
                    self.learn(here.phrase, id);
                    here = At { phrase: id, length: 1 };
                }
            }
            if here.length == rules.longest() {
                self.emit(here, out);
                here = At::START;
            }
        }
        (here, Ok(()))
    }

    /// Ends the row: appends the code of what was matched last.
    pub fn finish(&mut self, out: &mut Vec<u32>) {
        self.emit(self.at, out);
        (self.at, self.is_finished) = (At::START, true);
    }

    /// Encodes ids as a row of its own until there are `limit` codes; gives the number of ids that these stand for.
    ///
    /// # Errors
    /// `Input`: an id that is no base id and not disabled.
    pub fn encode_some(&mut self, ids: &[u32], limit: usize, out: &mut Vec<u32>) -> Result<usize> {
        self.clear();
        let start = out.len();
        let mut taken = 0;
        while taken < ids.len() {
            let missing = limit - (out.len() - start);
            if missing == 0 {
                return Ok(taken);
            }
            // So many ids give one code more at most, and what they teach comes with the codes.
            let end = ids.len().min(taken.saturating_add(missing));
            self.push(&ids[taken..end], out)?;
            taken = end;
            if out.len() - start >= limit {
                // A disabled id at the end gave two codes, its own and that of the phrase it ends: the second goes back.
                let surplus = out.len() - start - limit;
                out.truncate(start + limit);
                return Ok(taken - self.at.length as usize - surplus);
            }
        }
        self.finish(out);
        Ok(ids.len())
    }

    #[inline]
    fn emit(&mut self, at: At, out: &mut Vec<u32>) {
        if at.phrase != At::NONE {
            out.push(at.phrase);
            self.book.touch(at.phrase);
        }
    }

    fn learn(&mut self, phrase: u32, id: u32) {
        match self.book.reserve(phrase) {
            Room::Slot(slot) => {
                if let Some(entry) = slot.evicted {
                    self.edges.remove(self.book.entries(), entry);
                }
                self.book.fill(slot, phrase, id);
                self.edges.insert(self.book.entries(), slot.code - self.book.rules().base() + 1);
            }
            Room::Emptied => self.edges.clear(0),
            Room::Full => {}
        }
    }
}
