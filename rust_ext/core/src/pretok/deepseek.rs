//! The six splits of deepseek-llm, each inside the parts that those before it left.
//!
//! - Step 1: `[\r\n]`.
//! - Step 2: `\s?` and a run of letters with case, as of Unicode 12 or so.
//! - Step 3: `\s?[!-/:-~！-／：-～‘-‟　-。]+`; `:-~` holds the ASCII letters too, so that `été` is three parts.
//! - Step 4: `\s+$`.
//! - Step 5: `[一-龥ࠀ-一가-퟿]+`.
//! - Step 6: each `\p{N}` alone (`Digits` of Hugging Face). llama.cpp does not cut between numbers here; the ids are the
//!   same, since a vocabulary trained with this step has no token with two of them.

use super::class::{NUMBER, SPACE, classes_of, decode, look};

/// The regexes of the steps, as in the tokenizer.json of deepseek-llm-7b; `Digits` of step 6 as a regex.
#[rustfmt::skip]
pub const PATTERNS: [&str; 6] = [
    "[\\r\\n]",
    "\\s?[A-Za-z\u{B5}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{1BA}\u{1BC}-\u{1BF}\u{1C4}-\u{293}\u{295}-\u{2AF}\
    \u{370}-\u{373}\u{376}\u{377}\u{37B}-\u{37D}\u{37F}\u{386}\u{388}-\u{38A}\u{38C}\u{38E}-\u{3A1}\
    \u{3A3}-\u{3F5}\u{3F7}-\u{481}\u{48A}-\u{52F}\u{531}-\u{556}\u{10A0}-\u{10C5}\u{13A0}-\u{13F5}\
    \u{13F8}-\u{13FD}\u{1C90}-\u{1CBA}\u{1CBD}-\u{1CBF}\u{1D00}-\u{1D2B}\u{1D6B}-\u{1D77}\u{1D79}-\u{1D9A}\
    \u{1E00}-\u{1F15}\u{1F18}-\u{1F1D}\u{1F20}-\u{1F45}\u{1F48}-\u{1F4D}\u{1F50}-\u{1F57}\u{1F59}\u{1F5B}\
    \u{1F5D}\u{1F5F}-\u{1F7D}\u{1F80}-\u{1FB4}\u{1FB6}-\u{1FBC}\u{1FBE}\u{1FC2}-\u{1FC4}\u{1FC6}-\u{1FCC}\
    \u{1FD0}-\u{1FD3}\u{1FD6}-\u{1FDB}\u{1FE0}-\u{1FEC}\u{1FF2}-\u{1FF4}\u{1FF6}-\u{1FFC}\u{2102}\u{2107}\
    \u{210A}-\u{2113}\u{2115}\u{2119}-\u{211D}\u{2124}\u{2126}\u{2128}\u{212A}-\u{212D}\u{212F}-\u{2134}\u{2139}\
    \u{213C}-\u{213F}\u{2145}-\u{2149}\u{214E}\u{2183}\u{2184}\u{2C00}-\u{2C7B}\u{2C7E}-\u{2CE4}\
    \u{2CEB}-\u{2CEE}\u{2CF2}\u{2CF3}\u{A640}-\u{A66D}\u{A680}-\u{A69B}\u{A722}-\u{A76F}\u{A771}-\u{A787}\
    \u{A78B}-\u{A78E}\u{AB70}-\u{ABBF}\u{FB00}-\u{FB06}\u{FB13}-\u{FB17}\u{FF21}-\u{FF3A}\u{FF41}-\u{FF5A}\
    \u{10400}-\u{1044F}\u{104B0}-\u{104D3}\u{104D8}-\u{104FB}\u{10C80}-\u{10CB2}\u{10CC0}-\u{10CF2}\
    \u{118A0}-\u{118DF}\u{1E900}-\u{1E943}]+",
    "\\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+",
    "\\s+$",
    "[一-龥ࠀ-一가-\u{D7FF}]+",
    "\\p{N}",
];

/// The letters of step 2.
#[rustfmt::skip]
const LETTERS: [(u32, u32); 87] = [
    (0x41, 0x5A), (0x61, 0x7A), (0xB5, 0xB5), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x1BA),
    (0x1BC, 0x1BF), (0x1C4, 0x293), (0x295, 0x2AF), (0x370, 0x373), (0x376, 0x376), (0x377, 0x377),
    (0x37B, 0x37D), (0x37F, 0x37F), (0x386, 0x386), (0x388, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1),
    (0x3A3, 0x3F5), (0x3F7, 0x481), (0x48A, 0x52F), (0x531, 0x556), (0x10A0, 0x10C5), (0x13A0, 0x13F5),
    (0x13F8, 0x13FD), (0x1C90, 0x1CBA), (0x1CBD, 0x1CBF), (0x1D00, 0x1D2B), (0x1D6B, 0x1D77), (0x1D79, 0x1D9A),
    (0x1E00, 0x1F15), (0x1F18, 0x1F1D), (0x1F20, 0x1F45), (0x1F48, 0x1F4D), (0x1F50, 0x1F57), (0x1F59, 0x1F59),
    (0x1F5B, 0x1F5B), (0x1F5D, 0x1F5D), (0x1F5F, 0x1F7D), (0x1F80, 0x1FB4), (0x1FB6, 0x1FBC), (0x1FBE, 0x1FBE),
    (0x1FC2, 0x1FC4), (0x1FC6, 0x1FCC), (0x1FD0, 0x1FD3), (0x1FD6, 0x1FDB), (0x1FE0, 0x1FEC), (0x1FF2, 0x1FF4),
    (0x1FF6, 0x1FFC), (0x2102, 0x2102), (0x2107, 0x2107), (0x210A, 0x2113), (0x2115, 0x2115), (0x2119, 0x211D),
    (0x2124, 0x2124), (0x2126, 0x2126), (0x2128, 0x2128), (0x212A, 0x212D), (0x212F, 0x2134), (0x2139, 0x2139),
    (0x213C, 0x213F), (0x2145, 0x2149), (0x214E, 0x214E), (0x2183, 0x2183), (0x2184, 0x2184), (0x2C00, 0x2C7B),
    (0x2C7E, 0x2CE4), (0x2CEB, 0x2CEE), (0x2CF2, 0x2CF2), (0x2CF3, 0x2CF3), (0xA640, 0xA66D), (0xA680, 0xA69B),
    (0xA722, 0xA76F), (0xA771, 0xA787), (0xA78B, 0xA78E), (0xAB70, 0xABBF), (0xFB00, 0xFB06), (0xFB13, 0xFB17),
    (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x10400, 0x1044F), (0x104B0, 0x104D3), (0x104D8, 0x104FB), (0x10C80, 0x10CB2),
    (0x10CC0, 0x10CF2), (0x118A0, 0x118DF), (0x1E900, 0x1E943),
];

/// Calls `f` with the bounds of each pretoken.
pub fn scan<F: FnMut(usize, usize)>(text: &[u8], f: &mut F) {
    let mut start = 0;
    for at in 0..text.len() {
        if let b'\r' | b'\n' = text[at] {
            words(text, start, at, f);
            f(at, at + 1);
            start = at + 1;
        }
    }
    words(text, start, text.len(), f);
}

/// Step 2 and all after it on a part without line ends.
fn words<F: FnMut(usize, usize)>(text: &[u8], start: usize, end: usize, f: &mut F) {
    spaced_runs(text, start, end, is_letter, &mut |start, end| {
        spaced_runs(text, start, end, is_mark, &mut |start, end| trailing(text, start, end, f));
    });
}

/// Calls `f` with each match of `\s?[wanted]+` between `start` and `end`, and with what lies between the matches.
#[inline(always)]
fn spaced_runs(text: &[u8], start: usize, end: usize, wanted: fn(u32) -> bool, f: &mut impl FnMut(usize, usize)) {
    let text = &text[..end];
    let is_wanted = |at: usize| {
        let (code, length) = decode(text, at);
        (code.is_some_and(wanted), length)
    };
    let (mut gap, mut at) = (start, start);
    while at < end {
        let (mut matches, mut length) = is_wanted(at);
        let mut next = at + length;
        if look(text, at).0 & SPACE != 0 && next < end {
            // The optional space comes first in the regex, even if it is one of the wanted itself.
            let (behind, behind_length) = is_wanted(next);
            if behind {
                (matches, length) = (true, length + behind_length);
                next = at + length;
            }
        }
        if !matches {
            at = next;
            continue;
        }
        while next < end {
            let (more, length) = is_wanted(next);
            if !more {
                break;
            }
            next += length;
        }
        emit(gap, at, f);
        f(at, next);
        (gap, at) = (next, next);
    }
    emit(gap, end, f);
}

/// Step 4 and all after it: the white space at the end of a part.
fn trailing<F: FnMut(usize, usize)>(text: &[u8], start: usize, end: usize, f: &mut F) {
    let (mut at, mut cut) = (start, start);
    while at < end {
        let (classes, length) = look(&text[..end], at);
        at += length;
        if classes & SPACE == 0 {
            cut = at;
        }
    }
    ideographs(text, start, cut, f);
    ideographs(text, cut, end, f);
}

/// Steps 5 and 6.
fn ideographs<F: FnMut(usize, usize)>(text: &[u8], start: usize, end: usize, f: &mut F) {
    let text = &text[..end];
    let (mut piece, mut at, mut inside) = (start, start, false);
    while at < end {
        let (code, length) = decode(text, at);
        let code = code.unwrap_or(0);
        let ideograph = matches!(code, 0x800..=0x9FA5 | 0xAC00..=0xD7FF);
        let number = classes_of(code) & NUMBER != 0;
        if ideograph != inside || number {
            emit(piece, at, f);
            piece = at;
            inside = ideograph;
        }
        at += length;
        if number {
            f(piece, at);
            piece = at;
        }
    }
    emit(piece, end, f);
}

#[inline(always)]
fn emit(start: usize, end: usize, f: &mut impl FnMut(usize, usize)) {
    if start < end {
        f(start, end);
    }
}

fn is_letter(code: u32) -> bool {
    if code < 0x80 {
        return matches!(code, 0x41..=0x5A | 0x61..=0x7A);
    }
    let after = LETTERS.partition_point(|&(first, _)| first <= code);
    after > 0 && code <= LETTERS[after - 1].1
}

/// `[!-/:-~！-／：-～‘-‟　-。]`
fn is_mark(code: u32) -> bool {
    matches!(code, 0x21..=0x2F | 0x3A..=0x7E | 0xFF01..=0xFF0F | 0xFF1A..=0xFF5E | 0x2018..=0x201F | 0x3000..=0x3002)
}
