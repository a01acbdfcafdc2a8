//! ByteSpan's table of distinct pre-tokens with their spans, and what vocabularies take from it.

use super::increment::Mix;
use super::tail::Typed;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

const POLL_EVERY: usize = 1 << 14;

type Index<'a> = HashMap<(&'a [u8], &'a [u8]), u32, BuildHasherDefault<Mix>>;

/// Documents end to end, cut in pre-tokens and spans.
#[derive(Debug)]
pub struct Marked<'a> {
    /// Their bytes.
    pub blob: &'a [u8],
    /// Document `i` is `blob[offsets[i]..offsets[i + 1]]` and occurs `counts[i]` times; 0: it is left out.
    pub offsets: &'a [u64],
    /// One for each document.
    pub counts: &'a [u64],
    /// Not zero where a pre-token begins, as every document does.
    pub starts: &'a [u8],
    /// Not zero where a byte continues the span of the byte before it; never at a start.
    pub continues: &'a [u8],
}

/// Distinct pre-tokens with their spans, in order of first use.
#[derive(Debug, Default, PartialEq)]
pub struct SpanWords {
    text: Vec<u8>,
    continues: Vec<u8>,
    /// Word `i` is `text[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<usize>,
    counts: Vec<u64>,
}

/// Distinct sequences of ids with their counts, in order of first use.
#[derive(Debug, Default, PartialEq)]
pub struct Seeded {
    /// End to end.
    pub ids: Vec<u32>,
    /// Sequence `i` is `ids[offsets[i]..offsets[i + 1]]`.
    pub offsets: Vec<u64>,
    /// One for each sequence.
    pub counts: Vec<u64>,
}

impl SpanWords {
    /// Counts the pre-tokens of the documents.
    ///
    /// # Errors
    /// `Usage`: buffers that do not fit. `Input`: counts above 2^64 - 1. `Resource`: 2^32 different pre-tokens.
    pub fn new(marked: &Marked<'_>, monitor: &mut dyn Monitor) -> Result<Self> {
        let Marked { blob, offsets, counts, starts, continues } = *marked;
        let n = blob.len();
        let is_sound = offsets.first() == Some(&0)
            && offsets.last() == Some(&(n as u64))
            && offsets.is_sorted()
            && counts.len() + 1 == offsets.len()
            && starts.len() == n
            && continues.len() == n;
        if !is_sound {
            return Err(Error::Usage("spans: documents, starts or marks that do not fit together".into()));
        }
        let mut index = Index::default();
        let mut words = Self { offsets: vec![0], ..Self::default() };
        for (document, ends) in offsets.windows(2).enumerate() {
            if document % POLL_EVERY == 0 {
                monitor.poll("count spans", ends[0], n as u64)?;
            }
            let (mut begin, end) = (ends[0] as usize, ends[1] as usize);
            while begin < end && counts[document] > 0 {
                let length = starts[begin + 1..end].iter().position(|&start| start != 0);
                let stop = length.map_or(end, |length| begin + 1 + length);
                words.add(&mut index, &blob[begin..stop], &continues[begin..stop], counts[document])?;
                begin = stop;
            }
        }
        Ok(words)
    }

    fn add<'a>(&mut self, index: &mut Index<'a>, text: &'a [u8], continues: &'a [u8], count: u64) -> Result<()> {
        let next = u32::try_from(self.counts.len())
            .map_err(|_| Error::Resource("more than 2^32 different pre-tokens".into()))?;
        let place = *index.entry((text, continues)).or_insert(next);
        if place == next {
            self.text.extend_from_slice(text);
            self.continues.extend_from_slice(continues);
            self.offsets.push(self.text.len());
            self.counts.push(count);
            return Ok(());
        }
        let sum = &mut self.counts[place as usize];
        *sum = add(*sum, count)?;
        Ok(())
    }

    /// Every word as its spans with its count: for each whether it begins the word, and its bytes.
    pub fn words(&self) -> impl Iterator<Item = (impl Iterator<Item = (bool, &[u8])>, u64)> {
        self.offsets.windows(2).zip(&self.counts).map(|(ends, &count)| {
            let (text, marks) = (&self.text[ends[0]..ends[1]], &self.continues[ends[0]..ends[1]]);
            let mut begin = 0;
            let spans = std::iter::from_fn(move || {
                let first = begin;
                let rest = marks.get(first + 1..)?;
                begin = rest.iter().position(|&mark| mark == 0).map_or(text.len(), |length| first + 1 + length);
                Some((first == 0, &text[first..begin]))
            });
            (spans, count)
        })
    }

    /// Spans of two bytes and more by falling count, ties by first use; `is_typed`: apart at the start of a word.
    ///
    /// # Errors
    /// `Input`: counts above 2^64 - 1.
    pub fn spans(&self, is_typed: bool) -> Result<Vec<(bool, &[u8], u64)>> {
        let mut index: HashMap<(bool, &[u8]), u32, BuildHasherDefault<Mix>> = HashMap::default();
        let mut spans: Vec<(bool, &[u8], u64)> = Vec::new();
        for (word, count) in self.words() {
            for (is_first, text) in word.filter(|(_, text)| text.len() > 1) {
                let is_first = is_first && is_typed;
                let next = spans.len() as u32;
                let place = *index.entry((is_first, text)).or_insert(next);
                match spans.get_mut(place as usize) {
                    Some(span) => span.2 = add(span.2, count)?,
                    None => spans.push((is_first, text, count)),
                }
            }
        }
        spans.sort_by_key(|span| Reverse(span.2));
        Ok(spans)
    }

    /// The words as ids, places in `known`: a span among those from `n_base` on is one, of others every byte.
    ///
    /// # Errors
    /// `Usage`: a byte is not in `known`. `Input`: counts above 2^64 - 1.
    pub fn sequences(&self, known: &[Typed], n_base: usize, is_typed: bool) -> Result<Seeded> {
        let ids: HashMap<(bool, &[u8]), u32> =
            (0_u32..).zip(known).map(|(id, (is_first, text))| ((*is_first, text.as_slice()), id)).collect();
        let mut index: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut made = Seeded { offsets: vec![0], ..Seeded::default() };
        let mut sequence = Vec::new();
        for (word, count) in self.words() {
            sequence.clear();
            for (is_first, text) in word {
                let is_first = is_first && is_typed;
                if let Some(&id) = ids.get(&(is_first, text)).filter(|id| **id as usize >= n_base) {
                    sequence.push(id);
                    continue;
                }
                for (place, byte) in text.chunks(1).enumerate() {
                    let id = ids.get(&(is_first && place == 0, byte));
                    sequence.push(*id.ok_or_else(|| Error::Usage(format!("the vocabulary lacks the byte {byte:?}")))?);
                }
            }
            if let Some(&place) = index.get(&sequence) {
                let sum = &mut made.counts[place as usize];
                *sum = add(*sum, count)?;
                continue;
            }
            index.insert(sequence.clone(), made.counts.len() as u32);
            made.ids.extend_from_slice(&sequence);
            made.offsets.push(made.ids.len() as u64);
            made.counts.push(count);
        }
        Ok(made)
    }
}

fn add(sum: u64, count: u64) -> Result<u64> {
    sum.checked_add(count).ok_or_else(|| Error::Input("counts add up to more than 2^64 - 1".into()))
}
