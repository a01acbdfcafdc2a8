//! ByteSpan's Increment: bytes join their neighbours in the order of their signal, and every span on the way counts.

use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const SPACE: u8 = b' ';
const NONE: u32 = u32::MAX;
/// Steps between two looks at how many spans there are (the published code's).
const LOOK_EVERY: usize = 1000;

/// Documents end to end, with their pre-tokens and the order in which bytes are taken.
#[derive(Debug)]
pub struct Bytes<'a> {
    /// Their bytes.
    pub blob: &'a [u8],
    /// Document `i` is `blob[offsets[i]..offsets[i + 1]]` and occurs `counts[i]` times.
    pub offsets: &'a [u64],
    /// One for each document.
    pub counts: &'a [u64],
    /// Not zero where a pre-token begins, as every document does.
    pub starts: &'a [u8],
    /// Every place once.
    pub order: &'a [u64],
}

/// Options of `increment`.
#[derive(Debug, Clone, Copy)]
pub struct IncrementOptions {
    /// Spans wanted.
    pub wanted: usize,
    /// Spans that occur less often do not count.
    pub min_count: u64,
    /// A span at the start of a pre-token is another than the same bytes inside.
    pub is_typed: bool,
    /// As the published code does it: a byte behind a space is forgotten, and the space taken in its place.
    pub is_reference: bool,
}

/// What came out.
#[derive(Debug, Default, PartialEq)]
pub struct Increments {
    /// (at a start, bytes, count), most frequent first, ties by first use.
    pub spans: Vec<(bool, Vec<u8>, u64)>,
    /// At each look: spans that are frequent enough, different spans seen.
    pub looks: Vec<(usize, usize)>,
}

/// A span is known by where it first stood.
struct Span {
    start: u32,
    end: u32,
    is_start: bool,
    is_known: bool,
    count: u64,
}

/// Takes whole words of bytes: spans are short, and there is one look-up a step and neighbour.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value ^ 0xD6E8_FEB8_6659_FD93) * 0x9E37_79B9_7F4A_7C15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

type Index<'a> = HashMap<(bool, &'a [u8]), u32, BuildHasherDefault<Mix>>;

/// All spans seen so far.
struct Spans<'a> {
    blob: &'a [u8],
    known: &'a [(bool, Vec<u8>)],
    options: IncrementOptions,
    index: Index<'a>,
    spans: Vec<Span>,
    n_found: usize,
}

impl<'a> Spans<'a> {
    fn new(blob: &'a [u8], known: &'a [(bool, Vec<u8>)], options: IncrementOptions) -> Self {
        Self { blob, known, options, index: Index::default(), spans: Vec::new(), n_found: 0 }
    }

    fn slot(&mut self, is_start: bool, start: usize, end: usize) -> &mut Span {
        let is_start = is_start && self.options.is_typed;
        let text = &self.blob[start..end];
        let next = self.spans.len() as u32;
        let place = *self.index.entry((is_start, text)).or_insert(next);
        if place == next {
            let is_known =
                text.len() <= 2 && self.known.iter().any(|(first, bytes)| *first == is_start && bytes == text);
            self.spans.push(Span { start: start as u32, end: end as u32, is_start, is_known, count: 0 });
        }
        &mut self.spans[place as usize]
    }

    fn add(&mut self, is_start: bool, start: usize, end: usize, times: u64) -> Result<()> {
        let least = self.options.min_count;
        let span = self.slot(is_start, start, end);
        let was_found = span.count >= least;
        let sum = span.count.checked_add(times);
        span.count = sum.ok_or_else(|| Error::Input("counts add up to more than 2^64 - 1".into()))?;
        let is_new = !was_found && span.count >= least && !span.is_known;
        self.n_found += usize::from(is_new);
        Ok(())
    }

    fn take(&mut self, is_start: bool, start: usize, end: usize, times: u64) {
        let least = self.options.min_count;
        let span = self.slot(is_start, start, end);
        let was_found = span.count >= least;
        span.count = span.count.saturating_sub(times);
        let is_lost = was_found && span.count < least && !span.is_known;
        self.n_found -= usize::from(is_lost);
    }

    fn best(&self) -> Vec<(bool, Vec<u8>, u64)> {
        let is_found = |span: &&Span| span.count >= self.options.min_count && !span.is_known;
        let mut found: Vec<&Span> = self.spans.iter().filter(is_found).collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.count));
        found.truncate(self.options.wanted);
        let text = |span: &Span| self.blob[span.start as usize..span.end as usize].to_vec();
        found.into_iter().map(|span| (span.is_start, text(span), span.count)).collect()
    }
}

/// Takes the bytes in order. Each joins the span that ends before it, unless it begins a pre-token, the space in front
/// of that if it does not begin one itself, and the span that begins behind it, unless that begins a pre-token. The new
/// span counts one more, those that it was made of one less, but none below 0; the space by itself is not one of them.
/// Ends when as many spans as wanted are frequent enough, or with the last byte. `known` tokens (of one or two bytes)
/// do not count.
///
/// # Errors
/// `Usage`: buffers that do not fit. `Input`: counts above 2^64 - 1. `Resource`: more bytes than 32-bit places.
pub fn increment(
    bytes: &Bytes<'_>,
    known: &[(bool, Vec<u8>)],
    options: IncrementOptions,
    monitor: &mut dyn Monitor,
) -> Result<Increments> {
    let owners = checked(bytes)?;
    let (blob, starts) = (bytes.blob, bytes.starts);
    let n = blob.len();
    let mut spans = Spans::new(blob, known, options);
    let (mut lefts, mut rights) = (vec![NONE; n], vec![NONE; n]);
    let mut looks = Vec::new();
    for (step, &at) in bytes.order.iter().enumerate() {
        let mut here = at as usize;
        let times = bytes.counts[owners[here] as usize];
        let mut left = here;
        if starts[here] == 0 {
            let joined = lefts[here - 1];
            if joined != NONE {
                left = joined as usize;
            }
            if starts[left] == 0 && blob[left - 1] == SPACE {
                left -= 1;
                if options.is_reference && joined == NONE {
                    here -= 1;
                }
            }
        }
        let mut right = here;
        if here + 1 < n && rights[here + 1] != NONE && starts[here + 1] == 0 {
            right = rights[here + 1] as usize;
        }
        lefts[left..=right].fill(left as u32);
        rights[left..=right].fill(right as u32);
        let is_start = starts[left] != 0;
        spans.add(is_start, left, right + 1, times)?;
        if left != here {
            spans.take(is_start, left, here, times);
        }
        if right != here {
            spans.take(false, here + 1, right + 1, times);
        }
        if step % LOOK_EVERY == 0 {
            looks.push((spans.n_found, spans.spans.len()));
            if spans.n_found >= options.wanted {
                break;
            }
            monitor.poll("join bytes", step as u64, n as u64)?;
        }
    }
    Ok(Increments { spans: spans.best(), looks })
}

/// The document of each byte.
fn checked(bytes: &Bytes<'_>) -> Result<Vec<u32>> {
    let n = bytes.blob.len();
    if n >= NONE as usize {
        return Err(Error::Resource(format!("{n} bytes of documents are more than increment can take, 2^32 - 2")));
    }
    let offsets = bytes.offsets;
    let is_sound = offsets.first() == Some(&0)
        && offsets.last() == Some(&(n as u64))
        && offsets.is_sorted()
        && bytes.counts.len() + 1 == offsets.len()
        && bytes.starts.len() == n
        && bytes.order.len() == n
        && bytes.order.iter().all(|&at| at < n as u64);
    if !is_sound {
        return Err(Error::Usage("increment: documents, starts or order that do not fit together".into()));
    }
    let mut owners = vec![0_u32; n];
    for (document, ends) in offsets.windows(2).enumerate() {
        owners[ends[0] as usize..ends[1] as usize].fill(document as u32);
        if ends[0] < ends[1] && bytes.starts[ends[0] as usize] == 0 {
            return Err(Error::Usage(format!("document {document} begins inside a pre-token")));
        }
    }
    Ok(owners)
}
