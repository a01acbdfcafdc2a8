//! One walk over encoded documents that counts what metrics divide by each other: characters, words, cut characters.

use crate::error::{Error, Result};

/// Numbers per document: characters, multi-byte characters, words, words of one token, words of several tokens,
/// multi-byte characters of several tokens, then tokens that carry each of `FLAGS` flags.
pub const COLUMNS: usize = 6 + FLAGS;
/// Flags that a token can carry, one bit each.
pub const FLAGS: usize = 6;

/// Documents, their tokens and what is known of each token; numbers are little-endian, as buffers have them.
///
/// Document `d` is `data[byte_ends[d]..byte_ends[d + 1]]` and has the tokens `ids[token_ends[d]..token_ends[d + 1]]`.
/// `lengths` and `flags` are by id; `blob` has the bytes of all tokens in the order of ids.
pub struct Encoded<'a> {
    /// UTF-8 of all documents.
    pub data: &'a [u8],
    /// Where documents end in `data`; starts with 0.
    pub byte_ends: &'a [[u8; 8]],
    /// Tokens of all documents.
    pub ids: &'a [[u8; 4]],
    /// Where documents end in `ids`; starts with 0.
    pub token_ends: &'a [[u8; 8]],
    /// Bytes of each token, one after the other.
    pub blob: &'a [u8],
    /// Bytes of each id.
    pub lengths: &'a [[u8; 4]],
    /// Flags of each id.
    pub flags: &'a [u8],
}

/// Adds how often each id occurs to `counts`; the error names the largest id where one has no place there.
pub fn count_ids(ids: &[[u8; 4]], counts: &mut [[u8; 8]]) -> Result<()> {
    for &id in ids {
        match counts.get_mut(u32::from_le_bytes(id) as usize) {
            Some(count) => *count = (u64::from_le_bytes(*count) + 1).to_le_bytes(),
            None => {
                let largest = ids.iter().map(|id| u32::from_le_bytes(*id)).max().unwrap_or_default();
                return Err(outside(largest, counts.len()));
            }
        }
    }
    Ok(())
}

fn outside(id: u32, size: usize) -> Error {
    Error::Input(format!("id {id} lies outside of the vocabulary of {size}"))
}

/// Writes the numbers of all documents, column by column; `false` where the bytes of the tokens are not those of the
/// documents. `columns` has room for `COLUMNS` numbers of each document.
pub fn fold(text: &Encoded<'_>, columns: &mut [[u8; 8]]) -> Result<bool> {
    let documents = text.byte_ends.len().saturating_sub(1);
    let is_odd = text.token_ends.len() != text.byte_ends.len() || text.lengths.len() != text.flags.len();
    if is_odd || columns.len() != documents * COLUMNS {
        return Err(Error::Internal("fold: buffers of different lengths".to_owned()));
    }
    let tokens = Tokens::new(text)?;
    let ends = text.byte_ends.windows(2).zip(text.token_ends.windows(2));
    for (place, (bytes, range_of_ids)) in ends.enumerate() {
        let bytes = range(bytes).filter(|bytes| bytes.end <= text.data.len());
        let ids = range(range_of_ids).and_then(|part| text.ids.get(part));
        let (Some(bytes), Some(ids)) = (bytes, ids) else {
            return Err(Error::Internal("fold: offsets are out of order".to_owned()));
        };
        let Some(row) = document(text.data, bytes, ids, &tokens)? else {
            return Ok(false);
        };
        let mut slot = place;
        for counted in row {
            if let Some(value) = columns.get_mut(slot) {
                *value = counted.to_le_bytes();
            }
            slot += documents;
        }
    }
    Ok(true)
}

fn range(ends: &[[u8; 8]]) -> Option<std::ops::Range<usize>> {
    let [low, high] = ends else { return None };
    let (low, high) = (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
    if low > high {
        return None;
    }
    Some(usize::try_from(low).ok()?..usize::try_from(high).ok()?)
}

/// What a token does to the counts, in one word, so that a vocabulary stays in the cache: two words for each token.
///
/// A token is cut at its white space. What stands before the first is of the word that was begun, what stands after the
/// last begins one, what lies between are words of one token. Three sums stand in lanes of 16 bits, 8 used: characters,
/// multi-byte characters, words within; between them the length in bytes and the flags of the caller.
mod effect {
    /// Lanes to be summed; 256 tokens of 255 fit.
    pub const LANES: u64 = 0x00FF_00FF_00FF;
    pub const MULTIBYTE: u32 = 16;
    pub const WITHIN: u32 = 32;
    pub const LENGTH: u32 = 8;
    pub const FLAGS: u32 = 24;
    /// A character stands before the first white space.
    pub const FIRST: u32 = 48;
    /// It starts with the rest of a character.
    pub const TAIL: u32 = 49;
    /// It holds white space.
    pub const CLOSES: u32 = 50;
    /// It holds white space and goes on after the last.
    pub const LAST: u32 = 51;
    /// A multi-byte character starts in it.
    pub const LEADS: u32 = 52;
    /// It is empty, longer than its head, or to be walked.
    pub const RARE: u64 = 1 << 53;
    /// What it does hangs on what comes after (half a white space), or does not fit the lanes: byte by byte.
    pub const WALKED: u64 = 1 << 54;
}

#[derive(Clone, Copy)]
struct Token {
    /// The first eight bytes, zeros after the last: most tokens are held against their text by one comparison.
    head: u64,
    effect: u64,
}

struct Tokens<'a> {
    table: Vec<Token>,
    /// Where each token starts in `blob`, and the end of the last.
    starts: Vec<usize>,
    blob: &'a [u8],
}

impl<'a> Tokens<'a> {
    fn new(text: &Encoded<'a>) -> Result<Self> {
        let mut table = Vec::with_capacity(text.lengths.len());
        let mut starts = Vec::with_capacity(text.lengths.len() + 1);
        let mut start = 0_usize;
        starts.push(start);
        for (&length, &flags) in text.lengths.iter().zip(text.flags) {
            let end = start.saturating_add(u32::from_le_bytes(length) as usize);
            let Some(bytes) = text.blob.get(start..end) else {
                return Err(Error::Internal("fold: tokens are longer than their blob".to_owned()));
            };
            table.push(token(bytes, flags));
            starts.push(end);
            start = end;
        }
        Ok(Self { table, starts, blob: text.blob })
    }

    fn bytes(&self, id: u32) -> &'a [u8] {
        match self.starts.get(id as usize..) {
            Some([low, high, ..]) => self.blob.get(*low..*high).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Set bits of flags, one in each lane of ten bits, for all sets of flags.
const SPREAD: [u64; 1 << FLAGS] = spread();
const LANE: u32 = 10;

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

/// Tokens whose sums fit the lanes.
const RUN: usize = 256;

fn token(bytes: &[u8], flags: u8) -> Token {
    let head = bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let mut walk = Walk::default();
    walk.begin();
    let is_tail = bytes.first().is_some_and(|byte| is_continuation(*byte));
    let mut before_first = None;
    let mut is_open_ended = false;
    for (place, byte) in bytes.iter().enumerate() {
        let rest = bytes.get(place..).unwrap_or_default();
        is_open_ended |= may_be_wide_space(rest);
        let is_space = is_ascii_space(*byte) || is_wide_space(rest);
        if is_space && before_first.is_none() {
            before_first = Some(walk.tokens_of_word > 0);
            // The first part is of the word before; whether that counts is told where the token is met.
            walk.tokens_of_word = 0;
        }
        walk.byte(*byte, is_space);
    }
    let is_closing = before_first.is_some();
    let goes_on = walk.tokens_of_word > 0;
    let first = before_first.unwrap_or(goes_on);
    let sums = [walk.characters, walk.multibyte, walk.words, bytes.len() as u64];
    let is_walked = is_open_ended || sums.iter().any(|sum| *sum > 255);
    let mut effect = (u64::from(flags) % (1 << FLAGS)) << effect::FLAGS;
    if bytes.is_empty() || bytes.len() > 8 || is_walked {
        effect |= effect::RARE;
    }
    if is_walked {
        return Token { head, effect: effect | effect::WALKED };
    }
    let [characters, multibyte, within, length] = sums;
    effect |= characters | multibyte << effect::MULTIBYTE | within << effect::WITHIN | length << effect::LENGTH;
    let bits = [
        (effect::FIRST, first),
        (effect::TAIL, is_tail),
        (effect::CLOSES, is_closing),
        (effect::LAST, is_closing && goes_on),
        (effect::LEADS, multibyte > 0),
    ];
    Token { head, effect: bits.iter().fold(effect, |effect, (place, bit)| effect | u64::from(*bit) << place) }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Whether bytes that end with a token may begin one of the spaces beyond ASCII.
fn may_be_wide_space(bytes: &[u8]) -> bool {
    matches!(bytes, [0xC2 | 0xE1 | 0xE2 | 0xE3] | [0xE1, 0x9A] | [0xE2, 0x80 | 0x81] | [0xE3, 0x80])
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | 28..=32)
}

fn document(
    data: &[u8],
    range: std::ops::Range<usize>,
    ids: &[[u8; 4]],
    tokens: &Tokens<'_>,
) -> Result<Option<[i64; COLUMNS]>> {
    let mut walk = Walk::default();
    let mut flagged = [0_i64; FLAGS];
    let mut at = range.start;
    for run in ids.chunks(RUN) {
        let (mut lanes, mut flags) = (0_u64, 0_u64);
        for &id in run {
            let id = u32::from_le_bytes(id);
            let Some(&Token { head, effect }) = tokens.table.get(id as usize) else {
                return Err(outside(id, tokens.table.len()));
            };
            let spread = SPREAD.get((effect >> effect::FLAGS & 63) as usize).copied();
            flags = flags.wrapping_add(spread.unwrap_or_default());
            if effect & effect::RARE == 0 {
                let length = effect >> effect::LENGTH & 0xFF;
                if (eight(data, at) ^ head).wrapping_shl(64 - 8 * length as u32) != 0 {
                    return Ok(None);
                }
                at = at.wrapping_add(length as usize);
            } else {
                let bytes = tokens.bytes(id);
                let rest = data.get(at..range.end).unwrap_or_default();
                if !rest.starts_with(bytes) {
                    return Ok(None);
                }
                at += bytes.len();
                if effect & effect::WALKED != 0 {
                    walk.bytes(bytes.len(), rest);
                    continue;
                }
                if bytes.is_empty() {
                    continue;
                }
            }
            lanes = lanes.wrapping_add(effect & effect::LANES);
            walk.token(effect);
        }
        let within = lanes >> effect::WITHIN & 0xFFFF;
        walk.characters += lanes & 0xFFFF;
        walk.multibyte += lanes >> effect::MULTIBYTE & 0xFFFF;
        walk.words += within;
        walk.single += within;
        for (bit, count) in (0_u32..).zip(&mut flagged) {
            *count += (flags >> (bit * LANE) & ((1 << LANE) - 1)) as i64;
        }
    }
    // A token that reached into the next document has been held against that, and is told here.
    if at != range.end {
        return Ok(None);
    }
    walk.close_word();
    let counts = [walk.characters, walk.multibyte, walk.words, walk.single, walk.words - walk.single, walk.cut];
    let [characters, multibyte, words, single, several, cut] = counts.map(|count| count as i64);
    let [a, b, c, d, e, f] = flagged;
    Ok(Some([characters, multibyte, words, single, several, cut, a, b, c, d, e, f]))
}

/// Eight bytes of the text, zeros after its end.
#[inline]
fn eight(data: &[u8], at: usize) -> u64 {
    let rest = data.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[derive(Default)]
struct Walk {
    characters: u64,
    multibyte: u64,
    words: u64,
    single: u64,
    cut: u64,
    /// Tokens of the word that was begun; 0 between words.
    tokens_of_word: u64,
    /// The last character is known to be cut: 0 or 1.
    is_cut: u64,
    /// This token is counted in the word that was begun; a character started in it. Only of tokens gone through by byte.
    is_in_word: bool,
    has_led: bool,
}

impl Walk {
    /// Takes the next token as a whole, without a branch: text is as good as random to the processor.
    #[inline]
    fn token(&mut self, effect: u64) {
        let bit = |place: u32| effect >> place & 1;
        let (tail, closes) = (bit(effect::TAIL), bit(effect::CLOSES));
        let begun = u64::from(self.tokens_of_word > 0);
        let of_word = self.tokens_of_word.wrapping_add(bit(effect::FIRST) | tail & begun);
        // Fewer than there are bytes in memory: checks for overflow would be the greater part of this.
        self.words = self.words.wrapping_add(closes & u64::from(of_word > 0));
        self.single = self.single.wrapping_add(closes & u64::from(of_word == 1));
        self.tokens_of_word = if closes != 0 { bit(effect::LAST) } else { of_word };
        self.cut = self.cut.wrapping_add(tail & (self.is_cut ^ 1));
        self.is_cut = (self.is_cut | tail) & (bit(effect::LEADS) ^ 1);
    }

    fn bytes(&mut self, length: usize, rest: &[u8]) {
        self.begin();
        for (position, &byte) in rest.iter().take(length).enumerate() {
            let is_wide = matches!(byte, 0xC2..=0xE3) && is_wide_space(rest.get(position..).unwrap_or_default());
            self.byte(byte, is_wide || is_ascii_space(byte));
        }
    }

    fn begin(&mut self) {
        (self.is_in_word, self.has_led) = (false, false);
    }

    /// The next byte of a token; `is_space` where a white space starts with it.
    fn byte(&mut self, byte: u8, is_space: bool) {
        if is_continuation(byte) {
            if !self.has_led && self.is_cut == 0 {
                self.is_cut = 1;
                self.cut += 1;
            }
            if self.tokens_of_word > 0 {
                self.in_this_word();
            }
            return;
        }
        self.characters += 1;
        if byte >= 0xC0 {
            self.multibyte += 1;
            self.has_led = true;
            self.is_cut = 0;
        }
        if is_space {
            self.close_word();
        } else {
            self.in_this_word();
        }
    }

    fn in_this_word(&mut self) {
        if !self.is_in_word {
            self.is_in_word = true;
            self.tokens_of_word += 1;
        }
    }

    fn close_word(&mut self) {
        self.words += u64::from(self.tokens_of_word > 0);
        self.single += u64::from(self.tokens_of_word == 1);
        self.tokens_of_word = 0;
        self.is_in_word = false;
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
mod tests;
