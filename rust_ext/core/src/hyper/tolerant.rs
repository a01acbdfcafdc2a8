//! Any codes to base ids, as a model may write them: the rule of zip2zip_compression 0.3.4, without its panics.
//!
//! A model's choice of codes need not be the encoder's, so the book learns from the decoded ids as they come: the
//! phrase at hand grows by one id until it is new. It may differ from the book of an encoder of the same ids.

use super::rules::{Policy, Rules};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A book by code and by phrase; a phrase may have got two codes.
#[derive(Debug, Clone)]
pub struct TolerantDecoder {
    rules: Arc<Rules>,
    by_code: HashMap<u32, Box<[u32]>>,
    by_phrase: HashMap<Box<[u32]>, u32>,
    /// (code, phrase) in order of learning.
    learnt: Vec<(u32, Box<[u32]>)>,
    next: u32,
    buffer: Vec<u32>,
    taken: u64,
}

impl TolerantDecoder {
    /// A decoder at the start of a row.
    ///
    /// # Errors
    /// `Usage`: a policy that takes phrases out again, which only streams of our encoder can follow.
    pub fn new(rules: Arc<Rules>) -> Result<Self> {
        if rules.policy() != Policy::Freeze {
            return Err(Error::Usage("a tolerant decoder works with policy `freeze` only".into()));
        }
        let next = rules.base();
        Ok(Self {
            rules,
            by_code: HashMap::new(),
            by_phrase: HashMap::new(),
            learnt: Vec::new(),
            next,
            buffer: Vec::new(),
            taken: 0,
        })
    }

    /// Starts a new row with an empty book.
    pub fn clear(&mut self) {
        self.by_code.clear();
        self.by_phrase.clear();
        self.learnt.clear();
        self.buffer.clear();
        (self.next, self.taken) = (self.rules.base(), 0);
    }

    /// The book by code; of two codes of a phrase the later.
    pub fn book(&self) -> BTreeMap<u32, &[u32]> {
        self.by_phrase.iter().map(|(phrase, code)| (*code, &**phrase)).collect()
    }

    /// The ids of a code, also of one whose phrase has got another one since.
    pub fn phrase(&self, code: u32) -> Option<&[u32]> {
        self.by_code.get(&code).map(|phrase| &**phrase)
    }

    /// Everything learnt, in order: (code, phrase).
    pub fn learnt(&self) -> &[(u32, Box<[u32]>)] {
        &self.learnt
    }

    /// Takes codes and appends the base ids that they stand for.
    ///
    /// # Errors
    /// `Input`: an unknown code with no phrase before it that it could extend.
    pub fn push(&mut self, codes: &[u32], out: &mut Vec<u32>) -> Result<()> {
        for &code in codes {
            if self.rules.is_disabled(code) {
                out.push(code);
                self.buffer.clear();
            } else if code < self.rules.base() {
                out.push(code);
                self.take(&[code]);
            } else if let Some(phrase) = self.by_code.get(&code).cloned() {
                out.extend_from_slice(&phrase);
                self.take(&phrase);
            } else {
                self.guess(code)?;
                out.extend_from_slice(&self.buffer);
            }
            self.taken += 1;
        }
        Ok(())
    }

    /// Learns from a known phrase.
    fn take(&mut self, phrase: &[u32]) {
        let is_full = u64::from(self.next) >= u64::from(self.rules.base()) + u64::from(self.rules.capacity());
        let longest = self.rules.longest() as usize;
        if self.buffer.is_empty() || (!is_full && self.buffer.len() == longest) {
            self.buffer.clear();
            self.buffer.extend_from_slice(phrase);
            return;
        }
        if is_full {
            self.buffer.clear();
            return;
        }
        for (place, &id) in phrase.iter().enumerate() {
            self.buffer.push(id);
            let rest = if !self.by_phrase.contains_key(self.buffer.as_slice()) {
                let new = self.buffer.clone().into_boxed_slice();
                self.learn(self.next, new);
                place
            } else if self.buffer.len() == longest {
                place + 1
            } else {
                continue;
            };
            self.buffer.clear();
            self.buffer.extend_from_slice(&phrase[rest..]);
            return;
        }
    }

    /// Takes an unknown code for the phrase at hand and its first id.
    fn guess(&mut self, code: u32) -> Result<()> {
        let Some(&first) = self.buffer.first() else {
            return Err(Error::Input(format!(
                "code {code} at position {} stands for nothing, and no phrase before it could be extended",
                self.taken
            )));
        };
        if self.buffer.len() < self.rules.longest() as usize {
            self.buffer.push(first);
            let new = self.buffer.clone().into_boxed_slice();
            self.learn(code, new);
        }
        Ok(())
    }

    fn learn(&mut self, code: u32, phrase: Box<[u32]>) {
        self.by_code.insert(code, phrase.clone());
        self.by_phrase.insert(phrase.clone(), code);
        self.learnt.push((code, phrase));
        self.next = self.next.saturating_add(1);
    }
}
