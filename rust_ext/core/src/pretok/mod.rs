//! Named, versioned pre-tokenizers: each cuts a text into the pretokens that no merge may cross.
//!
//! The scanners are written by hand, run once over the text without recursion, and are equal to the regex that
//! [`Scheme::patterns`] gives as Hugging Face tokenizers (Oniguruma, Unicode 16.0) reads it.

mod cl100k;
mod class;
mod deepseek;
mod gpt2;
mod names;
mod o200k;
mod plain;
mod regex;
mod rewrite;
mod superbpe;
mod superwords;
mod syntax;
mod tables;
pub mod whole_words;

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

#[derive(Clone, Debug)]
enum Scanner {
    Gpt2,
    LlamaBpe,
    Cl100k,
    O200k,
    Qwen2,
    DeepseekLlm,
    Tekken,
    Superbpe,
    SuperbpeHead,
    SuperbpeHeadWords,
    SuperbpePaperWords,
    Whitespace,
    Metaspace,
    Sentencepiece,
    PickyWords,
    SpaceRuns(rewrite::Front),
    Whole,
    Regex(Arc<regex::Splitter>),
}

impl Scheme {
    /// The scheme of that name (`llama-bpe@1`; the newest version without `@1`), or of `regex:<pattern>`.
    ///
    /// The pattern of a named scheme gives that scheme. Other patterns are read as Oniguruma reads them, and keep the
    /// text between matches.
    ///
    /// # Errors
    /// `Usage` for an unknown name, with the nearest known one, and for a bad pattern, with its place.
    pub fn by_name(spec: &str) -> Result<Scheme> {
        let Some(pattern) = spec.strip_prefix("regex:") else { return Ok(Scheme::of(names::find(spec)?)) };
        if let Some(named) = names::find_pattern(pattern) {
            return Ok(Scheme::of(named));
        }
        let scanner = Scanner::Regex(Arc::new(regex::Splitter::new(pattern)?));
        Ok(Scheme { id: spec.into(), scanner })
    }

    fn of(named: &names::Named) -> Scheme {
        Scheme { id: named.id.into(), scanner: named.scanner.clone() }
    }

    /// The regexes to which a named scheme is equal, each a split inside the parts of the one before; of a `regex:` scheme
    /// its own. None: the scheme is not made of regexes.
    pub fn patterns(&self) -> Vec<&str> {
        match self.id.strip_prefix("regex:") {
            Some(pattern) => vec![pattern],
            None => names::find(&self.id).map_or_else(|_| Vec::new(), |named| named.patterns.to_vec()),
        }
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
        self.rewrite_section(text, true)
    }

    /// The same of a part of a text between special tokens; `is_first`: none stands before it.
    pub fn rewrite_section<'t>(&self, text: &'t [u8], is_first: bool) -> Rewritten<'t> {
        match self.scanner {
            Scanner::Metaspace => Rewritten::metaspace(text),
            Scanner::Sentencepiece => Rewritten::sentencepiece(text),
            Scanner::PickyWords => Rewritten::words(text),
            Scanner::SpaceRuns(front) => Rewritten::marked(text, front, is_first),
            _ => Rewritten::same(text),
        }
    }

    /// Whether a marker put in front of a text counts as part of its first character, as Hugging Face has it.
    pub fn front_marker_spans(&self) -> bool {
        matches!(self.scanner, Scanner::SpaceRuns(_))
    }

    /// Calls `f` with the bounds of each pretoken, in order and disjoint, never empty.
    ///
    /// Takes any bytes: one that is not UTF-8 counts as a character that is no letter, number or space. The pretokens
    /// cover the text, but for the white space that `whitespace@1` drops. Time is linear for all named schemes.
    ///
    /// # Errors
    /// `Input` when a `regex:` pattern runs into its limits, with pattern and byte.
    pub fn scan<F: FnMut(usize, usize)>(&self, rewritten: &[u8], mut f: F) -> Result<()> {
        match &self.scanner {
            Scanner::Gpt2 => gpt2::scan(rewritten, &mut f),
            Scanner::LlamaBpe => cl100k::scan::<3, false, F>(rewritten, &mut f),
            Scanner::Cl100k => cl100k::scan::<3, true, F>(rewritten, &mut f),
            Scanner::Qwen2 => cl100k::scan::<1, false, F>(rewritten, &mut f),
            Scanner::O200k => o200k::scan::<3, true, F>(rewritten, &mut f),
            Scanner::Tekken => o200k::scan::<1, false, F>(rewritten, &mut f),
            Scanner::DeepseekLlm => deepseek::scan(rewritten, &mut f),
            Scanner::Superbpe => superbpe::scan(rewritten, &mut f),
            Scanner::SuperbpeHead => superwords::head(rewritten, &mut f),
            Scanner::SuperbpeHeadWords => o200k::scan::<3, false, F>(rewritten, &mut f),
            Scanner::SuperbpePaperWords => superwords::paper_words(rewritten, &mut f),
            Scanner::Whitespace => plain::whitespace(rewritten, &mut f),
            Scanner::Metaspace | Scanner::Sentencepiece => plain::metaspace(rewritten, &mut f),
            Scanner::PickyWords => plain::words(rewritten, &mut f),
            Scanner::SpaceRuns(_) => plain::space_runs(rewritten, &mut f),
            Scanner::Whole => plain::whole(rewritten, 0, &mut f),
            Scanner::Regex(splitter) => return splitter.scan(rewritten, &mut f),
        }
        Ok(())
    }
}
