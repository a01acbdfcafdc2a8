//! Training policies that do more than merge: one file each, all over the same session.

mod picky;
mod scaffold;

pub use picky::{Comparison, Picky, SelfPair};
pub use scaffold::Scaffold;

use super::session::Session;
use crate::error::Result;
use crate::monitor::Monitor;

/// What a variant does in one step of training.
pub trait Policy {
    /// Merges the best pair, or does what else comes next, and looks after the tokens; false when nothing is left.
    fn step(&mut self, session: &mut Session) -> Result<bool>;
}

/// Steps until the vocabulary has `vocab_size` tokens; false when nothing was left before.
pub fn run(
    session: &mut Session,
    policy: &mut dyn Policy,
    vocab_size: usize,
    monitor: &mut dyn Monitor,
) -> Result<bool> {
    while session.n_present() < vocab_size {
        monitor.poll("merge", session.n_present() as u64, vocab_size as u64)?;
        if !policy.step(session)? {
            return Ok(false);
        }
    }
    Ok(true)
}
