//! All tokens that start at a place in a word, found byte by byte.

use super::vocabulary::NONE;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const EMPTY: u64 = u64::MAX;
/// The node before any byte.
pub const ROOT: u32 = 0;

/// A byte trie whose edges lie in one hash table; a node may end a token at a word's start and one further in.
#[derive(Debug)]
pub struct Trie {
    /// (parent << 8 | byte, child)
    edges: Vec<(u64, u32)>,
    n_edges: usize,
    /// Per node: id of the token for the first place of a word, id for all later places.
    tokens: Vec<[u32; 2]>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { edges: vec![(EMPTY, 0); 1024], n_edges: 0, tokens: vec![[NONE; 2]] }
    }
}

impl Trie {
    /// Adds a token; `place` 0 means a word's start, 1 any later place. Of equal tokens the first stays.
    pub fn insert(&mut self, bytes: impl Iterator<Item = u8>, id: u32, place: usize) {
        let mut node = ROOT;
        for byte in bytes {
            node = match self.child(node, byte) {
                Some(child) => child,
                None => self.add(node, byte),
            };
        }
        let slot = &mut self.tokens[node as usize][place];
        if node != ROOT && *slot == NONE {
            *slot = id;
        }
    }

    fn add(&mut self, parent: u32, byte: u8) -> u32 {
        self.n_edges += 1;
        if 2 * self.n_edges > self.edges.len() {
            let wider = vec![(EMPTY, 0); 2 * self.edges.len()];
            for (key, child) in std::mem::replace(&mut self.edges, wider) {
                if key != EMPTY {
                    self.place(key, child);
                }
            }
        }
        let child = self.tokens.len() as u32;
        self.tokens.push([NONE; 2]);
        self.place(key(parent, byte), child);
        child
    }

    fn place(&mut self, key: u64, child: u32) {
        let mut at = self.home(key);
        while self.edges[at].0 != EMPTY {
            at = (at + 1) & (self.edges.len() - 1);
        }
        self.edges[at] = (key, child);
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> 32) as usize & (self.edges.len() - 1)
    }

    #[inline]
    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let key = key(node, byte);
        let mut at = self.home(key);
        loop {
            let edge = self.edges[at];
            if edge.0 == key {
                return Some(edge.1);
            }
            if edge.0 == EMPTY {
                return None;
            }
            at = (at + 1) & (self.edges.len() - 1);
        }
    }

    /// Calls `found(length, id)` for every token that `bytes` begins with, shortest first.
    #[inline]
    pub fn matches(&self, bytes: impl Iterator<Item = u8>, place: usize, mut found: impl FnMut(usize, u32)) {
        let mut node = ROOT;
        for (at, byte) in bytes.enumerate() {
            let Some(child) = self.child(node, byte) else { return };
            node = child;
            let id = self.tokens[node as usize][place];
            if id != NONE {
                found(at + 1, id);
            }
        }
    }

    /// Length and id of the longest token that `bytes` begins with.
    pub fn longest(&self, bytes: impl Iterator<Item = u8>, place: usize) -> Option<(usize, u32)> {
        let mut best = None;
        self.matches(bytes, place, |length, id| best = Some((length, id)));
        best
    }
}

#[inline]
fn key(node: u32, byte: u8) -> u64 {
    u64::from(node) << 8 | u64::from(byte)
}
