//! A max-heap of pairs by count with lazily corrected entries, and the rules that break ties.

use std::cmp::Ordering;

use super::pairs::pair_of;

/// Which of two pairs with equal counts is merged first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The smallest (left id, right id): HF `tokenizers`; rustbpe and bpeasy with ids in byte order.
    SmallestIds,
    /// The pair that comes first in the corpus as it is segmented now: minbpe, tiktoken's educational trainer.
    FirstPosition,
    /// The largest (left string, right string): subword-nmt.
    LargestStrings,
    /// The smallest (left string, right string): BoundlessBPE.
    SmallestStrings,
    /// The shortest merged string in characters, then the smallest: sentencepiece.
    ShortestString,
}

/// One pair with the count (and first position) that it had when it was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub count: i64,
    pub key: u64,
    pub pair: u32,
    /// First position under `Tie::FirstPosition`, else 0.
    pub position: u32,
}

/// The heap; every comparison sees the token strings, because two rules need them.
pub(crate) struct Heap {
    tie: Tie,
    entries: Vec<Entry>,
}

impl Heap {
    pub fn new(tie: Tie) -> Self {
        Self { tie, entries: Vec::new() }
    }

    pub fn peek(&self) -> Option<Entry> {
        self.entries.first().copied()
    }

    pub fn push(&mut self, entry: Entry, tokens: &[Vec<u8>]) {
        self.entries.push(entry);
        self.sift_up(self.entries.len() - 1, tokens);
    }

    pub fn pop(&mut self, tokens: &[Vec<u8>]) {
        let last = self.entries.len().saturating_sub(1);
        if last > 0 {
            self.entries.swap(0, last);
        }
        self.entries.pop();
        self.sift_down(0, tokens);
    }

    /// Replaces the top by an entry that is not greater.
    pub fn lower_top(&mut self, entry: Entry, tokens: &[Vec<u8>]) {
        if let Some(top) = self.entries.first_mut() {
            *top = entry;
            self.sift_down(0, tokens);
        }
    }

    fn sift_up(&mut self, mut at: usize, tokens: &[Vec<u8>]) {
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.order(&self.entries[at], &self.entries[parent], tokens) != Ordering::Greater {
                break;
            }
            self.entries.swap(at, parent);
            at = parent;
        }
    }

    fn sift_down(&mut self, mut at: usize, tokens: &[Vec<u8>]) {
        loop {
            let children = at * 4 + 1..(at * 4 + 5).min(self.entries.len());
            let greatest = children.max_by(|&a, &b| self.order(&self.entries[a], &self.entries[b], tokens));
            let Some(child) = greatest else { return };
            if self.order(&self.entries[child], &self.entries[at], tokens) != Ordering::Greater {
                return;
            }
            self.entries.swap(at, child);
            at = child;
        }
    }

    #[inline(always)]
    fn order(&self, a: &Entry, b: &Entry, tokens: &[Vec<u8>]) -> Ordering {
        a.count.cmp(&b.count).then_with(|| self.break_tie(a, b, tokens))
    }

    fn break_tie(&self, a: &Entry, b: &Entry, tokens: &[Vec<u8>]) -> Ordering {
        if a.key == b.key {
            return b.position.cmp(&a.position);
        }
        let by_ids = || b.key.cmp(&a.key);
        let strings = |entry: &Entry| {
            let (left, right) = pair_of(entry.key);
            (tokens[left as usize].as_slice(), tokens[right as usize].as_slice())
        };
        match self.tie {
            Tie::SmallestIds => by_ids(),
            Tie::FirstPosition => b.position.cmp(&a.position).then_with(by_ids),
            Tie::LargestStrings => strings(a).cmp(&strings(b)).then_with(by_ids),
            Tie::SmallestStrings => strings(b).cmp(&strings(a)).then_with(by_ids),
            Tie::ShortestString => {
                let ((a_left, a_right), (b_left, b_right)) = (strings(a), strings(b));
                let characters = |text: &[u8]| text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
                let length = |left: &[u8], right: &[u8]| characters(left) + characters(right);
                let by_length = length(b_left, b_right).cmp(&length(a_left, a_right));
                let joined = || b_left.iter().chain(b_right).cmp(a_left.iter().chain(a_right));
                by_length.then_with(joined).then_with(by_ids)
            }
        }
    }
}
