//! A byte language model: interpolated Witten-Bell n-grams.
//!
//! P0 = 1/256; for k = 0 .. order - 1 with context c = the last k bytes: P <- (n(c, b) + u(c) P) / (n(c) + u(c)), n the
//! number of bytes seen after c, u that of different ones; contexts never seen are passed over (Witten & Bell 1991).
//! `NgramCounts` learns, `ByteLm` is what it has learnt and cannot change any more.

mod counts;
mod file;
mod model;
mod signals;
#[cfg(test)]
mod tests;

use crate::error::Error;

pub use counts::NgramCounts;
pub use model::ByteLm;
pub use signals::{Measures, Signals};

/// The longest n-gram that makes sense: beyond it contexts are whole sentences.
pub const MAX_ORDER: usize = 32;

fn too_many() -> Error {
    Error::Resource("the byte language model counts to 2^32 - 1 only: train it on less text".into())
}
