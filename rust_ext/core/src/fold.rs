//! One walk over encoded documents that counts what metrics divide by each other: characters, words, cut characters.

use crate::error::{Error, Result};

/// Numbers per document: characters, multi-byte characters, words, words of one token, words of several tokens,
/// multi-byte characters of several tokens, then tokens that carry each of `FLAGS` flags.
pub const COLUMNS: usize = 6 + FLAGS;
/// Flags that a token can carry, one bit each.
pub const FLAGS: usize = 6;

/// Documents, their tokens and what is known of each token.
///
/// Document `d` is `data[byte_ends[d]..byte_ends[d + 1]]` and has the tokens `ids[token_ends[d]..token_ends[d + 1]]`,
/// whose lengths add up to it. `lengths` and `flags` are by id.
pub struct Encoded<'a> {
    /// UTF-8 of all documents.
    pub data: &'a [u8],
    /// Where documents end in `data`; starts with 0.
    pub byte_ends: &'a [u64],
    /// Tokens of all documents.
    pub ids: &'a [u32],
    /// Where documents end in `ids`; starts with 0.
    pub token_ends: &'a [u64],
    /// Bytes of each id.
    pub lengths: &'a [u32],
    /// Flags of each id.
    pub flags: &'a [u8],
}

/// The numbers of each document, row by row.
pub fn fold(text: &Encoded<'_>) -> Result<Vec<i64>> {
    let documents = text.byte_ends.len().saturating_sub(1);
    if text.token_ends.len() != text.byte_ends.len() || text.lengths.len() != text.flags.len() {
        return Err(Error::Internal("fold: buffers of different lengths".to_owned()));
    }
    let mut rows = Vec::with_capacity(documents * COLUMNS);
    for (bytes, tokens) in text.byte_ends.windows(2).zip(text.token_ends.windows(2)) {
        let data = range(bytes).and_then(|part| text.data.get(part));
        let ids = range(tokens).and_then(|part| text.ids.get(part));
        let (Some(data), Some(ids)) = (data, ids) else {
            return Err(Error::Internal("fold: offsets are out of order".to_owned()));
        };
        rows.extend_from_slice(&document(data, ids, text)?);
    }
    Ok(rows)
}

fn range(ends: &[u64]) -> Option<std::ops::Range<usize>> {
    match ends {
        [low, high] if low <= high => Some(usize::try_from(*low).ok()?..usize::try_from(*high).ok()?),
        _ => None,
    }
}

fn document(data: &[u8], ids: &[u32], text: &Encoded<'_>) -> Result<[i64; COLUMNS]> {
    let mut walk = Walk::default();
    let mut flagged = [0_i64; FLAGS];
    let mut position = 0_usize;
    for &id in ids {
        let (Some(&length), Some(&flags)) = (text.lengths.get(id as usize), text.flags.get(id as usize)) else {
            return Err(Error::Input(format!("id {id} lies outside of the vocabulary of {}", text.lengths.len())));
        };
        if flags != 0 {
            for (bit, count) in flagged.iter_mut().enumerate() {
                *count += i64::from(flags >> bit & 1);
            }
        }
        if length == 0 {
            continue;
        }
        let end = position + length as usize;
        if end > data.len() {
            return Err(Error::Internal("fold: tokens are longer than their text".to_owned()));
        }
        walk.token(data, position, end);
        position = end;
    }
    if position != data.len() {
        return Err(Error::Internal("fold: tokens are shorter than their text".to_owned()));
    }
    walk.close_word();
    let mut row = [0_i64; COLUMNS];
    let counts = [walk.characters, walk.multibyte, walk.words, walk.single, walk.words - walk.single, walk.cut];
    for (place, value) in row.iter_mut().zip(counts.into_iter().chain(flagged)) {
        *place = value;
    }
    Ok(row)
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
    fn token(&mut self, data: &[u8], start: usize, end: usize) {
        self.token += 1;
        for position in start..end {
            let byte = data.get(position).copied().unwrap_or(0);
            if byte < 0x80 {
                self.characters += 1;
                if matches!(byte, 9..=13 | 28..=32) {
                    self.close_word();
                } else {
                    self.in_this_word();
                }
            } else if byte >= 0xC0 {
                self.characters += 1;
                self.multibyte += 1;
                self.lead_token = self.token;
                self.is_cut = false;
                if byte <= 0xE3 && is_wide_space(data.get(position..).unwrap_or_default()) {
                    self.close_word();
                } else {
                    self.in_this_word();
                }
            } else {
                if self.lead_token != self.token && !self.is_cut {
                    self.is_cut = true;
                    self.cut += 1;
                }
                if self.in_word {
                    self.last_token = self.token;
                }
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

    fn row(data: &str, lengths: &[u32]) -> Result<Vec<i64>> {
        let ids: Vec<u32> = (0..lengths.len() as u32).collect();
        let flags = vec![0; lengths.len()];
        let (bytes, tokens) = ([0, data.len() as u64], [0, ids.len() as u64]);
        fold(&Encoded {
            data: data.as_bytes(),
            byte_ends: &bytes,
            ids: &ids,
            token_ends: &tokens,
            lengths,
            flags: &flags,
        })
    }

    #[test]
    fn counts_characters_words_and_cuts() {
        // "aü |b" : ü is cut, the first word has two tokens, the second one.
        let found = row("aü\u{3000}b", &[2, 4, 1]).unwrap();
        assert_eq!(found, [4, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn refuses_tokens_that_do_not_tile() {
        assert!(row("abc", &[2]).is_err());
        assert!(row("abc", &[4]).is_err());
    }
}
