//! What the alphabet of a character-level vocabulary is chosen from.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::slots::{Affixes, Unit, atoms};
use crate::table::Table;

/// Every character of the table with its count and the position of its first occurrence in table order, by bytes.
///
/// A byte that is no part of a valid UTF-8 character is left out: it can only be spelled as a byte.
pub fn character_counts(table: &Table) -> Vec<(String, u64, u64)> {
    let mut ascii = [(0u64, u64::MAX); 128];
    let mut others: HashMap<&[u8], (u64, u64)> = HashMap::new();
    for index in 0..table.len() {
        let (start, count) = (table.offsets[index], table.counts[index]);
        let mut offset = start;
        for atom in atoms(table.pretoken(index), Unit::Char) {
            let entry = match atom {
                [byte] if *byte < 128 => &mut ascii[*byte as usize],
                _ => others.entry(atom).or_insert((0, u64::MAX)),
            };
            entry.0 = entry.0.saturating_add(count);
            entry.1 = entry.1.min(offset);
            offset += atom.len() as u64;
        }
    }
    let ascii = (0..128u8).map(|byte| (char::from(byte).to_string(), ascii[byte as usize]));
    let others = others.into_iter().filter_map(|(atom, entry)| Some((String::from_utf8(atom.to_vec()).ok()?, entry)));
    let mut all: Vec<(String, u64, u64)> =
        ascii.chain(others).filter(|(_, entry)| entry.0 > 0).map(|(text, entry)| (text, entry.0, entry.1)).collect();
    all.sort_unstable();
    all
}

/// The marked forms that the atoms of `alphabet` take in the table, sorted by bytes, plain forms included.
pub fn affixed_atoms(table: &Table, unit: Unit, alphabet: &HashSet<Vec<u8>>, affixes: &Affixes) -> Vec<Vec<u8>> {
    let mut found = BTreeSet::new();
    for index in (0..table.len()).filter(|&index| table.counts[index] > 0) {
        let pretoken = table.pretoken(index);
        let mut position = 0;
        for atom in atoms(pretoken, unit) {
            let (is_first, is_last) = (position == 0, position + atom.len() == pretoken.len());
            position += atom.len();
            if alphabet.contains(atom) {
                found.insert(affixes.mark(atom, is_first, is_last));
            }
        }
    }
    found.into_iter().collect()
}
