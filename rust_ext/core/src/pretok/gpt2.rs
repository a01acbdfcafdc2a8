//! The pattern of GPT-2: `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.

use super::class::{LETTER, NUMBER, OTHER, SPACE, look, run, spaces};

/// Calls `f` with the bounds of each pretoken of `text`.
#[inline(always)]
pub fn scan<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut at = 0;
    while at < text.len() {
        let end = next(text, at);
        f(at, end);
        at = end;
    }
}

#[inline(always)]
fn next(text: &[u8], start: usize) -> usize {
    let byte = text[start];
    if byte == b'\'' {
        match text[start + 1..] {
            [b's' | b'd' | b'm' | b't', ..] => return start + 2,
            [b'l', b'l', ..] | [b'v' | b'r', b'e', ..] => return start + 3,
            _ => {}
        }
    }
    let (mut classes, length) = look(text, start);
    let mut at = start + length;
    if byte == b' ' && at < text.len() {
        let (behind, length) = look(text, at);
        if behind & SPACE == 0 {
            (classes, at) = (behind, at + length);
        }
    }
    if classes & SPACE == 0 {
        return run(text, at, classes & (LETTER | NUMBER | OTHER));
    }
    spaces(text, start).trailing(text, start)
}
