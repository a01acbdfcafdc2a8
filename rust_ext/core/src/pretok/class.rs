//! Classes of characters, and how to read one character of text that may not be UTF-8.

use super::tables::{BLOCKS, INDEX_RUNS, N_BLOCKS};

/// A set of classes. Every character has at least one; an invalid byte is one character of class `OTHER`.
pub type Classes = u8;

/// `\p{L}`
pub const LETTER: Classes = 1;
/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`: may stand in the upper-case part of a word.
pub const UPPER: Classes = 2;
/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: may stand in the lower-case part of a word.
pub const LOWER: Classes = 4;
/// `\p{N}`
pub const NUMBER: Classes = 8;
/// `\s`: the 25 characters of White_Space, on which Oniguruma, `regex` and Rust agree.
pub const SPACE: Classes = 16;
/// `[\r\n]`
pub const NEWLINE: Classes = 32;
/// `[^\s\p{L}\p{N}]`; marks are among them.
pub const OTHER: Classes = 64;
/// `\d`
pub const DIGIT: Classes = 128;

const BLOCK_BITS: usize = 7;
const BLOCK: usize = 1 << BLOCK_BITS;

static INDEX: [u8; 0x11_0000 / BLOCK] = expand_index();
static DATA: [[Classes; BLOCK]; N_BLOCKS] = expand_blocks();
/// Classes of ASCII bytes; 0 for all others, so that a test of any class fails and the slow path looks closer.
static ASCII: [Classes; 256] = expand_ascii();

const fn expand_index() -> [u8; 0x11_0000 / BLOCK] {
    let mut index = [0; 0x11_0000 / BLOCK];
    let (mut at, mut run) = (0, 0);
    while run < INDEX_RUNS.len() {
        let end = at + INDEX_RUNS[run].0 as usize;
        while at < end {
            index[at] = INDEX_RUNS[run].1;
            at += 1;
        }
        run += 1;
    }
    index
}

const fn expand_blocks() -> [[Classes; BLOCK]; N_BLOCKS] {
    let mut data = [[OTHER; BLOCK]; N_BLOCKS];
    let mut block = 0;
    while block < N_BLOCKS {
        let mut at = 0;
        while at < BLOCK {
            data[block][at] = match BLOCKS[block][at] {
                b'n' => SPACE | NEWLINE,
                b's' => SPACE,
                b'A' => LETTER | UPPER,
                b'a' => LETTER | LOWER,
                b'o' => LETTER | UPPER | LOWER,
                b'm' => OTHER | UPPER | LOWER,
                b'd' => NUMBER | DIGIT,
                b'N' => NUMBER,
                _ => OTHER,
            };
            at += 1;
        }
        block += 1;
    }
    data
}

const fn expand_ascii() -> [Classes; 256] {
    let mut ascii = [0; 256];
    let data = expand_blocks();
    let mut at = 0;
    while at < 128 {
        ascii[at] = data[INDEX_RUNS[0].1 as usize][at];
        at += 1;
    }
    ascii
}

/// The classes of a code point (at most 0x10FFFF).
#[inline(always)]
pub fn classes_of(code: u32) -> Classes {
    let code = code as usize;
    DATA[INDEX[code >> BLOCK_BITS] as usize][code & (BLOCK - 1)]
}

/// The code point at `at` and its length; `None` for the code point where the byte there is no UTF-8.
#[inline(always)]
pub fn decode(text: &[u8], at: usize) -> (Option<u32>, usize) {
    let tail = |byte: u8| (byte & 0xC0 == 0x80).then_some(u32::from(byte & 0x3F));
    let rest = &text[at..];
    let code = match *rest {
        [a @ 0..=0x7F, ..] => return (Some(u32::from(a)), 1),
        [a @ 0xC2..=0xDF, b, ..] => tail(b).map(|b| (u32::from(a & 0x1F) << 6 | b, 2)),
        [a @ 0xE0..=0xEF, b, c, ..] => match (tail(b), tail(c)) {
            (Some(b), Some(c)) => Some((u32::from(a & 0x0F) << 12 | b << 6 | c, 3)),
            _ => None,
        }
        .filter(|&(code, _)| code >= 0x800 && code & 0xF800 != 0xD800),
        [a @ 0xF0..=0xF4, b, c, d, ..] => match (tail(b), tail(c), tail(d)) {
            (Some(b), Some(c), Some(d)) => Some((u32::from(a & 0x07) << 18 | b << 12 | c << 6 | d, 4)),
            _ => None,
        }
        .filter(|&(code, _)| (0x1_0000..0x11_0000).contains(&code)),
        _ => None,
    };
    match code {
        Some((code, length)) => (Some(code), length),
        None => (None, 1),
    }
}

/// Classes and length of the character at `at`, which must lie in the text.
#[inline(always)]
pub fn look(text: &[u8], at: usize) -> (Classes, usize) {
    match ASCII[text[at] as usize] {
        0 => look_wide(text, at),
        classes => (classes, 1),
    }
}

#[inline]
fn look_wide(text: &[u8], at: usize) -> (Classes, usize) {
    let (code, length) = decode(text, at);
    (code.map_or(OTHER, classes_of), length)
}

/// Where the run of characters that have one of `wanted` ends; it begins at `at`.
#[inline(always)]
pub fn run(text: &[u8], mut at: usize, wanted: Classes) -> usize {
    while let Some(&byte) = text.get(at) {
        let classes = ASCII[byte as usize];
        if classes & wanted != 0 {
            at += 1;
        } else if byte < 0x80 {
            break;
        } else {
            let (classes, length) = look_wide(text, at);
            if classes & wanted == 0 {
                break;
            }
            at += length;
        }
    }
    at
}

/// Where the run of at most `limit` characters that have one of `wanted` ends.
#[inline(always)]
pub fn run_up_to(text: &[u8], mut at: usize, wanted: Classes, limit: usize) -> usize {
    for _ in 0..limit {
        if at >= text.len() {
            break;
        }
        let (classes, length) = look(text, at);
        if classes & wanted == 0 {
            break;
        }
        at += length;
    }
    at
}

/// A run of `\s`: where it ends, where its last character begins, and the end of its last CR or LF (0: none).
pub struct Spaces {
    pub end: usize,
    pub last: usize,
    pub newline: usize,
}

/// The run of `\s` that begins at `at`, where there is at least one.
#[inline(always)]
pub fn spaces(text: &[u8], at: usize) -> Spaces {
    let mut run = Spaces { end: at, last: at, newline: 0 };
    while run.end < text.len() {
        let (classes, length) = look(text, run.end);
        if classes & SPACE == 0 {
            break;
        }
        run.last = run.end;
        run.end += length;
        if classes & NEWLINE != 0 {
            run.newline = run.end;
        }
    }
    run
}

impl Spaces {
    /// The end of `\s+(?!\S)|\s+`: a run before other text leaves its last character to what follows.
    #[inline(always)]
    pub fn trailing(&self, text: &[u8], start: usize) -> usize {
        if self.end < text.len() && self.last > start { self.last } else { self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_agrees_with_the_standard_library_on_every_code_point() {
        let mut buffer = [0; 4];
        for code in 0..0x11_0000 {
            if let Some(c) = char::from_u32(code) {
                let bytes = c.encode_utf8(&mut buffer).as_bytes();
                assert_eq!(decode(bytes, 0), (Some(code), bytes.len()));
                for cut in 1..bytes.len() {
                    assert_eq!(decode(&bytes[..cut], 0), (None, 1), "cut off {code:x}");
                    assert_eq!(decode(&bytes[cut..], 0), (None, 1), "tail of {code:x}");
                }
            }
        }
    }

    #[test]
    fn overlong_forms_surrogates_and_codes_above_the_last_are_invalid_bytes() {
        for bad in
            [&b"\xC0\x80"[..], b"\xC1\xBF", b"\xE0\x9F\xBF", b"\xED\xA0\x80", b"\xED\xBF\xBF", b"\xF0\x8F\xBF\xBF"]
        {
            assert_eq!(decode(bad, 0), (None, 1), "{bad:x?}");
        }
        for bad in [&b"\xF4\x90\x80\x80"[..], b"\xF5\x80\x80\x80", b"\xFF", b"\xE2\x28\xA1", b"\xF0\x9F\x98a"] {
            assert_eq!(decode(bad, 0), (None, 1), "{bad:x?}");
        }
    }

    #[test]
    fn every_character_is_exactly_one_of_letter_number_space_other() {
        for code in 0..0x11_0000 {
            let ways = (classes_of(code) & (LETTER | NUMBER | SPACE | OTHER)).count_ones();
            assert_eq!(ways, 1, "{code:x}");
        }
        assert_eq!((0..0x11_0000).filter(|&c| classes_of(c) & SPACE != 0).count(), 25);
    }
}
