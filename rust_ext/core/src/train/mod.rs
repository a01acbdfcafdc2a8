//! Pair-merging training: a kernel over position lists, driven by a session that can merge, split and veto.
//!
//! All distinct pretokens lie end to end in one array of slots, one slot an atom. Every pair knows the slots where it
//! starts, so that a merge visits its occurrences and nothing else; the cost of training is the number of occurrences
//! that merges touch, not the length of the pretokens that contain them.

mod admit;
mod alphabet;
mod flag;
mod heap;
mod increment;
mod lzw;
mod pairs;
mod rewrite;
mod session;
mod slots;
mod spans;
mod split;
pub mod superword;
mod tail;
pub mod variants;

pub use admit::{Admit, SentencePieceRules};
pub use alphabet::{affixed_atoms, character_counts};
pub use heap::Tie;
pub use increment::{Bytes, IncrementOptions, Increments, increment};
pub use lzw::{Options as LzwOptions, Phrases, lzw_phrases};
pub use session::{Candidate, EventKind, EventLog, Merged, Options, Session};
pub use slots::{Affixes, Unit, Unknown};
pub use spans::{Marked, Seeded, SpanWords};
pub use tail::{Sequences, Typed, merge_tail};
