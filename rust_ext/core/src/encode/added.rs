//! Special tokens found in the text: only those that the caller allows, leftmost first, then longest.

use crate::error::{Error, Result};
use aho_corasick::{AhoCorasick, MatchKind};

/// Finds one set of special tokens.
#[derive(Debug)]
pub struct Added {
    automaton: AhoCorasick,
    ids: Vec<u32>,
}

impl Added {
    /// A finder of these (bytes, id); nothing for an empty set.
    pub fn new<'a>(specials: impl Iterator<Item = (&'a [u8], u32)>) -> Result<Option<Self>> {
        let (texts, ids): (Vec<&[u8]>, Vec<u32>) = specials.unzip();
        if texts.is_empty() {
            return Ok(None);
        }
        if let Some(place) = texts.iter().position(|text| text.is_empty()) {
            return Err(Error::Tokenizer(format!("special token {} is empty", ids[place])));
        }
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts);
        let automaton = built.map_err(|error| Error::Tokenizer(format!("special tokens: {error}")))?;
        Ok(Some(Self { automaton, ids }))
    }

    /// Calls `part(start, end, id)` for each stretch of text (no id) and each special token, in order.
    pub fn cut(&self, text: &[u8], mut part: impl FnMut(usize, usize, Option<u32>) -> Result<()>) -> Result<()> {
        let mut start = 0;
        for found in self.automaton.find_iter(text) {
            if found.start() > start {
                part(start, found.start(), None)?;
            }
            part(found.start(), found.end(), Some(self.ids[found.pattern().as_usize()]))?;
            start = found.end();
        }
        if text.len() > start { part(start, text.len(), None) } else { Ok(()) }
    }
}
