//! The second stage of SuperBPE (Liu et al., COLM 2025), `superbpe` in llama.cpp: only numbers are fenced.
//!
//! Two splits in a row: `\p{N}+`, then `(?=(\d{3})+(?!\d))` inside of each part. The second is empty: it cuts each run of
//! `\d` in threes from the right. All text between two numbers, line ends included, is one pretoken.

use super::class::{DIGIT, NUMBER, look};

/// Calls `f` with the bounds of each pretoken.
#[inline(always)]
pub fn scan<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let (mut start, mut at) = (0, 0);
    let mut in_number = false;
    while at < text.len() {
        let (classes, length) = look(text, at);
        if (classes & NUMBER != 0) != in_number {
            cut(start, at, f);
            start = at;
            in_number = !in_number;
        }
        if classes & DIGIT == 0 {
            at += length;
            continue;
        }
        let digits = count(text, at);
        for digit in 0..digits {
            if (digits - digit).is_multiple_of(3) {
                cut(start, at, f);
                start = at;
            }
            at += look(text, at).1;
        }
    }
    cut(start, at, f);
}

#[inline(always)]
fn cut<F: FnMut(usize, usize)>(start: usize, end: usize, f: &mut F) {
    if start < end {
        f(start, end);
    }
}

/// How many `\d` stand in a row at `at`.
fn count(text: &[u8], mut at: usize) -> usize {
    let mut digits = 0;
    while at < text.len() {
        let (classes, length) = look(text, at);
        if classes & DIGIT == 0 {
            break;
        }
        digits += 1;
        at += length;
    }
    digits
}
