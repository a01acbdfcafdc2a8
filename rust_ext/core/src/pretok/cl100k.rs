//! The patterns of cl100k and its relatives llama-bpe and qwen2.
//!
//! `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
//! is llama-bpe; qwen2 has `\p{N}` for the numbers; cl100k has `|\s++$` before `|\s*[\r\n]`, so that white space at the
//! end of the text is one pretoken even when it holds a line end.

use super::class::{LETTER, NEWLINE, NUMBER, OTHER, look, run, run_up_to, spaces};

/// Calls `f` with the bounds of each pretoken; `DIGITS` is the longest number, `WHOLE_END` the `\s++$` of cl100k.
#[inline(always)]
pub fn scan<const DIGITS: usize, const WHOLE_END: bool, F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut at = 0;
    while at < text.len() {
        let end = next::<DIGITS, WHOLE_END>(text, at);
        f(at, end);
        at = end;
    }
}

#[inline(always)]
fn next<const DIGITS: usize, const WHOLE_END: bool>(text: &[u8], start: usize) -> usize {
    let byte = text[start];
    if byte == b'\'' {
        let length = contraction(&text[start..]);
        if length > 0 {
            return start + length;
        }
    }
    let (classes, length) = look(text, start);
    let mut at = start + length;
    if classes & LETTER != 0 {
        return run(text, at, LETTER);
    }
    if classes & NUMBER != 0 {
        return run_up_to(text, at, NUMBER, DIGITS - 1);
    }
    if classes & NEWLINE == 0 && at < text.len() {
        let (behind, length) = look(text, at);
        if behind & LETTER != 0 {
            return run(text, at + length, LETTER);
        }
        if byte == b' ' && behind & OTHER != 0 {
            at += length;
            return line_ends(text, run(text, at, OTHER));
        }
    }
    if classes & OTHER != 0 {
        return line_ends(text, run(text, at, OTHER));
    }
    let run = spaces(text, start);
    if WHOLE_END && run.end == text.len() {
        return run.end;
    }
    if run.newline > 0 { run.newline } else { run.trailing(text, start) }
}

#[inline(always)]
fn line_ends(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\r' | b'\n') = text.get(at) {
        at += 1;
    }
    at
}

/// Length of `(?i:'s|'t|'re|'ve|'m|'ll|'d)` at the begin of `text`, which is an apostrophe; 0: no match.
#[inline(always)]
pub fn contraction(text: &[u8]) -> usize {
    match text[1..] {
        [b's' | b'S' | b'd' | b'D' | b'm' | b'M' | b't' | b'T', ..] => 2,
        [b'l' | b'L', b'l' | b'L', ..] | [b'v' | b'V' | b'r' | b'R', b'e' | b'E', ..] => 3,
        // U+017F, the long s, folds to s. (U+212A folds to k, which is in none of these.)
        [0xC5, 0xBF, ..] => 3,
        _ => 0,
    }
}
