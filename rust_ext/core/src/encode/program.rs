//! The log of a vocabulary as an encoder gets it: rows of ids, those beyond the vocabulary for tokens that left it.

use crate::error::{Error, Result};

/// left + right -> token.
pub const MERGE: u32 = 0;
/// token -> pieces.
pub const SPLIT: u32 = 1;
/// n parts -> token.
pub const JOIN: u32 = 6;

/// One row: what is done, to which token, and its parts or pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// `MERGE`, `SPLIT` or `JOIN`.
    pub kind: u32,
    /// Token made or taken apart.
    pub token: u32,
    /// What it is made of, or falls into.
    pub parts: &'a [u32],
}

/// Reads rows of (kind, token, n, n parts) end to end and checks that every id is below `end`.
pub fn rows(flat: &[u32], end: u32) -> Result<Vec<Row<'_>>> {
    let mut found = Vec::new();
    let mut rest = flat;
    while let [kind, token, n, tail @ ..] = rest {
        let bad = |what: &str| Error::Tokenizer(format!("log row {}: {what}", found.len()));
        let Some((parts, tail)) = tail.split_at_checked(*n as usize) else { return Err(bad("cut off")) };
        if !matches!(*kind, MERGE | SPLIT | JOIN) {
            return Err(bad(&format!("unknown kind, got {kind}")));
        }
        if parts.len() < 2 || (*kind == MERGE && parts.len() != 2) {
            return Err(bad(&format!("{} parts", parts.len())));
        }
        if let Some(id) = parts.iter().chain([token]).find(|id| **id >= end) {
            return Err(bad(&format!("unknown id, got {id}")));
        }
        found.push(Row { kind: *kind, token: *token, parts });
        rest = tail;
    }
    if rest.is_empty() { Ok(found) } else { Err(Error::Tokenizer(format!("log row {}: cut off", found.len()))) }
}

/// Number of atoms of every token below `end`: 1 for those that nothing makes.
///
/// Fails where two rows of the log disagree, since a token could not be taken apart in place then.
pub fn lengths<'a>(made: impl Iterator<Item = (u32, &'a [u32])>, end: u32) -> Result<Vec<u32>> {
    let mut lengths = vec![0u32; end as usize];
    for (token, parts) in made {
        let length = parts.iter().map(|&part| lengths[part as usize].max(1)).fold(0u32, u32::saturating_add);
        for &part in parts {
            lengths[part as usize] = lengths[part as usize].max(1);
        }
        let known = &mut lengths[token as usize];
        if *known != 0 && *known != length {
            return Err(Error::Tokenizer(format!("token {token} is made of {known} atoms and of {length}")));
        }
        *known = length;
    }
    Ok(lengths.into_iter().map(|length| length.max(1)).collect())
}
