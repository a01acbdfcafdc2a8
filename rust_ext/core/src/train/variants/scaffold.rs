//! Scaffold-BPE (Lian et al., 2025, Algorithm 1): tokens that are rarer than what would be merged next are only scaffolds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Policy;
use crate::error::Result;
use crate::train::session::{Candidate, Session};

/// The policy; it holds the flagged tokens that wait to come back.
#[derive(Debug, Clone, Default)]
pub struct Scaffold {
    /// Stop when the head of the queue is rarer than this (0 means 1). The session itself must have no such floor: a
    /// parent is held against the head whatever the head's frequency.
    pub min_frequency: u64,
    flagged: BinaryHeap<(u64, Reverse<u32>)>,
}

/// What stands at the head of the queue.
enum Head {
    Token(u32, u64),
    Pair(Candidate),
}

impl Head {
    fn frequency(&self) -> u64 {
        match self {
            Head::Token(_, frequency) => *frequency,
            Head::Pair(pair) => pair.count,
        }
    }
}

impl Scaffold {
    /// A policy with nothing flagged.
    pub fn new(min_frequency: u64) -> Self {
        Self { min_frequency, flagged: BinaryHeap::new() }
    }

    /// The most frequent flagged token, entries corrected where merges used some of its occurrences.
    fn best_flagged(&mut self, session: &Session) -> Result<Option<(u32, u64)>> {
        while let Some(&(stored, Reverse(token))) = self.flagged.peek() {
            let frequency = session.frequency(token)?;
            if frequency == stored && frequency > 0 && !session.is_present(token)? {
                return Ok(Some((token, frequency)));
            }
            self.flagged.pop();
            if frequency > 0 && !session.is_present(token)? {
                self.flagged.push((frequency, Reverse(token)));
            }
        }
        Ok(None)
    }

    /// The head: the larger frequency, a flagged token before a pair of the same.
    fn head(&mut self, session: &mut Session) -> Result<Option<Head>> {
        let pair = session.best();
        let token = self.best_flagged(session)?;
        Ok(match (token, pair) {
            (Some((token, frequency)), Some(pair)) if frequency >= pair.count => Some(Head::Token(token, frequency)),
            (_, Some(pair)) => Some(Head::Pair(pair)),
            (Some((token, frequency)), None) => Some(Head::Token(token, frequency)),
            (None, None) => None,
        })
    }

    fn look_at(&mut self, session: &mut Session, parent: u32, head: u64) -> Result<()> {
        let is_pinned = session.parents(parent)?.is_none() || !session.is_present(parent)?;
        let frequency = session.frequency(parent)?;
        if !is_pinned && frequency < head {
            session.flag(parent)?;
            if frequency > 0 {
                self.flagged.push((frequency, Reverse(parent)));
            }
        }
        Ok(())
    }
}

impl Policy for Scaffold {
    fn step(&mut self, session: &mut Session) -> Result<bool> {
        let head = self.head(session)?;
        let Some(head) = head.filter(|head| head.frequency() >= self.min_frequency.max(1)) else { return Ok(false) };
        match head {
            Head::Token(token, _) => {
                self.flagged.pop();
                session.unflag(token)?;
            }
            Head::Pair(pair) => {
                session.merge(pair.left, pair.right)?;
                // The head after the merge: the one before it would flag too much.
                let next = self.head(session)?.map_or(0, |head| head.frequency());
                self.look_at(session, pair.left, next)?;
                if pair.right != pair.left {
                    self.look_at(session, pair.right, next)?;
                }
            }
        }
        Ok(true)
    }
}
