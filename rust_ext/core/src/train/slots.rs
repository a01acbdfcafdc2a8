//! The slot array: every distinct pretoken as symbols, linked so that both neighbours of a token are one step away.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::table::Table;

/// Symbol of the slot between two pretokens.
pub(crate) const BOUNDARY: u32 = SYMBOL_MASK as u32;
/// Symbol of a character outside the alphabet that blocks merges.
pub(crate) const BLOCK: u32 = BOUNDARY - 1;
/// Symbol of every slot of a token but its first. Token ids are below it.
pub(crate) const INNER: u32 = BOUNDARY - 2;
/// Symbols from here up are no tokens.
pub(crate) const FIRST_MARK: u32 = BLOCK;

/// What one atom is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// One byte.
    Byte,
    /// One Unicode character.
    Char,
}

/// What a character outside the alphabet does while training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It vanishes and its neighbours become adjacent (HF `tokenizers`).
    Drop,
    /// It stays and nothing merges with it (sentencepiece).
    Block,
}

/// Marks that make an atom differ by its place in the pretoken (HF `continuing_subword_prefix`, `end_of_word_suffix`).
#[derive(Debug, Clone, Default)]
pub struct Affixes {
    /// Written before every atom of a pretoken but the first.
    pub prefix: Vec<u8>,
    /// Written after the last atom of a pretoken.
    pub suffix: Vec<u8>,
}

impl Affixes {
    pub(crate) fn is_empty(&self) -> bool {
        self.prefix.is_empty() && self.suffix.is_empty()
    }

    /// The atom's bytes with the marks of its place.
    pub(crate) fn mark(&self, atom: &[u8], is_first: bool, is_last: bool) -> Vec<u8> {
        let mut marked = Vec::with_capacity(atom.len() + self.prefix.len() + self.suffix.len());
        if !is_first {
            marked.extend_from_slice(&self.prefix);
        }
        marked.extend_from_slice(atom);
        if is_last {
            marked.extend_from_slice(&self.suffix);
        }
        marked
    }
}

/// No token takes more slots: one line of some megabytes of one letter would else yield tokens of megabytes, which no
/// program that reads vocabularies survives. It also lets a slot do with 16 bits for its link.
pub(crate) const LONGEST_TOKEN: usize = 1 << LINK_BITS;

/// Positions are numbers of 32 bits.
const MOST_SLOTS: usize = u32::MAX as usize;

const SYMBOL_BITS: u32 = 24;
const LINK_BITS: u32 = 16;
const SYMBOL_MASK: u64 = (1 << SYMBOL_BITS) - 1;
const LINK_MASK: u64 = (1 << LINK_BITS) - 1;
/// Room of a weight's code, and the bit for weights that live in a side table: the rest is their index then.
const CODE_BITS: u32 = 64 - SYMBOL_BITS - LINK_BITS;
const BIG: u32 = 1 << (CODE_BITS - 1);

/// One atom's place, in one word, since training is as fast as slots come from memory: from the low bits the symbol,
/// the link and the code of the weight. The link of a token's first slot says how far its last one is, and that of
/// its last slot how far the first, so a token of one slot has 0; inner slots between carry nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot(u64);

impl Slot {
    fn new(symbol: u32, code: u32) -> Self {
        Self(u64::from(symbol) | u64::from(code) << (SYMBOL_BITS + LINK_BITS))
    }

    #[inline(always)]
    pub fn symbol(self) -> u32 {
        (self.0 & SYMBOL_MASK) as u32
    }

    #[inline(always)]
    pub fn link(self) -> usize {
        (self.0 >> SYMBOL_BITS & LINK_MASK) as usize
    }

    #[inline(always)]
    fn code(self) -> u32 {
        (self.0 >> (SYMBOL_BITS + LINK_BITS)) as u32
    }

    #[inline(always)]
    pub fn set_symbol(&mut self, symbol: u32) {
        self.0 = self.0 & !SYMBOL_MASK | u64::from(symbol);
    }

    #[inline(always)]
    pub fn set_link(&mut self, distance: usize) {
        self.0 = self.0 & !(LINK_MASK << SYMBOL_BITS) | (distance as u64) << SYMBOL_BITS;
    }
}

/// All pretokens as slots, with a boundary before the first, between all, and after the last.
pub(crate) struct Slots {
    pub slots: Vec<Slot>,
    big_weights: Vec<u64>,
}

/// Splits a pretoken into atoms of the unit; bytes that are not UTF-8 are atoms of one byte.
pub(crate) fn atoms(pretoken: &[u8], unit: Unit) -> impl Iterator<Item = &[u8]> {
    let mut rest = pretoken;
    std::iter::from_fn(move || {
        let length = match unit {
            Unit::Byte => rest.len().min(1),
            Unit::Char => character_length(rest),
        };
        let (atom, tail) = rest.split_at(length);
        rest = tail;
        (!atom.is_empty()).then_some(atom)
    })
}

/// Length in bytes of the character that `text` starts with; 1 where it starts with no valid one, 0 at the end.
fn character_length(text: &[u8]) -> usize {
    let Some(&lead) = text.first() else { return 0 };
    let length = match lead {
        0..=0x7f => return 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 1,
    };
    match text.get(..length) {
        Some(bytes) if std::str::from_utf8(bytes).is_ok() => length,
        _ => 1,
    }
}

impl Slots {
    /// Lays out the pretokens of `table` that have a count; atoms not in `atom_ids` are handled as `unknown` says.
    ///
    /// Pretokens are laid out in the order of first appearance where the table knows it, else in table order.
    pub fn build(
        table: &Table,
        unit: Unit,
        atom_ids: &HashMap<Vec<u8>, u32>,
        affixes: &Affixes,
        unknown: Unknown,
    ) -> Result<Self> {
        check_sizes(table)?;
        let mut built = Self { slots: Vec::new(), big_weights: Vec::new() };
        let room = table.blob.len() + table.len() + 1;
        built.slots.try_reserve_exact(room).map_err(|_| {
            Error::Resource(format!(
                "training needs {} MB for its symbols, which cannot be had",
                room * size_of::<Slot>() / 1_000_000
            ))
        })?;
        let single: Vec<u32> =
            (0..=255u8).map(|byte| atom_ids.get([byte].as_slice()).copied().unwrap_or(BLOCK)).collect();
        built.mark(BOUNDARY);
        for index in layout_order(table) {
            let (pretoken, count) = (table.pretoken(index), table.counts[index]);
            if count == 0 {
                continue;
            }
            let weight = built.weight_code(count)?;
            if unit == Unit::Byte && affixes.is_empty() {
                for &byte in pretoken {
                    built.push(single[byte as usize], weight, unknown);
                }
            } else {
                built.push_marked(pretoken, unit, atom_ids, affixes, unknown, weight);
            }
            built.mark(BOUNDARY);
        }
        Ok(built)
    }

    /// Lays out weighted sequences of tokens; every token takes one slot.
    pub fn from_sequences(ids: &[u32], ends: &[u64], weights: &[u64]) -> Result<Self> {
        let room = ids.len() + ends.len() + 1;
        if room + 1 >= MOST_SLOTS {
            return Err(Error::Resource(format!(
                "{} symbols, training can hold {MOST_SLOTS}: sample the corpus",
                ids.len()
            )));
        }
        let mut built = Self { slots: Vec::new(), big_weights: Vec::new() };
        built.slots.try_reserve_exact(room).map_err(|_| {
            Error::Resource(format!(
                "training needs {} MB for its symbols, which cannot be had",
                room * size_of::<Slot>() / 1_000_000
            ))
        })?;
        built.mark(BOUNDARY);
        let mut start = 0;
        for (&end, &weight) in ends.iter().zip(weights) {
            let weight = built.weight_code(weight)?;
            for &id in &ids[start..end as usize] {
                built.push(id, weight, Unknown::Block);
            }
            built.mark(BOUNDARY);
            start = end as usize;
        }
        Ok(built)
    }

    fn push_marked(
        &mut self,
        pretoken: &[u8],
        unit: Unit,
        atom_ids: &HashMap<Vec<u8>, u32>,
        affixes: &Affixes,
        unknown: Unknown,
        weight: u32,
    ) {
        let mut position = 0;
        for atom in atoms(pretoken, unit) {
            let (is_first, is_last) = (position == 0, position + atom.len() == pretoken.len());
            position += atom.len();
            let id = if affixes.is_empty() {
                atom_ids.get(atom).copied()
            } else {
                atom_ids.get(&affixes.mark(atom, is_first, is_last)).copied()
            };
            self.push(id.unwrap_or(BLOCK), weight, unknown);
        }
    }

    fn push(&mut self, symbol: u32, weight: u32, unknown: Unknown) {
        if symbol < FIRST_MARK {
            self.slots.push(Slot::new(symbol, weight));
        } else if unknown == Unknown::Block {
            self.mark(BLOCK);
        }
    }

    fn mark(&mut self, symbol: u32) {
        self.slots.push(Slot::new(symbol, 0));
    }

    fn weight_code(&mut self, count: u64) -> Result<u32> {
        if count < u64::from(BIG) {
            return Ok(count as u32);
        }
        let index = u32::try_from(self.big_weights.len()).ok().filter(|index| *index < BIG);
        let index =
            index.ok_or_else(|| Error::Input(format!("more than {BIG} pretokens have counts of {BIG} and more")))?;
        self.big_weights.push(count);
        Ok(index | BIG)
    }

    /// How often the pretoken around slot `at` occurs.
    #[inline(always)]
    pub fn weight(&self, at: usize) -> i64 {
        let code = self.slots[at].code();
        if code & BIG == 0 { i64::from(code) } else { self.big_weights[(code & !BIG) as usize] as i64 }
    }

    /// The first slot of the token (or mark) before the token that starts at `at`.
    #[inline(always)]
    pub fn previous(&self, at: usize) -> usize {
        at - 1 - self.slots[at - 1].link()
    }

    /// The first slot of the token (or mark) after the token that starts at `at`.
    #[inline(always)]
    pub fn next(&self, at: usize) -> usize {
        at + self.slots[at].link() + 1
    }

    /// Writes a token of `length` slots that starts at `at`.
    pub fn write(&mut self, at: usize, symbol: u32, length: usize) {
        let last = at + length - 1;
        for inner in at + 1..=last {
            self.slots[inner].set_symbol(INNER);
        }
        self.slots[at].set_symbol(symbol);
        self.slots[at].set_link(length - 1);
        self.slots[last].set_link(length - 1);
    }
}

fn layout_order(table: &Table) -> Vec<usize> {
    let mut order: Vec<usize> = (0..table.len()).collect();
    if let Some(first) = &table.first {
        order.sort_by_key(|&index| first[index]);
    }
    order
}

/// Refuses tables whose slots or sums would not fit, so that nothing later can overflow.
fn check_sizes(table: &Table) -> Result<()> {
    let room = table.blob.len() + table.len() + 2;
    if room >= MOST_SLOTS {
        return Err(Error::Resource(format!(
            "the table has {} bytes of distinct pretokens, training can hold {MOST_SLOTS}: raise min_count or sample \
             the corpus",
            table.blob.len()
        )));
    }
    let mut total: u128 = 0;
    for index in 0..table.len() {
        total += table.pretoken(index).len() as u128 * u128::from(table.counts[index]);
    }
    if total > i64::MAX as u128 {
        return Err(Error::Input(format!("the counts add up to {total} atoms, more than 2^63 - 1: scale them down")));
    }
    Ok(())
}
