//! The nearest of many byte strings by Levenshtein distance.

use crate::error::{Error, Result};
use crate::monitor::Monitor;

const FAR: u32 = u32::MAX / 2;

/// Byte strings by length and in order, so that those with a common beginning share the rows of the distance table.
pub struct Nearest<'a> {
    /// By length, ascending.
    groups: Vec<Group<'a>>,
}

/// Strings of one length.
struct Group<'a> {
    length: usize,
    /// The strings and their places in what was given, ascending by bytes, then by place.
    entries: Vec<(&'a [u8], u32)>,
    /// Bytes that an entry shares with the one before it.
    shared: Vec<usize>,
}

/// Distance, longest common beginning, place: the least is the best.
type Rank = (u32, std::cmp::Reverse<usize>, u32);

impl<'a> Nearest<'a> {
    /// Of at least one string.
    pub fn new(strings: &[&'a [u8]]) -> Result<Self> {
        let mut entries: Vec<(&[u8], u32)> = strings.iter().copied().zip(0u32..).collect();
        if entries.is_empty() {
            return Err(Error::Usage("no strings to look among".to_owned()));
        }
        entries.sort_unstable_by_key(|&(text, place)| (text.len(), text, place));
        let groups = entries.chunk_by(|(a, _), (b, _)| a.len() == b.len()).map(Group::new).collect();
        Ok(Self { groups })
    }

    /// The place of the nearest string of each word; ties go to the longer common beginning, then to the lowest place.
    pub fn of_all(&self, words: &[&[u8]], monitor: &mut dyn Monitor) -> Result<Vec<u32>> {
        let mut rows = Vec::new();
        let mut found = Vec::with_capacity(words.len());
        for (number, word) in words.iter().enumerate() {
            monitor.poll("edit distances", number as u64, words.len() as u64)?;
            found.push(self.of(word, &mut rows));
        }
        Ok(found)
    }

    fn of(&self, word: &[u8], rows: &mut Vec<Vec<u32>>) -> u32 {
        let first: Option<Rank> = self.groups.iter().filter_map(|group| group.guess(word)).min();
        let mut best = first.unwrap_or((FAR, std::cmp::Reverse(0), 0));
        fit(rows, 0, word.len() + 1);
        for (column, cell) in rows[0].iter_mut().enumerate() {
            *cell = column as u32;
        }
        // Lengths go outwards: one that differs by more than the best distance so far cannot win.
        let mut groups: Vec<&Group<'_>> = self.groups.iter().collect();
        groups.sort_by_key(|group| group.length.abs_diff(word.len()));
        for group in groups {
            if group.length.abs_diff(word.len()) <= best.0 as usize {
                best = group.search(word, rows, best);
            }
        }
        best.2
    }
}

impl<'a> Group<'a> {
    fn new(entries: &[(&'a [u8], u32)]) -> Self {
        let mut before: &[u8] = &[];
        let shared = entries.iter().map(|(text, _)| common(std::mem::replace(&mut before, text), text)).collect();
        Self { length: entries.first().map_or(0, |(text, _)| text.len()), entries: entries.to_vec(), shared }
    }

    /// `rows` is room to work in: row `d` has the distances of the entry's first `d` bytes to the word's beginnings.
    fn search(&self, word: &[u8], rows: &mut Vec<Vec<u32>>, mut best: Rank) -> Rank {
        // Rows up to `ready` are of the entry at hand; with `dead`, no string with that beginning can be the best.
        let (mut ready, mut dead) = (0, None);
        for ((text, place), &shared) in self.entries.iter().zip(&self.shared) {
            ready = ready.min(shared);
            if dead.is_some_and(|depth| ready >= depth) {
                continue;
            }
            dead = None;
            while ready < text.len() && dead.is_none() {
                ready += 1;
                fit(rows, ready, word.len() + 1);
                if next_row(rows, ready, text[ready - 1], word, self.length, best.0) > best.0 {
                    dead = Some(ready);
                }
            }
            if dead.is_none() {
                let away = rows[text.len()][word.len()];
                if away <= best.0 {
                    best = best.min((away, std::cmp::Reverse(common(word, text)), *place));
                }
            }
        }
        best
    }

    /// The better one of the word's neighbours in the order: a bound to begin with.
    fn guess(&self, word: &[u8]) -> Option<Rank> {
        let at = self.entries.partition_point(|(text, _)| *text < word);
        let near = self.entries.iter().skip(at.saturating_sub(1)).take(2);
        near.map(|(text, place)| {
            let alike = common(word, text);
            // Beyond the common beginning every byte is replaced, added or left out at most.
            ((word.len().max(text.len()) - alike) as u32, std::cmp::Reverse(alike), *place)
        })
        .min()
    }
}

/// Fills row `depth` from the one above where a string of `length` bytes can still be within `most`.
///
/// Returns the least that such a string can come to: what is spelled differently so far, and the difference of what
/// is left. A place is out of reach when the bytes added or left out up to it, and those after it, are too many.
fn next_row(rows: &mut [Vec<u32>], depth: usize, byte: u8, word: &[u8], length: usize, most: u32) -> u32 {
    let (above, below) = rows.split_at_mut(depth);
    let (before, row) = (&above[depth - 1], &mut below[0]);
    // With `spare` insertions and as many deletions to go round, the path stays near both diagonals.
    let spare = (most as usize).saturating_sub(length.abs_diff(word.len())) / 2;
    let ahead = word.len().saturating_sub(length);
    let behind = length.saturating_sub(word.len());
    let low = depth.saturating_sub(behind.saturating_add(spare));
    let high = word.len().min(depth.saturating_add(ahead).saturating_add(spare));
    if low > high {
        return FAR;
    }
    let (mut left, mut least) = (FAR, FAR);
    if low > 0 {
        row[low - 1] = FAR;
    }
    for column in low..=high {
        let straight = if column == 0 { FAR } else { before[column - 1] + u32::from(word[column - 1] != byte) };
        left = straight.min(before[column] + 1).min(left + 1);
        row[column] = left;
        least = least.min(left + (word.len() - column).abs_diff(length - depth) as u32);
    }
    if let Some(cell) = row.get_mut(high + 1) {
        *cell = FAR;
    }
    least
}

fn fit(rows: &mut Vec<Vec<u32>>, depth: usize, width: usize) {
    while rows.len() <= depth {
        rows.push(Vec::new());
    }
    rows[depth].resize(width, FAR);
}

fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Silent;

    fn levenshtein(left: &[u8], right: &[u8]) -> u32 {
        let mut row: Vec<u32> = (0..=right.len() as u32).collect();
        for (i, a) in left.iter().enumerate() {
            let mut corner = row[0];
            row[0] = i as u32 + 1;
            for (j, b) in right.iter().enumerate() {
                let made = (corner + u32::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
                corner = std::mem::replace(&mut row[j + 1], made);
            }
        }
        row[right.len()]
    }

    #[test]
    fn finds_what_a_full_search_finds() {
        let mut state = 7u64;
        let mut draw = |most: usize, letters: u64| -> Vec<u8> {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 33
            };
            let length = next() as usize % (most + 1);
            (0..length).map(|_| b'a' + (next() % letters) as u8).collect()
        };
        for round in 0..60 {
            let letters = 1 + round % 4;
            let texts: Vec<Vec<u8>> = (0..40).map(|_| draw(9, letters)).collect();
            let strings: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            let words: Vec<Vec<u8>> = (0..20).map(|_| draw(12, letters)).collect();
            let asked: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let found = Nearest::new(&strings).unwrap().of_all(&asked, &mut Silent).unwrap();
            for (word, place) in asked.iter().zip(found) {
                let key =
                    |at: usize| (levenshtein(word, strings[at]), std::cmp::Reverse(common(word, strings[at])), at);
                let wanted = (0..strings.len()).map(key).min().unwrap().2;
                assert_eq!(place as usize, wanted, "{word:?} among {strings:?}");
            }
        }
        assert!(Nearest::new(&[]).is_err());
    }
}
