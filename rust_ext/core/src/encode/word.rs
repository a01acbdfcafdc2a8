//! One pretoken to ids: the rules that an encoder can follow.

use super::atoms::{Atoms, Placed};
use super::demolish::Demolish;
use super::dropout::{Random, merge_with_dropout};
use super::finder::{Finder, trie_of};
use super::joins::{JoinScratch, Joins};
use super::least_tokens::least_tokens;
use super::likelihood::{Scores, likelihood};
use super::longest::{longest_prefix, longest_suffix, longest_token};
use super::merge::{MergeScratch, SHORT, merge, merge_ids};
use super::pairs::{NO_RANK, Pairs};
use super::program::{JOIN, rows};
use super::replay::{Replay, ReplayScratch};
use super::trie::Trie;
use super::vocab_rank::all_splits;
use super::vocabulary::{NONE, Vocabulary};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// How a vocabulary reads a pretoken.
#[derive(Debug)]
pub enum Rule {
    /// Merges by rank (`merge`, `vocab_rank`).
    Merge(Pairs),
    /// Merges by rank, then tokens outside the vocabulary are taken apart (`exact` of scaffold and its kin), and what
    /// lies apart may be merged again (`exact` of litetoken).
    Demolish(Pairs, Demolish),
    /// Merges and splits in the order of training (`exact` of picky).
    Replay(Replay),
    /// Merges of two and more parts by rank (`exact` of BPE-knockout).
    Join(Joins),
    /// Longest token from the left.
    LongestPrefix(Trie),
    /// Longest token from the right; the trie is of the tokens backwards.
    LongestSuffix(Trie),
    /// Longest token anywhere first.
    LongestToken(Trie),
    /// Fewest tokens.
    LeastTokens(Trie),
    /// Largest sum of scores.
    Likelihood(Trie, Scores),
}

/// Everything that turns one pretoken into ids.
#[derive(Debug)]
pub struct WordEncoder {
    rule: Rule,
    /// Atoms and what unknown ones become.
    pub atoms: Atoms,
    /// Token bytes and ids, specials left out of `find`.
    pub vocabulary: Vocabulary,
    /// Tokens that text never yields by being spelled: special tokens and byte tokens.
    reserved: HashSet<u32>,
    ignore_merges: bool,
    /// Rank of the merge of two bytes, at first byte * 256 + second; only for the short way of `encode_short`.
    byte_ranks: Vec<u32>,
}

/// Buffers for one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The tokens of the last word.
    pub placed: Vec<Placed>,
    merging: MergeScratch,
    replaying: ReplayScratch,
    joining: JoinScratch,
    atoms: Vec<Placed>,
    marked: Vec<u8>,
}

/// What the rule of an encoder is made from.
pub struct RuleData<'a> {
    /// exact, merge, vocab_rank, longest_prefix, longest_suffix, longest_token, least_tokens or likelihood.
    pub mode: &'a str,
    /// (left, right, result) in rank order, for `merge`.
    pub merges: &'a [[u32; 3]],
    /// The log as `super::program` has it, for `exact`: splits after `merges` and merges after those, or all events and
    /// no `merges`, or joins.
    pub log: &'a [u32],
    /// Log probability by output id, for `likelihood`.
    pub scores: Option<Vec<f64>>,
    /// A pretoken that is a token becomes that token, whatever the merges say (HF, tiktoken).
    pub ignore_merges: bool,
}

impl WordEncoder {
    /// Builds the tables of the mode.
    pub fn new(vocabulary: Vocabulary, atoms: Atoms, reserved: HashSet<u32>, data: RuleData<'_>) -> Result<Self> {
        let ordinary = |id: u32| !reserved.contains(&id);
        let trie = |reversed| trie_of(&vocabulary, &atoms, reversed, ordinary);
        let rule = match data.mode {
            "merge" => Rule::Merge(ranked(&vocabulary, data.merges)?),
            "exact" => exact(&vocabulary, &data)?,
            "vocab_rank" if atoms.marked() => {
                return Err(Error::Tokenizer(
                    "inference `vocab_rank` does not go with a subword prefix or suffix".into(),
                ));
            }
            "vocab_rank" => Rule::Merge(all_splits(&vocabulary, ordinary)?),
            "longest_prefix" => Rule::LongestPrefix(trie(false)),
            "longest_suffix" => Rule::LongestSuffix(trie(true)),
            "longest_token" => Rule::LongestToken(trie(false)),
            "least_tokens" => Rule::LeastTokens(trie(false)),
            "likelihood" => {
                let Some(by_id) = data.scores else {
                    return Err(Error::Tokenizer("inference `likelihood` needs scores".into()));
                };
                let scores = Scores::new(by_id);
                let trie = trie_of(&vocabulary, &atoms, false, |id| ordinary(id) && scores.has(id));
                Rule::Likelihood(trie, scores)
            }
            other => {
                return Err(Error::Usage(format!("unknown inference, got `{other}`; one of: {}", MODES.join(", "))));
            }
        };
        let byte_ranks = byte_ranks(&rule, &atoms);
        Ok(Self { rule, atoms, vocabulary, reserved, ignore_merges: data.ignore_merges, byte_ranks })
    }

    /// Whether the rule joins by rank, so that dropout means something.
    pub fn merges(&self) -> bool {
        matches!(self.rule, Rule::Merge(_) | Rule::Demolish(..))
    }

    /// The token that the whole word is, where that goes before the merges.
    #[inline]
    fn whole(&self, word: &[u8]) -> u32 {
        if !self.ignore_merges {
            return NONE;
        }
        let id = self.vocabulary.find(word);
        if id != NONE && self.reserved.contains(&id) { NONE } else { id }
    }

    /// Leaves the tokens of `word` in `scratch.placed`.
    pub fn encode(&self, word: &[u8], scratch: &mut Scratch) {
        scratch.placed.clear();
        let id = self.whole(word);
        if id != NONE {
            scratch.placed.push(Placed { id, start: 0, end: word.len() as u32 });
            return;
        }
        let Scratch { placed, merging, replaying, joining, atoms, marked } = scratch;
        let with_mark = |marked: &mut Vec<u8>| {
            marked.clear();
            marked.extend_from_slice(word);
            marked.extend_from_slice(self.atoms.suffix());
        };
        match &self.rule {
            Rule::Merge(pairs) => {
                self.atoms.split(&self.vocabulary, word, placed);
                merge(pairs, merging, placed);
            }
            Rule::Demolish(pairs, demolish) => {
                self.atoms.split(&self.vocabulary, word, placed);
                atoms.clone_from(placed);
                merge(pairs, merging, placed);
                if demolish.apply(atoms, placed)
                    && let Some(again) = demolish.again()
                {
                    merge(again, merging, placed);
                }
            }
            Rule::Replay(replay) => {
                self.atoms.split(&self.vocabulary, word, placed);
                replay.replay(replaying, placed);
            }
            Rule::Join(joins) => {
                self.atoms.split(&self.vocabulary, word, placed);
                joins.join(joining, placed);
            }
            _ => {
                with_mark(marked);
                match &self.rule {
                    Rule::Merge(_) | Rule::Demolish(..) | Rule::Replay(_) | Rule::Join(_) => (),
                    Rule::LongestPrefix(trie) => longest_prefix(&Finder::new(trie, &self.atoms, marked), placed),
                    Rule::LongestSuffix(trie) => longest_suffix(&Finder::new(trie, &self.atoms, marked), placed),
                    Rule::LongestToken(trie) => longest_token(&Finder::new(trie, &self.atoms, marked), placed),
                    Rule::LeastTokens(trie) => least_tokens(&Finder::new(trie, &self.atoms, marked), placed),
                    Rule::Likelihood(trie, scores) => {
                        likelihood(&Finder::new(trie, &self.atoms, marked), scores, placed);
                    }
                }
            }
        }
    }

    /// The same by merges with dropout; the whole-word short cut is off, as in HF.
    pub fn encode_with_dropout(&self, word: &[u8], p: f64, random: &mut Random, scratch: &mut Scratch) {
        scratch.placed.clear();
        let (Rule::Merge(pairs) | Rule::Demolish(pairs, _)) = &self.rule else { return };
        self.atoms.split(&self.vocabulary, word, &mut scratch.placed);
        scratch.atoms.clone_from(&scratch.placed);
        merge_with_dropout(pairs, random, p, &mut scratch.placed);
        if let Rule::Demolish(_, demolish) = &self.rule
            && demolish.apply(&scratch.atoms, &mut scratch.placed)
            && let Some(again) = demolish.again()
        {
            merge_with_dropout(again, random, p, &mut scratch.placed);
        }
    }

    /// The fast way for a short word: writes its ids to `ids` and returns their number, or `None` if it does not apply.
    #[inline]
    pub fn encode_short(&self, word: &[u8], ids: &mut [u32; SHORT]) -> Option<usize> {
        let (Rule::Merge(pairs) | Rule::Demolish(pairs, _)) = &self.rule else { return None };
        let atoms = self.atoms.plain_bytes()?;
        if word.len() > SHORT {
            return None;
        }
        let id = self.whole(word);
        if id != NONE {
            ids[0] = id;
            return Some(1);
        }
        for (id, &byte) in ids.iter_mut().zip(word) {
            *id = atoms[usize::from(byte)];
            if *id == NONE {
                return None;
            }
        }
        let first =
            |at: usize, _: &[u32; SHORT]| self.byte_ranks[usize::from(word[at]) << 8 | usize::from(word[at + 1])];
        let alive = merge_ids(pairs, ids, word.len(), first);
        let n = compacted(ids, alive);
        let Rule::Demolish(_, demolish) = &self.rule else { return Some(n) };
        if !ids[..n].iter().any(|&id| demolish.is_outside(id)) {
            return Some(n);
        }
        // The pieces of a word are never more than its bytes, so they fit where the word fitted.
        let merged = *ids;
        let mut filled = 0;
        for &id in &merged[..n] {
            let own = [id];
            for &piece in if demolish.is_outside(id) { demolish.pieces_of(id) } else { &own } {
                *ids.get_mut(filled)? = piece;
                filled += 1;
            }
        }
        let Some(again) = demolish.again() else { return Some(filled) };
        let alive = merge_ids(again, ids, filled, |at, ids| again.rank(ids[at], ids[at + 1]));
        Some(compacted(ids, alive))
    }
}

/// Moves the ids at living positions to the front; their number.
#[inline(always)]
fn compacted(ids: &mut [u32; SHORT], mut alive: u64) -> usize {
    let mut n = 0;
    while alive != 0 {
        ids[n] = ids[alive.trailing_zeros() as usize];
        alive &= alive - 1;
        n += 1;
    }
    n
}

/// All inference modes.
pub const MODES: [&str; 8] =
    ["exact", "merge", "vocab_rank", "longest_prefix", "longest_suffix", "longest_token", "least_tokens", "likelihood"];

/// The encoder that a log asks for.
fn exact(vocabulary: &Vocabulary, data: &RuleData<'_>) -> Result<Rule> {
    // Tokens that left the vocabulary have the ids after it; a row makes at most one, so a larger id is a mistake.
    let limit = vocabulary.end() as usize + data.merges.len() + data.log.len();
    let limit = u32::try_from(limit).map_err(|_| Error::Tokenizer("the log is too long".into()))?;
    let log = rows(data.log, limit)?;
    if let Some(merge) = data.merges.iter().find(|merge| merge.iter().any(|&id| id >= limit)) {
        return Err(Error::Tokenizer(format!("no token has the ids of merge {merge:?}")));
    }
    let in_log = log.iter().flat_map(|row| row.parts.iter().chain([&row.token]));
    let end = in_log.chain(data.merges.iter().flatten()).max().map_or(0, |id| id + 1).max(vocabulary.end());
    if log.iter().any(|row| row.kind == JOIN) {
        return Ok(Rule::Join(Joins::new(&log, end)?));
    }
    if data.merges.is_empty() {
        return Ok(Rule::Replay(Replay::new(&log, end)?));
    }
    let demolish = Demolish::new(vocabulary.end(), end, &log, data.merges)?;
    Ok(Rule::Demolish(keyed(data.merges)?, demolish))
}

/// Half of the lookups of a word are of two bytes: this table of 256 KiB stays near, that of all pairs does not.
fn byte_ranks(rule: &Rule, atoms: &Atoms) -> Vec<u32> {
    let (Rule::Merge(pairs) | Rule::Demolish(pairs, _)) = rule else { return Vec::new() };
    let Some(ids) = atoms.plain_bytes() else { return Vec::new() };
    let rank = |left: u32, right: u32| if left == NONE || right == NONE { NO_RANK } else { pairs.rank(left, right) };
    ids.iter().flat_map(|&left| ids.iter().map(move |&right| rank(left, right))).collect()
}

fn ranked(vocabulary: &Vocabulary, merges: &[[u32; 3]]) -> Result<Pairs> {
    for (rank, merge) in merges.iter().enumerate() {
        if let Some(id) = merge.iter().find(|id| vocabulary.bytes(**id).is_none()) {
            return Err(Error::Tokenizer(format!("merge {rank}: no token has the id {id}")));
        }
    }
    keyed(merges)
}

fn keyed(merges: &[[u32; 3]]) -> Result<Pairs> {
    let keyed: Vec<_> = merges.iter().zip(0u32..).map(|(merge, rank)| (merge[0], merge[1], rank)).collect();
    Pairs::new(&keyed, merges.iter().map(|merge| merge[2]).collect())
}
