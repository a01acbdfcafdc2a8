//! A trained model: every n-gram's interpolated probability, found from the longest context down.

use super::too_many;
use crate::error::{Error, Result};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

/// An n-gram in a file: the number of its first n - 1 bytes, its last byte, how often it was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub parent: u32,
    pub byte: u8,
    pub count: u32,
}

/// An n-gram as what comes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gram {
    /// P(last byte | the bytes before it), interpolated.
    pub p: f64,
    /// The longest context once it has been read: itself, or what remains without the first byte at full length.
    pub next: u32,
    pub count: u32,
}

/// An n-gram shorter than `order` as a context.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// Its first continuation; those of the next context begin where its own end.
    pub start: u32,
    /// Bytes seen after it.
    pub total: u32,
    /// The context without its first byte.
    pub suffix: u32,
}

/// n-grams by breadth, then parent, then byte: gram `i` is context `i + 1`, context 0 is the empty one.
///
/// All parts of an n-gram are n-grams. So where a context has seen a byte, its probability is ready; where not, what is
/// left for bytes not seen after it, u / (n + u), goes to the shorter context.
#[derive(Debug)]
pub struct ByteLm {
    pub(super) order: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) grams: Vec<Gram>,
    /// One more than there are contexts.
    pub(super) contexts: Vec<Context>,
    /// Entropy after each context in bits, NaN where nobody has asked yet.
    pub(super) entropies: OnceLock<Vec<AtomicU64>>,
}

impl ByteLm {
    /// Bytes of the longest n-gram.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Different n-grams of all lengths.
    pub fn len(&self) -> usize {
        self.grams.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.grams.is_empty()
    }

    pub(super) fn n_contexts(&self) -> usize {
        self.contexts.len() - 1
    }

    /// The continuations of a context.
    #[inline]
    pub(super) fn kids(&self, context: u32) -> std::ops::Range<usize> {
        self.contexts[context as usize].start as usize..self.contexts[context as usize + 1].start as usize
    }

    /// The n-gram of a context and a byte.
    #[inline]
    pub(super) fn gram(&self, context: u32, byte: u8) -> Option<usize> {
        let kids = self.kids(context);
        let bytes = &self.bytes[kids.clone()];
        // Few contexts have many continuations, but those are the ones most often asked.
        let found = if bytes.len() < 24 {
            bytes.iter().position(|&other| other == byte)
        } else if bytes.len() == 256 {
            Some(usize::from(byte))
        } else {
            bytes.binary_search(&byte).ok()
        };
        found.map(|place| kids.start + place)
    }

    /// The n-gram without its first byte as a context or gram number + 1; 0 for a single byte.
    pub(super) fn suffix(&self, gram: usize) -> u32 {
        if gram + 1 < self.n_contexts() { self.contexts[gram + 1].suffix } else { self.grams[gram].next }
    }

    /// From n-grams in breadth-first order.
    ///
    /// # Errors
    /// `Input`: n-grams out of order, too long, never seen, or whose end is none. `Resource`: counts that add up to
    /// more than 2^32 - 1.
    pub(super) fn from_rows(order: usize, rows: &[Row]) -> Result<Self> {
        let bad = || Error::Input("not a byte language model: an n-gram in the wrong place".into());
        if rows.len() >= u32::MAX as usize {
            return Err(too_many());
        }
        let mut model = Self {
            order,
            bytes: Vec::with_capacity(rows.len()),
            grams: Vec::with_capacity(rows.len()),
            contexts: vec![Context { start: 0, total: 0, suffix: 0 }],
            entropies: OnceLock::new(),
        };
        let mut lengths = vec![0_u8];
        let mut before = None;
        for row in rows {
            // Parents come first and rise, so that lengths never fall: contexts are the first n-grams.
            let length = lengths.get(row.parent as usize).map_or(usize::MAX, |&length| usize::from(length) + 1);
            if length > order || row.count == 0 || before >= Some((row.parent, row.byte)) {
                return Err(bad());
            }
            before = Some((row.parent, row.byte));
            lengths.push(length as u8);
            let parent = model.contexts.get_mut(row.parent as usize).ok_or_else(bad)?;
            parent.total = parent.total.checked_add(row.count).ok_or_else(too_many)?;
            model.bytes.push(row.byte);
            model.grams.push(Gram { p: 0.0, next: 0, count: row.count });
            if length < order {
                model.contexts.push(Context { start: 0, total: 0, suffix: 0 });
            }
        }
        // The end of the last context's continuations.
        model.contexts.push(Context { start: 0, total: 0, suffix: 0 });
        let mut next = 0;
        for (context, slot) in model.contexts.iter_mut().enumerate() {
            slot.start = next as u32;
            while rows.get(next).is_some_and(|row| row.parent as usize == context) {
                next += 1;
            }
        }
        for (at, row) in rows.iter().enumerate() {
            let suffix = match row.parent {
                0 => 0,
                parent => {
                    let shorter = model.contexts[parent as usize].suffix;
                    model.gram(shorter, row.byte).ok_or_else(bad)? as u32 + 1
                }
            };
            let kinds = model.kids(row.parent).len() as f64;
            let total = f64::from(model.contexts[row.parent as usize].total);
            let shorter = if suffix == 0 { 1.0 / 256.0 } else { model.grams[suffix as usize - 1].p };
            let is_context = at + 1 < model.n_contexts();
            let gram = &mut model.grams[at];
            gram.p = (f64::from(row.count) + kinds * shorter) / (total + kinds);
            gram.next = if is_context { at as u32 + 1 } else { suffix };
            if is_context {
                model.contexts[at + 1].suffix = suffix;
            }
        }
        Ok(model)
    }
}
