//! Stage 2 of superword training (SuperBPE, Liu et al., 2025), exact and in time linear in the text.
//!
//! The published trainers replay all inherited merges over the raw chunks and rescan a whole chunk for each later
//! merge. Here every distinct stretch of a chunk is encoded once with the inherited merges ([`encode`]), the chunks are
//! cut where no later merge can pass ([`cut`]), equal runs are counted together, and the ordinary position-list
//! session does the rest. Both steps change nothing in the result: see [`Superword`].

mod chance;
mod counts;
mod cut;
mod encode;
mod merge;
mod ranks;
mod rules;
mod runs;
mod stage;

pub use chance::ChanceCuts;
pub use encode::Inherited;
pub use rules::Rules;
pub use runs::{MergedRun, Runs};
pub use stage::{Setup, Stats, Superword};
