//! How a long loop reports progress and learns that it must stop.

use crate::error::Result;

/// Called from the thread that entered the core, never from a worker, at least four times a second.
pub trait Monitor {
    /// Reports that `done` of `total` units (0: unknown) of `stage` are done; an error ends the loop and is passed on.
    fn poll(&mut self, stage: &'static str, done: u64, total: u64) -> Result<()>;
}

/// Reports nothing and never stops.
pub struct Silent;

impl Monitor for Silent {
    fn poll(&mut self, _stage: &'static str, _done: u64, _total: u64) -> Result<()> {
        Ok(())
    }
}
