//! The encoder's loop for books that freeze, the default: three times as fast as the one for every policy.
//!
//! Whether a phrase is known cannot be foreseen, and a branch that is foreseen wrongly costs more than all the rest. So
//! both ways are prepared, and only the end of a phrase of most ids and the second look into the table are branches.

use super::book::Entry;
use super::edges::{Edges, Slots};
use super::rules::Rules;
use std::hint::select_unpredictable;

/// Where a row stands: the phrase matched so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// A base id or a code; `NONE` for none.
    pub phrase: u32,
    /// Its number of base ids.
    pub length: u32,
}

impl At {
    /// No phrase.
    pub const NONE: u32 = u32::MAX;
    /// The start of a row.
    pub const START: Self = Self { phrase: Self::NONE, length: 0 };
}

/// Ids between two looks at whether the table is wide enough.
const PIECE: usize = 1 << 16;

/// Takes ids and appends the codes that are certain; where the row stands then, and the place of a bad id.
pub fn push(
    rules: &Rules,
    edges: &mut Edges,
    entries: &mut Vec<Entry>,
    at: At,
    ids: &[u32],
    out: &mut Vec<u32>,
) -> (At, Result<(), usize>) {
    let end = rules.capacity() as usize + 1;
    let (mut at, mut done) = (at, 0);
    while done < ids.len() {
        let piece = &ids[done..ids.len().min(done + PIECE)];
        let n = entries.len();
        let most = piece.len().min(end - n);
        let table = edges.slots(entries, most);
        // One more than can come: what is not wanted is written there.
        entries.resize(n + most + 1, Entry::BLANK);
        let first = out.len();
        out.resize(first + piece.len() + 2, 0);
        let mut state = State { at, n, n_codes: 0, taken: 0 };
        let result = if n < end {
            state.run::<true>(rules, table, entries, piece, &mut out[first..], end)
        } else {
            state.run::<false>(rules, table, entries, piece, &mut out[first..], end)
        };
        out.truncate(first + state.n_codes);
        entries.truncate(state.n);
        edges.set_len(state.n - 1);
        at = state.at;
        done += state.taken;
        if result.is_none() {
            return (at, Err(done));
        }
    }
    (at, Ok(()))
}

/// What the loop changes.
struct State {
    at: At,
    /// Entries, the blank one among them.
    n: usize,
    n_codes: usize,
    /// Ids taken.
    taken: usize,
}

impl State {
    /// Until there are no more ids, the book is full if it `LEARNS`, or there is a bad id: None.
    #[inline(always)]
    fn run<const LEARNS: bool>(
        &mut self,
        rules: &Rules,
        table: Slots<'_>,
        book: &mut [Entry],
        ids: &[u32],
        codes: &mut [u32],
        end: usize,
    ) -> Option<()> {
        let (base, longest) = (rules.base(), rules.longest());
        let before = base.wrapping_sub(1);
        let At { mut phrase, mut length } = self.at;
        let (mut n, mut n_codes, mut taken, mut is_good) = (self.n, self.n_codes, ids.len(), true);
        for (place, &id) in ids.iter().enumerate() {
            if id >= base || rules.is_disabled(id) {
                if !rules.is_disabled(id) {
                    (taken, is_good) = (place, false);
                    break;
                }
                codes[n_codes] = phrase;
                n_codes += usize::from(phrase != At::NONE);
                codes[n_codes] = id;
                n_codes += 1;
                (phrase, length) = (At::NONE, 0);
                continue;
            }
            if phrase == At::NONE {
                (phrase, length) = (id, 1);
            } else {
                let key = Entry::new(phrase, id);
                let (found, slot) = table.find(book, key);
                let is_known = found != 0;
                codes[n_codes] = phrase;
                n_codes = n_codes.wrapping_add(usize::from(!is_known));
                if LEARNS {
                    book[n] = key;
                    table.slots[slot] = select_unpredictable(is_known, found, n as u32);
                    n = n.wrapping_add(usize::from(!is_known));
                }
                phrase = select_unpredictable(is_known, before.wrapping_add(found), id);
                length = select_unpredictable(is_known, length.wrapping_add(1), 1);
            }
            if length == longest {
                codes[n_codes] = phrase;
                n_codes += 1;
                (phrase, length) = (At::NONE, 0);
            }
            if LEARNS && n == end {
                taken = place + 1;
                break;
            }
        }
        (self.at, self.n, self.n_codes, self.taken) = (At { phrase, length }, n, n_codes, taken);
        is_good.then_some(())
    }
}
