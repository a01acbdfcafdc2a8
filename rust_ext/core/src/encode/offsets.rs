//! Ids with the bytes and characters of the text that each came from.

use super::atoms::Placed;
use super::superwords::RunScratch;
use super::word::Scratch;
use super::{Allowed, Cut, Encoder};
use crate::error::Result;

/// Tokens of one text with their places in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Output ids.
    pub ids: Vec<u32>,
    /// (begin, end) in bytes of the text.
    pub bytes: Vec<(u64, u64)>,
    /// (begin, end) in characters: those that the token touches.
    pub characters: Vec<(u64, u64)>,
}

impl Encoder {
    /// Encodes one text and says where each token came from.
    ///
    /// A token that covers part of a character has its own bytes, and the whole character. A token that stands for
    /// nothing in the text (a marker put in front) has an empty range, or the first character where the scheme is of a
    /// family whose own library says so.
    pub fn encode_located(&self, text: &[u8], allowed: &Allowed) -> Result<Located> {
        let mut located = Located::default();
        let (mut scratch, mut runs, mut words) = (Scratch::default(), RunScratch::default(), Vec::new());
        let mut base = 0;
        let marker_spans = matches!(&self.cut, Cut::Scheme(scheme) if scheme.front_marker_spans());
        self.parts(text, allowed, |part, is_first, special| {
            let Located { ids, bytes, .. } = &mut located;
            if let Some(id) = special {
                ids.push(id);
                bytes.push((base as u64, (base + part.len()) as u64));
            } else {
                let rewritten = self.rewrite(part, is_first)?;
                words.clear();
                // Where the run of pretokens begins that may go on.
                let mut run = 0;
                self.scan(&rewritten, |start, end| {
                    self.words.encode(&rewritten.text[start..end], &mut scratch);
                    let before = words.len();
                    let is_in_run = match (&self.superwords, scratch.placed.as_slice()) {
                        (Some(superwords), [one]) => superwords.joins(one.id),
                        _ => false,
                    };
                    if !is_in_run {
                        self.join_words(&mut words, run, before, &mut runs);
                    }
                    for placed in &scratch.placed {
                        self.put_placed(placed, start as u32, &mut words);
                    }
                    if !is_in_run {
                        run = words.len();
                    }
                })?;
                let end = words.len();
                self.join_words(&mut words, run, end, &mut runs);
                let source = |at: u32| (base + rewritten.source_offset(at as usize)) as u64;
                ids.extend(words.iter().map(|placed| placed.id));
                bytes.extend(words.iter().map(|placed| {
                    let (start, end) = (source(placed.start), source(placed.end));
                    if start == end && placed.start < placed.end && marker_spans {
                        // As in the library of these families: a marker in front comes from the first character.
                        let first = part.iter().skip(1).take_while(|&&byte| byte & 0xC0 == 0x80).count();
                        return (start, start + 1 + first as u64);
                    }
                    (start, end)
                }));
            }
            base += part.len();
            Ok(())
        })?;
        if let Some(ngrams) = &self.ngrams {
            let plain: Vec<_> = located.ids.drain(..).zip(located.bytes.drain(..)).collect();
            let Located { ids, bytes, .. } = &mut located;
            ngrams.join(
                &plain,
                |token| token.0,
                |id, parts| {
                    ids.push(id);
                    bytes.extend(parts.first().zip(parts.last()).map(|(first, last)| (first.1.0, last.1.1)));
                },
            );
        }
        located.characters = characters(text, &located.bytes);
        Ok(located)
    }

    /// Appends the token of a word that begins at `start`, or what it falls into.
    fn put_placed(&self, placed: &Placed, start: u32, words: &mut Vec<Placed>) {
        let mut put = |placed: Placed| {
            words.push(Placed { id: placed.id, start: start + placed.start, end: start + placed.end });
        };
        match &self.ngrams {
            None => put(*placed),
            Some(ngrams) => ngrams.expand(&self.words.vocabulary, &self.words.atoms, placed, put),
        }
    }

    /// Joins the run `words[first..end]`, the last so far.
    fn join_words(&self, words: &mut Vec<Placed>, first: usize, end: usize, scratch: &mut RunScratch) {
        if let Some(superwords) = &self.superwords
            && end > first + 1
        {
            let mut run = words.split_off(first);
            superwords.join(scratch, &mut run);
            words.append(&mut run);
        }
    }
}

/// The ranges of characters that ranges of bytes touch; ranges begin in ascending order, or nearly so.
fn characters(text: &[u8], ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let is_first = |byte: u8| byte & 0xC0 != 0x80;
    // (byte, characters that begin before it)
    let mut at = (0usize, 0u64);
    let mut count_before = |byte: usize| {
        if byte < at.0 {
            at.1 -= text[byte..at.0].iter().filter(|&&b| is_first(b)).count() as u64;
        } else {
            at.1 += text[at.0..byte].iter().filter(|&&b| is_first(b)).count() as u64;
        }
        at.0 = byte;
        at.1
    };
    let begins = |byte: usize| text.get(byte).is_none_or(|&b| is_first(b));
    ranges
        .iter()
        .map(|&(from, to)| {
            let inside = !begins(from as usize);
            let first = count_before(from as usize) - u64::from(inside);
            // The count before `to` takes in a character that begins before `to`, cut or not.
            (first, if to > from { count_before(to as usize) } else { first })
        })
        .collect()
}
