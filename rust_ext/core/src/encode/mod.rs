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
mod ngrams;
mod offsets;
mod pairs;
mod places;
mod program;
mod replay;
mod superwords;
mod trie;
mod vocab_rank;
pub mod vocabulary;
pub mod word;

pub use batch::Batch;
pub use offsets::Located;

use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::pretok::whole_words::Pretokens;
use crate::pretok::{Rewritten, Scheme};
use added::Added;
use cache::{Cache, Hit, Query};
use dropout::Random;
use merge::SHORT;
use ngrams::Ngrams;
use program::rows;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use superwords::{RunScratch, Superwords};
use word::{Scratch, WordEncoder};

/// Words that are looked up together; far enough apart for the memory to answer, near enough to stay in the cache.
const GROUP: usize = 64;
/// Bytes of text between two looks at the monitor.
const POLL_BYTES: usize = 1 << 22;

/// Text to ids. Immutable, shared by threads; the caches of past calls wait in a pool.
#[derive(Debug)]
pub struct Encoder {
    words: WordEncoder,
    cut: Cut,
    /// What joins pretokens that are one token each.
    superwords: Option<Superwords>,
    /// What joins tokens last.
    ngrams: Option<Ngrams>,
    specials: Vec<(Vec<u8>, u32)>,
    all_specials: Option<Arc<Added>>,
    /// The finder of the last call that named its special tokens: the next call mostly names the same.
    last_allowed: Mutex<Option<(Vec<u32>, Allowed)>>,
    pool: Mutex<Vec<Workspace>>,
}

/// What cuts the text in pretokens.
#[derive(Debug)]
enum Cut {
    /// Nothing: the whole text is one.
    Whole,
    Scheme(Scheme),
    WholeWords(Arc<Pretokens>),
}

/// What one thread needs besides the encoder.
#[derive(Debug, Default)]
pub struct Workspace {
    cache: Cache,
    scratch: Scratch,
    group: Vec<Query>,
    runs: RunScratch,
    plain: Vec<u32>,
}

/// Which special tokens count in the text.
#[derive(Debug, Clone, Default)]
pub struct Allowed(Option<Arc<Added>>);

impl Encoder {
    /// `scheme` cuts the text in pretokens (none: the whole text is one); `specials` are (bytes, id).
    pub fn new(words: WordEncoder, scheme: Option<Scheme>, specials: Vec<(Vec<u8>, u32)>) -> Result<Self> {
        let all = Added::new(specials.iter().map(|(bytes, id)| (bytes.as_slice(), *id)))?;
        let cut = scheme.map_or(Cut::Whole, Cut::Scheme);
        let all_specials = all.map(Arc::new);
        let (last_allowed, pool) = (Mutex::default(), Mutex::default());
        Ok(Self { words, cut, superwords: None, ngrams: None, specials, all_specials, last_allowed, pool })
    }

    /// The same with another cutter, and superwords: (left, right, token) in rank order.
    ///
    /// # Errors
    /// `Tokenizer`: a merge of tokens that do not exist, or too many merges.
    pub fn with_superwords(self, cutter: Arc<Pretokens>, merges: &[[u32; 3]]) -> Result<Self> {
        let is_unknown = |id: &&u32| self.words.vocabulary.bytes(**id).is_none();
        if let Some(id) = merges.iter().flatten().find(is_unknown) {
            return Err(Error::Tokenizer(format!("superwords: no token has the id {id}")));
        }
        let superwords = Some(Superwords::new(merges)?);
        Ok(Self { cut: Cut::WholeWords(cutter), superwords, ..self })
    }

    /// The same with n-grams in place of rare tokens: `log` holds the rows that `ngrams::Ngrams` wants.
    ///
    /// # Errors
    /// `Tokenizer`: rows that contradict each other or the vocabulary.
    pub fn with_ngrams(self, log: &[u32]) -> Result<Self> {
        // New ids follow those of the vocabulary, one for each row at most, so a larger one is a mistake.
        let end = (self.words.vocabulary.end() as usize).saturating_add(log.len());
        let rows = rows(log, u32::try_from(end).unwrap_or(u32::MAX))?;
        let ngrams = Some(Ngrams::new(&self.words.vocabulary, &rows)?);
        Ok(Self { ngrams, ..self })
    }

    /// One more than the largest id.
    pub fn end(&self) -> u32 {
        self.words.vocabulary.end().max(self.ngrams.as_ref().map_or(0, Ngrams::end))
    }

    /// All special tokens count.
    pub fn allow_all(&self) -> Allowed {
        Allowed(self.all_specials.clone())
    }

    /// The special tokens with these ids count; others are ordinary text.
    pub fn allow(&self, ids: &[u32]) -> Result<Allowed> {
        let mut last = self.last_allowed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, allowed)) = last.as_ref().filter(|(named, _)| named == ids) {
            return Ok(allowed.clone());
        }
        let named: HashSet<u32> = ids.iter().copied().collect();
        let chosen = self.specials.iter().filter(|(_, id)| named.contains(id));
        let allowed = Allowed(Added::new(chosen.map(|(bytes, id)| (bytes.as_slice(), *id)))?.map(Arc::new));
        *last = Some((ids.to_vec(), allowed.clone()));
        Ok(allowed)
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
        let first = ids.len();
        self.parts(text, allowed, |part, is_first, special| match special {
            Some(id) => {
                ids.push(id);
                Ok(())
            }
            None => self.encode_part(part, is_first, workspace, monitor, ids),
        })?;
        if let Some(ngrams) = &self.ngrams {
            ngrams.apply(ids, first, &mut workspace.plain);
        }
        Ok(())
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
        if self.superwords.is_some() {
            return Err(Error::Usage("dropout is not defined for boundless models".into()));
        }
        if !self.words.merges() {
            return Err(Error::Usage("dropout needs an inference mode that merges (merge, vocab_rank)".into()));
        }
        let mut scratch = Scratch::default();
        let first = ids.len();
        self.parts(text, allowed, |part, is_first, special| {
            if let Some(id) = special {
                ids.push(id);
                return Ok(());
            }
            let rewritten = self.rewrite(part, is_first)?;
            self.scan(&rewritten, |start, end| {
                self.words.encode_with_dropout(&rewritten.text[start..end], p, random, &mut scratch);
                ids.extend(scratch.placed.iter().map(|placed| placed.id));
            })
        })?;
        if let Some(ngrams) = &self.ngrams {
            ngrams.apply(ids, first, &mut Vec::new());
        }
        Ok(())
    }

    /// Calls `part(section, is_first, special)` for each special token and each stretch between them.
    fn parts<'t>(
        &self,
        text: &'t [u8],
        allowed: &Allowed,
        mut part: impl FnMut(&'t [u8], bool, Option<u32>) -> Result<()>,
    ) -> Result<()> {
        match &allowed.0 {
            None => part(text, true, None),
            Some(added) => added.cut(text, |start, end, id| part(&text[start..end], start == 0, id)),
        }
    }

    fn rewrite<'t>(&self, text: &'t [u8], is_first: bool) -> Result<Rewritten<'t>> {
        let rewritten = match &self.cut {
            Cut::Scheme(scheme) => scheme.rewrite_section(text, is_first),
            Cut::Whole | Cut::WholeWords(_) => Rewritten::same(text),
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
        match &self.cut {
            Cut::Scheme(scheme) => scheme.scan(&rewritten.text, f),
            Cut::WholeWords(cutter) => cutter.scan(&rewritten.text, f),
            Cut::Whole if rewritten.text.is_empty() => Ok(()),
            Cut::Whole => {
                f(0, rewritten.text.len());
                Ok(())
            }
        }
    }

    fn encode_part(
        &self,
        part: &[u8],
        is_first: bool,
        workspace: &mut Workspace,
        monitor: &mut dyn Monitor,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let rewritten = self.rewrite(part, is_first)?;
        let text = rewritten.text.as_ref();
        let Workspace { cache, scratch, group, runs, .. } = workspace;
        group.clear();
        // A guess of the usual three to four bytes a token; `ids` grows if it is wrong.
        ids.reserve(text.len() / 4 + 8);
        let mut polled = 0;
        let mut stopped = Ok(());
        // Where the run of pretokens begins that may go on.
        let mut run = ids.len();
        self.scan(&rewritten, |start, end| {
            group.push(cache.query(text, start, end));
            if group.len() == GROUP {
                if start - polled >= POLL_BYTES && stopped.is_ok() {
                    polled = start;
                    stopped = monitor.poll("encode", start as u64, text.len() as u64);
                }
                if stopped.is_ok() {
                    self.flush(text, group, (cache, scratch, runs), &mut run, ids);
                }
                group.clear();
            }
        })?;
        stopped?;
        self.flush(text, group, (cache, scratch, runs), &mut run, ids);
        group.clear();
        if let Some(superwords) = &self.superwords {
            superwords.join_ids(runs, ids, run, ids.len());
        }
        Ok(())
    }

    /// Appends the ids of a group of words; `run` is where in `ids` the run of pretokens begins that may go on.
    #[inline]
    fn flush(
        &self,
        text: &[u8],
        group: &[Query],
        (cache, scratch, runs): (&mut Cache, &mut Scratch, &mut RunScratch),
        run: &mut usize,
        ids: &mut Vec<u32>,
    ) {
        match &self.superwords {
            None => self.flush_words(text, group, cache, scratch, ids),
            Some(superwords) => self.flush_runs(superwords, text, group, (cache, scratch, runs), run, ids),
        }
    }

    #[inline]
    fn flush_words(&self, text: &[u8], group: &[Query], cache: &mut Cache, scratch: &mut Scratch, ids: &mut Vec<u32>) {
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
