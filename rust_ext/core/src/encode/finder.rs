//! Where tokens lie in one word, for the modes that read a vocabulary without merges.

use super::atoms::{Atoms, Placed};
use super::trie::Trie;
use super::vocabulary::Vocabulary;

/// The trie of a vocabulary over bytes without the prefix mark: one id for a word's start, one for later places.
pub fn trie_of(vocabulary: &Vocabulary, atoms: &Atoms, reversed: bool, ordinary: impl Fn(u32) -> bool) -> Trie {
    let mut trie = Trie::default();
    for id in vocabulary.ids().filter(|&id| ordinary(id)) {
        let token = vocabulary.bytes(id).unwrap_or_default();
        let prefix = atoms.prefix();
        let (text, places): (_, &[usize]) = match token.strip_prefix(prefix) {
            Some(_) if prefix.is_empty() => (token, &[0, 1]),
            Some(rest) if !rest.is_empty() => (rest, &[1]),
            _ => (token, &[0]),
        };
        for &place in places {
            if reversed {
                trie.insert(text.iter().rev().copied(), id, place);
            } else {
                trie.insert(text.iter().copied(), id, place);
            }
        }
    }
    trie
}

/// One word (its suffix mark appended) and the trie to read it with.
pub struct Finder<'a> {
    trie: &'a Trie,
    atoms: &'a Atoms,
    /// The word with its suffix mark.
    pub word: &'a [u8],
    /// Length without the mark.
    pub n_text: usize,
}

impl<'a> Finder<'a> {
    /// `word` ends with the suffix mark of `atoms`.
    pub fn new(trie: &'a Trie, atoms: &'a Atoms, word: &'a [u8]) -> Self {
        Self { trie, atoms, word, n_text: word.len() - atoms.suffix().len() }
    }

    /// A token ends within the text or behind the whole mark, never inside the mark or right before it.
    fn may_end(&self, end: usize) -> bool {
        end < self.n_text || end == self.word.len()
    }

    /// Calls `found(end, id)` for each token at `start` that ends at `limit` or before, shortest first.
    #[inline]
    pub fn each(&self, start: usize, limit: usize, mut found: impl FnMut(usize, u32)) {
        self.trie.matches(self.word[start..limit].iter().copied(), usize::from(start > 0), |length, id| {
            if self.may_end(start + length) {
                found(start + length, id);
            }
        });
    }

    /// End and id of the longest token at `start` that ends at `limit` or before.
    pub fn longest(&self, start: usize, limit: usize) -> Option<(usize, u32)> {
        let mut best = None;
        self.each(start, limit, |end, id| best = Some((end, id)));
        best
    }

    /// Start and id of the longest token that ends at `end`; the trie holds the tokens backwards.
    pub fn longest_back(&self, end: usize) -> Option<(usize, u32)> {
        let backwards = || self.word[..end].iter().rev().copied();
        let mut best = None;
        self.trie.matches(backwards(), 1, |length, id| {
            if 0 < end - length && end - length < self.n_text {
                best = Some((end - length, id));
            }
        });
        self.trie.matches(backwards(), 0, |length, id| {
            if length == end {
                best = Some((0, id));
            }
        });
        best
    }

    /// Where the atom at `start` ends; the last one takes the mark with it.
    pub fn atom_end(&self, start: usize) -> usize {
        let end = start + self.atoms.length(&self.word[start..self.n_text]);
        if end == self.n_text { self.word.len() } else { end }
    }

    /// Where the atom that ends at `end` starts.
    pub fn atom_start(&self, end: usize) -> usize {
        let text = &self.word[..end.min(self.n_text)];
        (text.len().saturating_sub(4)..text.len())
            .find(|&start| start + self.atoms.length(&text[start..]) == text.len())
            .unwrap_or(text.len() - 1)
    }

    /// Appends the token `start..end`, or without an id the unknown atom that is there.
    pub fn put(&self, start: usize, end: usize, id: Option<u32>, out: &mut Vec<Placed>) {
        let text_end = end.min(self.n_text);
        match id {
            Some(id) => out.push(Placed { id, start: start as u32, end: text_end as u32 }),
            None => {
                let mut atom = if start > 0 { self.atoms.prefix().to_vec() } else { Vec::new() };
                atom.extend_from_slice(&self.word[start..end]);
                self.atoms.push_unknown(&atom, start, text_end, out);
            }
        }
    }
}
