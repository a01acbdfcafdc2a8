//! The schemes without a pattern of their own: white space, U+2581, and no cutting at all.

use super::class::{LETTER, NUMBER, OTHER, SPACE, run};
use super::rewrite::METASPACE;

/// Runs of characters that are not `\s`; white space is dropped (`WhitespaceSplit` of Hugging Face).
#[inline(always)]
pub fn whitespace<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut at = run(text, 0, SPACE);
    while at < text.len() {
        let end = run(text, at, LETTER | NUMBER | OTHER);
        f(at, end);
        at = run(text, end, SPACE);
    }
}

/// A pretoken begins at each U+2581 (`Metaspace` of Hugging Face with `split`).
#[inline(always)]
pub fn metaspace<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut start = 0;
    for at in 1..text.len() {
        if text[at] == METASPACE[0] && text[at..].starts_with(&METASPACE) {
            f(start, at);
            start = at;
        }
    }
    whole(text, start, f);
}

/// A pretoken is a run of U+2581 and what follows up to the next run.
#[inline(always)]
pub fn space_runs<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut start = 0;
    let mut at = 0;
    let mut is_in_run = true;
    while at < text.len() {
        let is_marker = text[at] == METASPACE[0] && text[at..].starts_with(&METASPACE);
        if is_marker && !is_in_run {
            f(start, at);
            start = at;
        }
        is_in_run = is_marker;
        at += if is_marker { METASPACE.len() } else { 1 };
    }
    whole(text, start, f);
}

/// Runs of bytes that are not U+0020, which is all the white space that `Rewritten::words` leaves.
#[inline(always)]
pub fn words<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut start = 0;
    for word in text.split(|&byte| byte == b' ') {
        if !word.is_empty() {
            f(start, start + word.len());
        }
        start += word.len() + 1;
    }
}

/// The whole text as one pretoken.
#[inline(always)]
pub fn whole<F: FnMut(usize, usize)>(text: &[u8], start: usize, f: &mut F) {
    if start < text.len() {
        f(start, text.len());
    }
}
