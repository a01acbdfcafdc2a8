//! The encoder: text to ids by a vocabulary, exactly, on any input.
//!
//! [`Encoder`] cuts the text (special tokens, pre-tokenizer), [`word::WordEncoder`] encodes a pretoken by the rule of
//! its inference mode, and a word cache per thread remembers what it did.

pub mod added;
pub mod atoms;
mod batch;
mod cache;
mod decode;
mod demolish;
pub mod dropout;
mod finder;
mod hash;
mod joins;
mod least_tokens;
mod likelihood;
mod longest;
mod merge;
mod offsets;
mod pairs;
mod places;
mod program;
mod replay;
mod trie;
mod vocab_rank;
pub mod vocabulary;
pub mod word;

pub use batch::Batch;
pub use offsets::Located;

use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::pretok::{Rewritten, Scheme};
use added::Added;
use cache::{Cache, Hit, Query};
use dropout::Random;
use merge::SHORT;
use std::sync::{Arc, Mutex, PoisonError};
use word::{Scratch, WordEncoder};

/// Words that are looked up together; far enough apart for the memory to answer, near enough to stay in the cache.
const GROUP: usize = 64;
/// Bytes of text between two looks at the monitor.
const POLL_BYTES: usize = 1 << 22;

/// Text to ids. Immutable, shared by threads; the caches of past calls wait in a pool.
#[derive(Debug)]
pub struct Encoder {
    words: WordEncoder,
    scheme: Option<Scheme>,
    specials: Vec<(Vec<u8>, u32)>,
    all_specials: Option<Arc<Added>>,
    pool: Mutex<Vec<Workspace>>,
}

/// What one thread needs besides the encoder.
#[derive(Debug, Default)]
pub struct Workspace {
    cache: Cache,
    scratch: Scratch,
    group: Vec<Query>,
}

/// Which special tokens count in the text.
#[derive(Debug, Clone, Default)]
pub struct Allowed(Option<Arc<Added>>);

impl Encoder {
    /// `scheme` cuts the text in pretokens (none: the whole text is one); `specials` are (bytes, id).
    pub fn new(words: WordEncoder, scheme: Option<Scheme>, specials: Vec<(Vec<u8>, u32)>) -> Result<Self> {
        let all = Added::new(specials.iter().map(|(bytes, id)| (bytes.as_slice(), *id)))?;
        Ok(Self { words, scheme, specials, all_specials: all.map(Arc::new), pool: Mutex::default() })
    }

    /// All special tokens count.
    pub fn allow_all(&self) -> Allowed {
        Allowed(self.all_specials.clone())
    }

    /// The special tokens with these ids count; others are ordinary text.
    pub fn allow(&self, ids: &[u32]) -> Result<Allowed> {
        let chosen = self.specials.iter().filter(|(_, id)| ids.contains(id));
        Ok(Allowed(Added::new(chosen.map(|(bytes, id)| (bytes.as_slice(), *id)))?.map(Arc::new)))
    }

    /// A workspace of an earlier call, or a new one.
    pub fn workspace(&self) -> Workspace {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Keeps a workspace for the next call.
    pub fn give_back(&self, workspace: Workspace) {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
    }

    /// Appends the ids of `text` to `ids`.
    pub fn encode(
        &self,
        text: &[u8],
        allowed: &Allowed,
        workspace: &mut Workspace,
        monitor: &mut dyn Monitor,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        self.parts(text, allowed, |part, special| match special {
            Some(id) => {
                ids.push(id);
                Ok(())
            }
            None => self.encode_part(part, workspace, monitor, ids),
        })
    }

    /// Appends the ids of `text` with each merge passed over with probability `p`; no cache.
    pub fn encode_with_dropout(
        &self,
        text: &[u8],
        allowed: &Allowed,
        p: f64,
        random: &mut Random,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::Usage(format!("dropout must lie between 0 and 1, got {p}")));
        }
        if !self.words.merges() {
            return Err(Error::Usage("dropout needs an inference mode that merges (merge, vocab_rank)".into()));
        }
        let mut scratch = Scratch::default();
        self.parts(text, allowed, |part, special| {
            if let Some(id) = special {
                ids.push(id);
                return Ok(());
            }
            let rewritten = self.rewrite(part)?;
            self.scan(&rewritten, |start, end| {
                self.words.encode_with_dropout(&rewritten.text[start..end], p, random, &mut scratch);
                ids.extend(scratch.placed.iter().map(|placed| placed.id));
            })
        })
    }

    fn parts<'t>(
        &self,
        text: &'t [u8],
        allowed: &Allowed,
        mut part: impl FnMut(&'t [u8], Option<u32>) -> Result<()>,
    ) -> Result<()> {
        match &allowed.0 {
            None => part(text, None),
            Some(added) => added.cut(text, |start, end, id| part(&text[start..end], id)),
        }
    }

    fn rewrite<'t>(&self, text: &'t [u8]) -> Result<Rewritten<'t>> {
        let rewritten = match &self.scheme {
            Some(scheme) => scheme.rewrite(text),
            None => Rewritten::same(text),
        };
        // Positions in a pretoken are 32 bits wide.
        if rewritten.text.len() >= u32::MAX as usize / 2 {
            return Err(Error::Input(format!(
                "a text of {} bytes is too long, at most 2^31 bytes are supported",
                text.len()
            )));
        }
        Ok(rewritten)
    }

    #[inline]
    fn scan(&self, rewritten: &Rewritten<'_>, mut f: impl FnMut(usize, usize)) -> Result<()> {
        match &self.scheme {
            Some(scheme) => scheme.scan(&rewritten.text, f),
            None if rewritten.text.is_empty() => Ok(()),
            None => {
                f(0, rewritten.text.len());
                Ok(())
            }
        }
    }

    fn encode_part(
        &self,
        part: &[u8],
        workspace: &mut Workspace,
        monitor: &mut dyn Monitor,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let rewritten = self.rewrite(part)?;
        let text = rewritten.text.as_ref();
        let Workspace { cache, scratch, group } = workspace;
        group.clear();
        // A guess of the usual three to four bytes a token; `ids` grows if it is wrong.
        ids.reserve(text.len() / 4 + 8);
        let mut polled = 0;
        let mut stopped = Ok(());
        self.scan(&rewritten, |start, end| {
            group.push(cache.query(text, start, end));
            if group.len() == GROUP {
                if start - polled >= POLL_BYTES && stopped.is_ok() {
                    polled = start;
                    stopped = monitor.poll("encode", start as u64, text.len() as u64);
                }
                if stopped.is_ok() {
                    self.flush(text, group, cache, scratch, ids);
                }
                group.clear();
            }
        })?;
        stopped?;
        self.flush(text, group, cache, scratch, ids);
        group.clear();
        Ok(())
    }

    /// Appends the ids of a group of words.
    #[inline]
    fn flush(&self, text: &[u8], group: &[Query], cache: &mut Cache, scratch: &mut Scratch, ids: &mut Vec<u32>) {
        let mut filled = ids.len();
        ids.resize(filled + 4 * group.len(), 0);
        for query in group {
            match cache.get(text, query) {
                Hit::Inline(four, n) => {
                    // All four at once: a copy of fixed length is one instruction.
                    match ids.get_mut(filled..filled + 4) {
                        Some(to) => to.copy_from_slice(four),
                        None => {
                            ids.truncate(filled);
                            ids.extend_from_slice(four);
                        }
                    }
                    filled += n;
                }
                Hit::Slice(slice) => {
                    ids.truncate(filled);
                    ids.extend_from_slice(slice);
                    filled = ids.len();
                    ids.resize(filled + 4 * group.len(), 0);
                }
                Hit::Miss => {
                    ids.truncate(filled);
                    self.miss(text, query, cache, scratch, ids);
                    filled = ids.len();
                    ids.resize(filled + 4 * group.len(), 0);
                }
            }
        }
        ids.truncate(filled);
    }

    #[inline(never)]
    fn miss(&self, text: &[u8], query: &Query, cache: &mut Cache, scratch: &mut Scratch, ids: &mut Vec<u32>) {
        let word = &text[query.start..query.end];
        let mut short = [0; SHORT];
        if let Some(n) = self.words.encode_short(word, &mut short) {
            ids.extend_from_slice(&short[..n]);
            cache.put(text, query, short[..n].iter().copied());
            return;
        }
        self.words.encode(word, scratch);
        ids.extend(scratch.placed.iter().map(|placed| placed.id));
        cache.put(text, query, scratch.placed.iter().map(|placed| placed.id));
    }
}
