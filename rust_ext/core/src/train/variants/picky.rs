//! Picky BPE (Chizhov et al., 2024): a parent that is hardly ever used outside its child leaves the vocabulary.

use super::Policy;
use crate::error::{Error, Result};
use crate::train::session::{Merged, Session};

/// How intersection over self is held against the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Removed above the threshold (the authors' code).
    Above,
    /// Removed at the threshold and above (the paper).
    AtLeast,
}

/// What self is for a pair of equal tokens, which uses two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfPair {
    /// Uses left plus merges (the authors' code).
    Reference,
    /// All uses before the merge; the ratio never passes 1/2 then.
    Paper,
}

/// The policy.
#[derive(Debug, Clone)]
pub struct Picky {
    /// Intersection over self at which a parent is removed.
    pub threshold: f64,
    /// Whether the threshold itself removes.
    pub comparison: Comparison,
    /// How pairs of equal tokens are measured.
    pub self_pair: SelfPair,
    /// Training that logs more events than this is given up.
    pub max_events: usize,
}

impl Picky {
    fn removes(&self, replaced: u64, rest: u64, is_self_pair: bool) -> bool {
        let uses = rest + if is_self_pair && self.self_pair == SelfPair::Paper { 2 * replaced } else { replaced };
        let ratio = replaced as f64 / uses as f64;
        match self.comparison {
            Comparison::Above => ratio > self.threshold,
            Comparison::AtLeast => ratio >= self.threshold,
        }
    }

    fn look_at(&self, session: &mut Session, parent: u32, merged: &Merged) -> Result<()> {
        if session.parents(parent)?.is_none() {
            return Ok(());
        }
        let rest = session.frequency(parent)?;
        if self.removes(merged.replaced, rest, merged.left == merged.right) {
            session.remove(parent)?;
        }
        Ok(())
    }
}

impl Policy for Picky {
    fn step(&mut self, session: &mut Session) -> Result<bool> {
        let Some(merged) = session.step()? else { return Ok(false) };
        self.look_at(session, merged.left, &merged)?;
        if merged.right != merged.left {
            self.look_at(session, merged.right, &merged)?;
        }
        if session.log().kind.len() > self.max_events {
            return Err(Error::Usage(format!(
                "picky: {} events and the vocabulary has {} tokens: removing and making tokens goes round in circles; \
                 raise threshold or max_events",
                session.log().kind.len(),
                session.n_present()
            )));
        }
        Ok(true)
    }
}
