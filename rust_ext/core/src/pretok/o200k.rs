//! The patterns of o200k and its relative tekken.
//!
//! o200k is, with `U` for `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and `L` for `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
//! `[^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}`
//! `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`; tekken has no contractions and `\p{N}` for the numbers.

use super::cl100k::contraction;
use super::class::{LOWER, NEWLINE, NUMBER, OTHER, SPACE, UPPER, look, run, run_up_to, spaces};

/// Calls `f` with the bounds of each pretoken; `DIGITS` is the longest number.
#[inline(always)]
pub fn scan<const DIGITS: usize, const CONTRACTIONS: bool, F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut at = 0;
    while at < text.len() {
        let end = next::<DIGITS, CONTRACTIONS>(text, at);
        f(at, end);
        at = end;
    }
}

#[inline(always)]
fn next<const DIGITS: usize, const CONTRACTIONS: bool>(text: &[u8], start: usize) -> usize {
    let (classes, length) = look(text, start);
    let behind = start + length;
    if classes & NUMBER != 0 {
        return run_up_to(text, behind, NUMBER, DIGITS - 1);
    }
    if let Some(end) = word_at(text, start, behind, classes) {
        if CONTRACTIONS && text.get(end) == Some(&b'\'') {
            return end + contraction(&text[end..]);
        }
        return end;
    }
    if classes & OTHER != 0 {
        return tail(text, run(text, behind, OTHER));
    }
    if text[start] == b' ' && behind < text.len() {
        let (classes, length) = look(text, behind);
        if classes & OTHER != 0 {
            return tail(text, run(text, behind + length, OTHER));
        }
    }
    let run = spaces(text, start);
    if run.newline > 0 { run.newline } else { run.trailing(text, start) }
}

/// The end of the word that begins at `start`, where a character of `classes` reaches up to `behind`, without contraction.
///
/// The regex tries, in this order: `U*L+` behind a prefix, `U*L+` without, `U+L*` behind a prefix, `U+L*` without. Only a
/// mark can be both prefix and part of the word.
#[inline(always)]
fn word_at(text: &[u8], start: usize, behind: usize, classes: u8) -> Option<usize> {
    if classes & (OTHER | SPACE) == 0 {
        let word = word(text, start);
        return word.lower.or(word.upper);
    }
    if classes & NEWLINE != 0 {
        return None;
    }
    let word = word(text, behind);
    // A mark alone is an `L+` without prefix, and that stands before `U+L*` behind the mark.
    let mark = (classes & LOWER != 0).then_some(behind);
    word.lower.or(mark).or(word.upper)
}

struct Word {
    /// The end of `U*L+`.
    lower: Option<usize>,
    /// The end of `U+L*` where there is no `U*L+`.
    upper: Option<usize>,
}

#[inline(always)]
fn word(text: &[u8], start: usize) -> Word {
    let (mut at, mut lower) = (start, None);
    while at < text.len() {
        let (classes, length) = look(text, at);
        if classes & UPPER == 0 {
            if classes & LOWER != 0 {
                return Word { lower: Some(run(text, at + length, LOWER)), upper: None };
            }
            break;
        }
        at += length;
        if classes & LOWER != 0 {
            // `U*` gives back as much as `L+` needs: up to the last character of both classes.
            lower = Some(at);
        }
    }
    Word { lower, upper: (at > start).then_some(at) }
}

#[inline(always)]
fn tail(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\r' | b'\n' | b'/') = text.get(at) {
        at += 1;
    }
    at
}
