//! What encoder and decoder must agree on.

use crate::error::{Error, Result};

/// Codes stay below this, so that a buffer index never overflows.
const CODE_LIMIT: u64 = 1 << 31;

/// What happens to a new phrase when the book is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It is not kept: the book stays as it is (zip2zip).
    Freeze,
    /// The book starts again, empty.
    Reset,
    /// It takes the code of the phrase that was not used for longest, among those that are part of no other.
    Lru,
}

/// Sizes, disabled ids and policy of a book.
#[derive(Debug, Clone)]
pub struct Rules {
    base: u32,
    capacity: u32,
    longest: u32,
    policy: Policy,
    /// One bit an id, up to the largest disabled one below `base`.
    low: Vec<u64>,
    /// Disabled ids behind the codes, sorted.
    high: Vec<u32>,
}

impl Rules {
    /// `base`: ids below it are base ids, `capacity`: most phrases in a book, `longest`: most ids in a phrase.
    /// Disabled ids pass as they are and are part of no phrase; the padding id belongs to them.
    ///
    /// # Errors
    /// `Usage`: an empty vocabulary, phrases of no ids, more than 2^31 codes, or a disabled id that is a code.
    pub fn new(base: u32, capacity: u32, longest: u32, disabled: &[u32], policy: Policy) -> Result<Self> {
        if base == 0 {
            return Err(Error::Usage("initial_vocab_size must be at least 1, got 0".into()));
        }
        if longest == 0 {
            return Err(Error::Usage("max_subtokens must be at least 1, got 0".into()));
        }
        let end = u64::from(base) + u64::from(capacity);
        if end > CODE_LIMIT {
            return Err(Error::Usage(format!(
                "initial_vocab_size + max_codebook_size must be at most {CODE_LIMIT}, got {end}"
            )));
        }
        if let Some(id) = disabled.iter().find(|&&id| id >= base && u64::from(id) < end) {
            return Err(Error::Usage(format!(
                "disabled id {id} is among the codes of hypertokens, {base} to {}",
                end - 1
            )));
        }
        let mut high: Vec<u32> = disabled.iter().copied().filter(|&id| id >= base).collect();
        high.sort_unstable();
        let words = disabled.iter().filter(|&&id| id < base).max().map_or(0, |id| *id as usize / 64 + 1);
        let mut low = vec![0_u64; words];
        for id in disabled.iter().filter(|&&id| id < base) {
            low[*id as usize / 64] |= 1 << (id % 64);
        }
        Ok(Self { base, capacity, longest, policy, low, high })
    }

    /// Ids below this are base ids; the first code.
    #[inline]
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Most phrases in a book.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Most ids in a phrase.
    #[inline]
    pub fn longest(&self) -> u32 {
        self.longest
    }

    /// What happens when the book is full.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Whether the id is never part of a phrase.
    #[inline]
    pub fn is_disabled(&self, id: u32) -> bool {
        if id < self.base {
            self.low.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
        } else {
            self.high.binary_search(&id).is_ok()
        }
    }
}
