//! The cuts of SuperBPE's published training scripts that llama.cpp has no name for.
//!
//! Since November 2025 ("head") stage 1 cuts like o200k without contractions, and stage 2 fences numbers, runs of two and
//! more punctuation marks, and surplus spaces: `\p{N}{1,3}| ?[^\s\p{L}\p{N}]{2,}[\r\n/]*| +(?!\S)`, the text between
//! matches kept whole. Before ("paper") stage 2 was `superbpe`, and stage 1 cut words and white space in what that leaves.

use super::class::{LETTER, NUMBER, OTHER, SPACE, look, run, run_up_to, spaces};
use super::superbpe;

/// Stage 2 of the later scripts.
#[inline(always)]
pub fn head<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        match fence(text, at) {
            Some(end) => {
                if start < at {
                    f(start, at);
                }
                f(at, end);
                (start, at) = (end, end);
            }
            None => at += look(text, at).1,
        }
    }
    if start < at {
        f(start, at);
    }
}

/// Where the match ends that begins at `start`.
#[inline(always)]
fn fence(text: &[u8], start: usize) -> Option<usize> {
    let (classes, length) = look(text, start);
    let behind = start + length;
    if classes & NUMBER != 0 {
        return Some(run_up_to(text, behind, NUMBER, 2));
    }
    if classes & OTHER != 0 {
        return punctuation(text, behind);
    }
    if text[start] != b' ' {
        return None;
    }
    if behind < text.len() {
        let (classes, length) = look(text, behind);
        if classes & OTHER != 0 {
            return punctuation(text, behind + length);
        }
    }
    let end = start + text[start..].iter().take_while(|byte| **byte == b' ').count();
    let is_free = end == text.len() || look(text, end).0 & SPACE != 0;
    let end = if is_free { end } else { end - 1 };
    (end > start).then_some(end)
}

/// The end of two and more marks, of which the first reaches up to `behind`, with the line ends and slashes after them.
#[inline(always)]
fn punctuation(text: &[u8], behind: usize) -> Option<usize> {
    let mut end = run(text, behind, OTHER);
    if end == behind {
        return None;
    }
    while let Some(b'\r' | b'\n' | b'/') = text.get(end) {
        end += 1;
    }
    Some(end)
}

/// Stage 1 of the earlier scripts: `\p{N}+`, then `(?=(\d{3})+(?!\d))| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` inside.
#[inline(always)]
pub fn paper_words<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    superbpe::scan(text, &mut |start, end| {
        if look(text, start).0 & NUMBER != 0 {
            return f(start, end);
        }
        let part = &text[..end];
        let mut at = start;
        while at < end {
            let next = word(part, at);
            f(at, next);
            at = next;
        }
    });
}

#[inline(always)]
fn word(text: &[u8], start: usize) -> usize {
    let (mut classes, length) = look(text, start);
    let mut at = start + length;
    if text[start] == b' ' && at < text.len() {
        let (behind, length) = look(text, at);
        if behind & SPACE == 0 {
            (classes, at) = (behind, at + length);
        }
    }
    if classes & SPACE == 0 {
        return run(text, at, classes & (LETTER | OTHER));
    }
    spaces(text, start).trailing(text, start)
}
