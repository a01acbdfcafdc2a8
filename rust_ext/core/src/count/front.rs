//! A small cache before the table: words are Zipf-distributed, so most counting ends here, in the processor's cache.

use super::add;
use super::short::{ShortSlot, prefetch, zeroed};
use crate::error::Result;

/// Two slots a set, the one used last first; what falls out is added to the table.
pub struct Front {
    sets: Vec<[ShortSlot; 2]>,
}

impl Front {
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Self { sets: zeroed((capacity / 2).next_power_of_two())? })
    }

    /// Asks the processor to fetch the set of `hash`.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.sets, self.set_of(hash));
    }

    #[inline(always)]
    fn set_of(&self, hash: u64) -> usize {
        // The table takes the low bits of the hash.
        (hash >> 40) as usize & (self.sets.len() - 1)
    }

    /// Adds `count` to `key`; gives the entry that had to leave, if any.
    #[inline(always)]
    pub fn add(&mut self, key: u128, hash: u64, count: u64, position: u64) -> Result<Option<ShortSlot>> {
        let i = self.set_of(hash);
        let [newer, older] = &mut self.sets[i];
        if newer.key == key {
            newer.count = add(newer.count, count)?;
            return Ok(None);
        }
        std::mem::swap(newer, older);
        if newer.key == key {
            newer.count = add(newer.count, count)?;
            return Ok(None);
        }
        let evicted = std::mem::replace(newer, ShortSlot { key, count, first: position });
        Ok((evicted.count > 0).then_some(evicted))
    }

    /// Takes all entries out.
    pub fn drain(&mut self) -> Vec<ShortSlot> {
        let used = self.sets.iter_mut().flatten().filter(|slot| slot.count > 0);
        used.map(std::mem::take).collect()
    }
}
