//! Words that were encoded before: 32-byte slots that hold a short word and up to four ids.
//!
//! Looked up in batches: the slot of each word of a batch is prefetched while the scanner goes on, so that most probes
//! find it in the nearest cache.

use super::hash::{hash_bytes, hash_u128};
use std::hash::{BuildHasher, RandomState};

/// Longest word whose bytes lie in the slot.
pub const INLINE: usize = 15;
/// Longest word that is kept.
pub const LONGEST: usize = 4096;

const FIRST_SLOTS: usize = 1 << 12;
/// 32 MiB; a fuller cache is emptied and fills anew, so that it follows the text and stays bounded.
const MOST_SLOTS: usize = 1 << 20;
/// In ids or four bytes of words.
const MOST_ARENA: usize = 1 << 22;

const TAG_SHIFT: u32 = 124;
const TAG_BITS: u128 = 0xF << TAG_SHIFT;
/// The tag of a slot whose ids lie in the arena; smaller tags are the number of ids in the slot.
const IN_ARENA: u8 = 5;

/// Byte masks by length; the byte on top holds the length (low half) and the tag (high half).
static MASKS: [u128; 16] = masks();

const fn masks() -> [u128; 16] {
    let mut masks = [0; 16];
    let mut length = 1;
    while length < 16 {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
}

#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
struct Slot {
    /// 15 bytes and the length; for longer words their hash and length. 0: empty.
    key: u128,
    /// The ids; or with `IN_ARENA` where they begin, how many, and where the bytes of a longer word begin.
    ids: [u32; 4],
}

const EMPTY: Slot = Slot { key: 0, ids: [0; 4] };

/// A word prepared for lookup: where it is, its key, its hash.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    pub start: usize,
    pub end: usize,
    key: u128,
    hash: u64,
}

/// What the cache knows of a word.
pub enum Hit<'a> {
    /// So many of the four ids.
    Inline(&'a [u32; 4], usize),
    /// These ids.
    Slice(&'a [u32]),
    /// Nothing.
    Miss,
}

/// Word -> ids, private to a thread.
#[derive(Debug)]
pub struct Cache {
    slots: Vec<Slot>,
    used: usize,
    ids: Vec<u32>,
    bytes: Vec<u8>,
    /// Random, so that no text can be made whose words collide; results do not depend on it.
    seed: u64,
}

impl Default for Cache {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(0u8);
        Self { slots: vec![EMPTY; FIRST_SLOTS], used: 0, ids: Vec::new(), bytes: Vec::new(), seed }
    }
}

impl Cache {
    /// The query for the word `text[start..end]`; begins to fetch its slot.
    #[inline(always)]
    pub fn query(&self, text: &[u8], start: usize, end: usize) -> Query {
        let length = end - start;
        let (key, hash) = if length <= INLINE {
            let bytes = match text.get(start..start + 16).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) {
                Some(bytes) => u128::from_le_bytes(bytes),
                None => padded(&text[start..end]),
            };
            let key = bytes & MASKS[length] | (length as u128) << 120;
            (key, hash_u128(key, self.seed))
        } else {
            let hash = hash_bytes(&text[start..end], self.seed);
            (u128::from(hash) | (length as u128 & 0xFFFF_FFFF) << 64, hash)
        };
        prefetch(&self.slots[hash as usize & (self.slots.len() - 1)]);
        Query { start, end, key, hash }
    }

    /// The ids of the word, if it is here.
    #[inline(always)]
    pub fn get(&self, text: &[u8], query: &Query) -> Hit<'_> {
        let mask = self.slots.len() - 1;
        let mut at = query.hash as usize & mask;
        loop {
            let slot = &self.slots[at & mask];
            if slot.key & !TAG_BITS == query.key {
                let tag = (slot.key >> TAG_SHIFT) as u8;
                if query.end - query.start <= INLINE {
                    return if tag < IN_ARENA {
                        Hit::Inline(&slot.ids, usize::from(tag))
                    } else {
                        Hit::Slice(self.slice(slot))
                    };
                }
                let bytes = slot.ids[2] as usize;
                if self.bytes[bytes..bytes + query.end - query.start] == text[query.start..query.end] {
                    return Hit::Slice(self.slice(slot));
                }
            }
            if slot.key == 0 {
                return Hit::Miss;
            }
            at += 1;
        }
    }

    fn slice(&self, slot: &Slot) -> &[u32] {
        &self.ids[slot.ids[0] as usize..][..slot.ids[1] as usize]
    }

    /// Keeps the ids of a word that `get` missed.
    pub fn put(&mut self, text: &[u8], query: &Query, ids: impl ExactSizeIterator<Item = u32>) {
        let length = query.end - query.start;
        if length > LONGEST {
            return;
        }
        if 2 * (self.used + 1) > self.slots.len() {
            self.make_room();
        }
        if self.ids.len() + self.bytes.len() / 4 > MOST_ARENA {
            self.clear();
        }
        let n = ids.len();
        let mut slot = EMPTY;
        if length <= INLINE && n <= 4 {
            slot.key = query.key | (n as u128) << TAG_SHIFT;
            for (kept, id) in slot.ids.iter_mut().zip(ids) {
                *kept = id;
            }
        } else {
            slot.key = query.key | u128::from(IN_ARENA) << TAG_SHIFT;
            slot.ids = [self.ids.len() as u32, n as u32, self.bytes.len() as u32, 0];
            self.ids.extend(ids);
            if length > INLINE {
                self.bytes.extend_from_slice(&text[query.start..query.end]);
            }
        }
        self.used += 1;
        let home = query.hash;
        place(&mut self.slots, slot, home);
    }

    fn make_room(&mut self) {
        if self.slots.len() >= MOST_SLOTS {
            self.clear();
            return;
        }
        let wider = vec![EMPTY; 4 * self.slots.len()];
        for slot in std::mem::replace(&mut self.slots, wider) {
            if slot.key != 0 {
                let key = slot.key & !TAG_BITS;
                let is_short = key >> 120 != 0;
                let hash = if is_short { hash_u128(key, self.seed) } else { key as u64 };
                place(&mut self.slots, slot, hash);
            }
        }
    }

    fn clear(&mut self) {
        self.slots.fill(EMPTY);
        self.used = 0;
        self.ids.clear();
        self.bytes.clear();
    }
}

fn place(slots: &mut [Slot], slot: Slot, hash: u64) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at].key != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = slot;
}

#[cold]
fn padded(word: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..word.len()].copy_from_slice(word);
    u128::from_le_bytes(bytes)
}

#[inline(always)]
fn prefetch(slot: &Slot) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and faults on no address; this one is of a live reference besides.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(slot).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = slot;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_of(hit: Hit<'_>) -> Option<Vec<u32>> {
        match hit {
            Hit::Inline(four, n) => Some(four[..n].to_vec()),
            Hit::Slice(slice) => Some(slice.to_vec()),
            Hit::Miss => None,
        }
    }

    /// Words of all lengths around the limits, told apart only near their ends.
    fn words() -> Vec<Vec<u8>> {
        (1..40usize)
            .flat_map(|length| {
                (0..80u8).map(move |last| {
                    let mut word = vec![b'x'; length];
                    word[length - 1] = last;
                    word
                })
            })
            .collect()
    }

    #[test]
    fn every_word_is_found_with_its_own_ids_while_the_cache_grows() {
        let mut cache = Cache::default();
        let expected = |word: &[u8]| {
            (0..word.len() as u32 % 7).map(|i| i * 1000 + u32::from(word[word.len() - 1])).collect::<Vec<_>>()
        };
        for word in words() {
            let query = cache.query(&word, 0, word.len());
            assert_eq!(ids_of(cache.get(&word, &query)), None);
            cache.put(&word, &query, expected(&word).into_iter());
        }
        for word in words() {
            // The same word at another place, with other bytes behind it.
            let text = [b"__", word.as_slice(), b"tail of the text"].concat();
            let query = cache.query(&text, 2, 2 + word.len());
            assert_eq!(ids_of(cache.get(&text, &query)), Some(expected(&word)));
        }
    }

    #[test]
    fn a_full_cache_starts_anew_and_stays_right() {
        let mut cache = Cache::default();
        for number in 0..(MOST_SLOTS as u32 / 2 + 1000) {
            let word = number.to_le_bytes();
            let query = cache.query(&word, 0, 4);
            assert_eq!(ids_of(cache.get(&word, &query)), None);
            cache.put(&word, &query, [number].into_iter());
            assert_eq!(ids_of(cache.get(&word, &query)), Some(vec![number]));
        }
        assert!(cache.slots.len() <= MOST_SLOTS && cache.used <= 1001);
    }

    #[test]
    fn very_long_words_are_not_kept() {
        let mut cache = Cache::default();
        let word = vec![b'a'; LONGEST + 1];
        let query = cache.query(&word, 0, word.len());
        cache.put(&word, &query, [1].into_iter());
        assert_eq!(cache.used, 0);
    }
}
