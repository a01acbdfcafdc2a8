//! A pretoken as atoms, before anything is joined; what becomes of those that the vocabulary lacks.

use super::vocabulary::{NONE, Vocabulary};

/// What an atom of a pretoken is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Any byte.
    Byte,
    /// One character in UTF-8; a byte that is not part of one is an atom by itself.
    Char,
}

/// What becomes of an atom that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The ids of the 256 byte tokens `<0xNN>`, or `NONE` each; an atom all of whose bytes have one becomes those.
    pub byte_ids: Option<Box<[u32; 256]>>,
    /// What else it becomes; without it the atom vanishes (as in HF), and its neighbours meet.
    pub unk_id: Option<u32>,
    /// Neighbouring unknown atoms become one unknown token.
    pub fuse: bool,
}

/// A token in a word: the bytes `start..end` of the word became `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Output id.
    pub id: u32,
    /// First byte in the word.
    pub start: u32,
    /// One after the last byte in the word.
    pub end: u32,
}

/// Cuts words in atoms and looks them up.
#[derive(Debug)]
pub struct Atoms {
    unit: Unit,
    unknown: Unknown,
    /// Marks every atom but a word's first (HF continuing_subword_prefix); usually empty.
    prefix: Vec<u8>,
    /// Marks a word's last atom (HF end_of_word_suffix); usually empty.
    suffix: Vec<u8>,
    /// The ids of single bytes: the whole table for the byte unit, ASCII for the char unit.
    bytes: Box<[u32; 256]>,
}

impl Atoms {
    /// The atoms of a vocabulary are its tokens of one byte or character, with the marks.
    pub fn new(vocabulary: &Vocabulary, unit: Unit, unknown: Unknown, prefix: Vec<u8>, suffix: Vec<u8>) -> Self {
        let mut bytes = Box::new([NONE; 256]);
        for (byte, id) in (0..=255u8).zip(bytes.iter_mut()) {
            if unit == Unit::Byte || byte < 128 {
                *id = vocabulary.find(&[byte]);
            }
        }
        Self { unit, unknown, prefix, suffix, bytes }
    }

    /// Whether atoms carry marks, so that the same bytes differ by place.
    pub fn marked(&self) -> bool {
        !self.prefix.is_empty() || !self.suffix.is_empty()
    }

    /// The mark of atoms after the first.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The mark of a word's last atom.
    pub fn suffix(&self) -> &[u8] {
        &self.suffix
    }

    /// The length of the atom at the start of `rest`, which is not empty.
    #[inline]
    pub fn length(&self, rest: &[u8]) -> usize {
        match self.unit {
            Unit::Byte => 1,
            Unit::Char => character_length(rest),
        }
    }

    /// The lookup table for words of the byte unit without marks, where every atom is one byte.
    #[inline]
    pub fn plain_bytes(&self) -> Option<&[u32; 256]> {
        (self.unit == Unit::Byte && !self.marked()).then_some(&self.bytes)
    }

    /// Appends the atoms of `word` to `out`, unknown ones as the policy says.
    pub fn split(&self, vocabulary: &Vocabulary, word: &[u8], out: &mut Vec<Placed>) {
        let mut start = 0;
        let mut marked = Vec::new();
        while start < word.len() {
            let end = start + self.length(&word[start..]);
            let atom = &word[start..end];
            if !self.marked() {
                let id = if end - start == 1 { self.bytes[usize::from(atom[0])] } else { vocabulary.find(atom) };
                self.push(id, atom, start, end, out);
            } else {
                marked.clear();
                marked.extend_from_slice(if start > 0 { &self.prefix } else { &[] });
                marked.extend_from_slice(atom);
                marked.extend_from_slice(if end == word.len() { &self.suffix } else { &[] });
                self.push(vocabulary.find(&marked), &marked, start, end, out);
            }
            start = end;
        }
    }

    #[inline]
    fn push(&self, id: u32, atom: &[u8], start: usize, end: usize, out: &mut Vec<Placed>) {
        if id == NONE {
            self.push_unknown(atom, start, end, out);
        } else {
            out.push(Placed { id, start: start as u32, end: end as u32 });
        }
    }

    /// Appends what the unknown atom `atom` (marks included), bytes `start..end` of the word, becomes.
    pub fn push_unknown(&self, atom: &[u8], start: usize, end: usize, out: &mut Vec<Placed>) {
        if let Some(ids) = &self.unknown.byte_ids
            && atom.iter().all(|&byte| ids[usize::from(byte)] != NONE)
        {
            // One byte each, as in HF; the bytes of a mark stay at the end of the atom.
            let places = (start as u32..).map(|at| (at.min(end as u32), (at + 1).min(end as u32)));
            out.extend(atom.iter().zip(places).map(|(&byte, at)| Placed {
                id: ids[usize::from(byte)],
                start: at.0,
                end: at.1,
            }));
            return;
        }
        let Some(id) = self.unknown.unk_id else { return };
        match out.last_mut() {
            Some(last) if self.unknown.fuse && last.id == id => last.end = end as u32,
            _ => out.push(Placed { id, start: start as u32, end: end as u32 }),
        }
    }
}

/// The length in bytes of the character at the start of `rest`; 1 for a byte that starts no valid one.
#[inline]
pub fn character_length(rest: &[u8]) -> usize {
    let length = match rest[0] {
        0..=0x7F => return 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return 1,
    };
    match rest.get(..length) {
        Some(character) if std::str::from_utf8(character).is_ok() => length,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_whole_and_bad_bytes_stand_alone() {
        for character in ["a", "é", "字", "😀", "\0"] {
            assert_eq!(character_length(character.as_bytes()), character.len());
        }
        for bad in [&b"\x80"[..], b"\xc3", b"\xc3a", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe5\xad"] {
            assert_eq!(character_length(bad), 1);
        }
    }
}
