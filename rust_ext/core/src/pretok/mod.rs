//! Named, versioned pre-tokenizers: each cuts a text into the pretokens that no merge may cross.
//!
//! The scanners are written by hand, run once over the text without recursion, and are equal to the regex that
//! [`Scheme::pattern`] gives as Hugging Face tokenizers (Oniguruma, Unicode 16.0) reads it.

mod cl100k;
mod class;
mod gpt2;
mod names;
mod plain;
mod rewrite;
mod tables;

pub use rewrite::Rewritten;
pub use tables::UNICODE_VERSION;

use crate::error::Result;
use std::sync::Arc;

/// A pre-tokenizer; cheap to clone.
#[derive(Clone, Debug)]
pub struct Scheme {
    id: Arc<str>,
    scanner: Scanner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scanner {
    Gpt2,
    LlamaBpe,
    Cl100k,
    Qwen2,
    Whitespace,
    Metaspace,
    Sentencepiece,
    Whole,
}

impl Scheme {
    /// The scheme of that name (`llama-bpe@1`; the newest version without `@1`).
    ///
    /// # Errors
    /// `Usage` for an unknown name, with the nearest known one.
    pub fn by_name(spec: &str) -> Result<Scheme> {
        let named = names::find(spec)?;
        Ok(Scheme { id: named.id.into(), scanner: named.scanner })
    }

    /// The ids of all named schemes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        names::ALL.iter().map(|named| named.id)
    }

    /// The canonical name, with version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text as this scheme cuts it: the same, but for the schemes that mark spaces by U+2581.
    pub fn rewrite<'t>(&self, text: &'t [u8]) -> Rewritten<'t> {
        match self.scanner {
            Scanner::Metaspace => Rewritten::metaspace(text),
            Scanner::Sentencepiece => Rewritten::sentencepiece(text),
            _ => Rewritten::same(text),
        }
    }

    /// Calls `f` with the bounds of each pretoken, in order and disjoint, never empty.
    ///
    /// Takes any bytes: one that is not UTF-8 counts as a character that is no letter, number or space. The pretokens
    /// cover the text, but for the white space that `whitespace@1` drops. Time is linear.
    pub fn scan<F: FnMut(usize, usize)>(&self, rewritten: &[u8], mut f: F) -> Result<()> {
        match &self.scanner {
            Scanner::Gpt2 => gpt2::scan(rewritten, &mut f),
            Scanner::LlamaBpe => cl100k::scan::<3, false, F>(rewritten, &mut f),
            Scanner::Cl100k => cl100k::scan::<3, true, F>(rewritten, &mut f),
            Scanner::Qwen2 => cl100k::scan::<1, false, F>(rewritten, &mut f),
            Scanner::Whitespace => plain::whitespace(rewritten, &mut f),
            Scanner::Metaspace | Scanner::Sentencepiece => plain::metaspace(rewritten, &mut f),
            Scanner::Whole => plain::whole(rewritten, 0, &mut f),
        }
        Ok(())
    }
}
