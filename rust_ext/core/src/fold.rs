//! One walk over encoded documents that counts what metrics divide by each other: characters, words, cut characters.

use crate::error::{Error, Result};

/// Numbers per document: characters, multi-byte characters, words, words of one token, words of several tokens,
/// multi-byte characters of several tokens, then tokens that carry each of `FLAGS` flags.
pub const COLUMNS: usize = 6 + FLAGS;
/// Flags that a token can carry, one bit each.
pub const FLAGS: usize = 6;

/// Documents, their tokens and what is known of each token.
///
/// Document `d` is `data[byte_ends[d]..byte_ends[d + 1]]` and has the tokens `ids[token_ends[d]..token_ends[d + 1]]`.
/// `lengths` and `flags` are by id; `blob` has the bytes of all tokens in the order of ids.
pub struct Encoded<'a> {
    /// UTF-8 of all documents.
    pub data: &'a [u8],
    /// Where documents end in `data`; starts with 0.
    pub byte_ends: &'a [u64],
    /// Tokens of all documents.
    pub ids: &'a [u32],
    /// Where documents end in `ids`; starts with 0.
    pub token_ends: &'a [u64],
    /// Bytes of each token, one after the other.
    pub blob: &'a [u8],
    /// Bytes of each id.
    pub lengths: &'a [u32],
    /// Flags of each id.
    pub flags: &'a [u8],
}

/// The numbers of all documents, column by column; `None` where the bytes of the tokens are not those of the documents.
pub fn fold(text: &Encoded<'_>) -> Result<Option<Vec<i64>>> {
    let documents = text.byte_ends.len().saturating_sub(1);
    if text.token_ends.len() != text.byte_ends.len() || text.lengths.len() != text.flags.len() {
        return Err(Error::Internal("fold: buffers of different lengths".to_owned()));
    }
    let tokens = tokens(text)?;
    let mut columns = vec![0_i64; documents * COLUMNS];
    let ends = text.byte_ends.windows(2).zip(text.token_ends.windows(2));
    for (place, (bytes, range_of_ids)) in ends.enumerate() {
        let data = range(bytes).and_then(|part| text.data.get(part));
        let ids = range(range_of_ids).and_then(|part| text.ids.get(part));
        let (Some(data), Some(ids)) = (data, ids) else {
            return Err(Error::Internal("fold: offsets are out of order".to_owned()));
        };
        let Some(row) = document(data, ids, &tokens)? else {
            return Ok(None);
        };
        for (value, counted) in columns.iter_mut().skip(place).step_by(documents).zip(row) {
            *value = counted;
        }
    }
    Ok(Some(columns))
}

fn range(ends: &[u64]) -> Option<std::ops::Range<usize>> {
    match ends {
        [low, high] if low <= high => Some(usize::try_from(*low).ok()?..usize::try_from(*high).ok()?),
        _ => None,
    }
}

struct Token<'a> {
    bytes: &'a [u8],
    /// The first eight bytes, zeros after the last: most tokens are held against their text by one comparison.
    head: u64,
    characters: u32,
    multibyte: u32,
    flags: u8,
    /// It may hold white space that is no ASCII space in front: looked at byte by byte.
    is_slow: bool,
    /// It starts with an ASCII space.
    is_spaced: bool,
    /// It starts with the rest of a character.
    is_tail: bool,
}

impl Token<'_> {
    /// What of `text` comes after the token; `None` where it does not start with it.
    fn strip<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        match text.first_chunk::<8>() {
            Some(chunk) if self.bytes.len() <= 8 => {
                let unused = 64 - 8 * self.bytes.len() as u32;
                let kept = u64::MAX.checked_shr(unused).unwrap_or(0);
                if u64::from_le_bytes(*chunk) & kept == self.head { text.get(self.bytes.len()..) } else { None }
            }
            _ => text.strip_prefix(self.bytes),
        }
    }
}

/// Counts of flags in lanes of a word, emptied before a lane can overflow.
#[derive(Default)]
struct Flagged {
    lanes: u64,
    waiting: u32,
    counts: [i64; FLAGS],
}

const LANE: u32 = 10;
const LANE_MASK: u64 = (1 << LANE) - 1;
/// Each set of flags with one bit at the low end of its lane.
const SPREAD: [u64; 1 << FLAGS] = spread();

const fn spread() -> [u64; 1 << FLAGS] {
    let mut table = [0; 1 << FLAGS];
    let mut flags = 0;
    while flags < table.len() {
        let mut bit = 0;
        while bit < FLAGS {
            table[flags] |= (flags as u64 >> bit & 1) << (bit as u32 * LANE);
            bit += 1;
        }
        flags += 1;
    }
    table
}

impl Flagged {
    fn add(&mut self, flags: u8) {
        self.lanes += SPREAD.get(usize::from(flags)).copied().unwrap_or_default();
        self.waiting += 1;
        if u64::from(self.waiting) == LANE_MASK {
            self.empty();
        }
    }

    fn empty(&mut self) {
        for (bit, count) in (0_u32..).zip(&mut self.counts) {
            *count += (self.lanes >> (bit * LANE) & LANE_MASK) as i64;
        }
        (self.lanes, self.waiting) = (0, 0);
    }
}

fn tokens<'a>(text: &Encoded<'a>) -> Result<Vec<Token<'a>>> {
    let mut rest = text.blob;
    let mut found = Vec::with_capacity(text.lengths.len());
    for (&length, &flags) in text.lengths.iter().zip(text.flags) {
        let Some((bytes, after)) = rest.split_at_checked(length as usize) else {
            return Err(Error::Internal("fold: tokens are longer than their blob".to_owned()));
        };
        rest = after;
        found.push(token(bytes, flags));
    }
    Ok(found)
}

fn token(bytes: &[u8], flags: u8) -> Token<'_> {
    let head = bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let is_spaced = bytes.first() == Some(&b' ');
    let body = bytes.get(usize::from(is_spaced)..).unwrap_or_default();
    let is_tail = body.first().is_some_and(|byte| is_continuation(*byte));
    let has_space = body.iter().any(|byte| is_ascii_space(*byte))
        || (0..body.len()).any(|place| may_be_wide_space(body.get(place..).unwrap_or_default()));
    Token {
        bytes,
        head,
        characters: bytes.iter().filter(|byte| !is_continuation(**byte)).count() as u32,
        multibyte: bytes.iter().filter(|byte| **byte >= 0xC0).count() as u32,
        flags,
        is_slow: body.is_empty() || has_space || (is_spaced && is_tail),
        is_spaced,
        is_tail,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Whether bytes that end with a token may begin one of the spaces beyond ASCII.
fn may_be_wide_space(bytes: &[u8]) -> bool {
    match bytes {
        [0xC2 | 0xE1 | 0xE2 | 0xE3] | [0xE1, 0x9A] | [0xE2, 0x80 | 0x81] | [0xE3, 0x80] => true,
        _ => is_wide_space(bytes),
    }
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | 28..=32)
}

fn document(data: &[u8], ids: &[u32], tokens: &[Token<'_>]) -> Result<Option<[i64; COLUMNS]>> {
    let mut walk = Walk::default();
    let mut flagged = Flagged::default();
    let mut rest = data;
    for &id in ids {
        let Some(token) = tokens.get(id as usize) else {
            return Err(Error::Input(format!("id {id} lies outside of the vocabulary of {}", tokens.len())));
        };
        flagged.add(token.flags);
        if token.bytes.is_empty() {
            continue;
        }
        let Some(after) = token.strip(rest) else {
            return Ok(None);
        };
        walk.token(token, rest);
        rest = after;
    }
    if !rest.is_empty() {
        return Ok(None);
    }
    walk.close_word();
    flagged.empty();
    let mut row = [0_i64; COLUMNS];
    let counts = [walk.characters, walk.multibyte, walk.words, walk.single, walk.words - walk.single, walk.cut];
    for (place, value) in row.iter_mut().zip(counts.into_iter().chain(flagged.counts)) {
        *place = value;
    }
    Ok(Some(row))
}

#[derive(Default)]
struct Walk {
    characters: i64,
    multibyte: i64,
    words: i64,
    single: i64,
    cut: i64,
    token: u64,
    in_word: bool,
    first_token: u64,
    last_token: u64,
    lead_token: u64,
    is_cut: bool,
}

impl Walk {
    /// Takes the next token; `rest` is the text from its first byte on.
    fn token(&mut self, token: &Token<'_>, rest: &[u8]) {
        self.token += 1;
        if token.is_slow {
            return self.bytes(token.bytes.len(), rest);
        }
        if token.is_spaced {
            self.close_word();
        }
        if token.is_tail {
            self.tail();
        }
        if token.multibyte > 0 {
            self.lead_token = self.token;
            self.is_cut = false;
        }
        self.characters += i64::from(token.characters);
        self.multibyte += i64::from(token.multibyte);
        if token.characters > u32::from(token.is_spaced) {
            self.in_this_word();
        }
    }

    /// A byte that continues the character before.
    fn tail(&mut self) {
        if self.lead_token != self.token && !self.is_cut {
            self.is_cut = true;
            self.cut += 1;
        }
        if self.in_word {
            self.last_token = self.token;
        }
    }

    fn bytes(&mut self, length: usize, rest: &[u8]) {
        for (position, &byte) in rest.iter().take(length).enumerate() {
            if byte < 0x80 {
                self.characters += 1;
                if is_ascii_space(byte) {
                    self.close_word();
                } else {
                    self.in_this_word();
                }
            } else if byte >= 0xC0 {
                self.characters += 1;
                self.multibyte += 1;
                self.lead_token = self.token;
                self.is_cut = false;
                if byte <= 0xE3 && is_wide_space(rest.get(position..).unwrap_or_default()) {
                    self.close_word();
                } else {
                    self.in_this_word();
                }
            } else {
                self.tail();
            }
        }
    }

    fn in_this_word(&mut self) {
        if !self.in_word {
            self.in_word = true;
            self.first_token = self.token;
        }
        self.last_token = self.token;
    }

    fn close_word(&mut self) {
        if self.in_word {
            self.in_word = false;
            self.words += 1;
            self.single += i64::from(self.first_token == self.last_token);
        }
    }
}

/// Whether the text starts with one of the spaces beyond ASCII that Python's `str.split` knows.
fn is_wide_space(text: &[u8]) -> bool {
    matches!(
        text,
        [0xC2, 0x85 | 0xA0, ..]
            | [0xE1, 0x9A, 0x80, ..]
            | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..]
            | [0xE2, 0x81, 0x9F, ..]
            | [0xE3, 0x80, 0x80, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(data: &str, tokens: &[&[u8]]) -> Option<Vec<i64>> {
        let ids: Vec<u32> = (0..tokens.len() as u32).collect();
        let lengths: Vec<u32> = tokens.iter().map(|token| token.len() as u32).collect();
        let (flags, blob) = (vec![0; tokens.len()], tokens.concat());
        let (byte_ends, token_ends) = (&[0, data.len() as u64], &[0, ids.len() as u64]);
        let text = Encoded {
            data: data.as_bytes(),
            byte_ends,
            ids: &ids,
            token_ends,
            blob: &blob,
            lengths: &lengths,
            flags: &flags,
        };
        fold(&text).unwrap()
    }

    #[test]
    fn counts_characters_words_and_cuts() {
        // The letter ü is cut; the first word has two tokens, the second one.
        let found = row("aü\u{3000}b c", &[b"a\xc3", b"\xbc\xe3\x80\x80", b"b", b" c"]).unwrap();
        assert_eq!(found, [6, 2, 3, 2, 1, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn counts_flags_beyond_what_a_lane_holds() {
        let (data, ids, byte_ends) = ("ab".repeat(2000), [0_u32, 1].repeat(2000), [0, 4000]);
        let text = Encoded {
            data: data.as_bytes(),
            byte_ends: &byte_ends,
            ids: &ids,
            token_ends: &byte_ends,
            blob: b"ab",
            lengths: &[1, 1],
            flags: &[0b10_0001, 0b10_0000],
        };
        assert_eq!(fold(&text).unwrap().unwrap(), [4000, 0, 1, 0, 1, 0, 2000, 0, 0, 0, 0, 4000]);
    }

    #[test]
    fn tells_a_long_text_from_other_tokens() {
        assert!(row("abcdefghijk", &[b"abcdefgh", b"ijk"]).is_some());
        assert!(row("abcdefghijk", &[b"abcdefg", b"ijk"]).is_none());
        assert!(row("abcdefghijk", &[b"abcdefgx", b"ijk"]).is_none());
        assert!(row("abcdefghijklm", &[b"a", b"bcdefghijx", b"lm"]).is_none());
        assert!(row("a\0\0\0\0\0\0\0\0", &[b"a", b"\0\0\0\0\0\0\0\0"]).is_some());
    }

    #[test]
    fn tells_tokens_that_are_not_the_text() {
        for tokens in [&[b"ab" as &[u8]] as &[&[u8]], &[b"abcd"], &[b"abd"]] {
            assert!(row("abc", tokens).is_none());
        }
    }
}
