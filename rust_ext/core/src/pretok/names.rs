//! The names of the schemes, and how a name is looked up.

use super::Scanner;
use crate::error::{Error, Result};

/// A scheme that has a name.
pub struct Named {
    /// Name and version.
    pub id: &'static str,
    /// What does the work.
    pub scanner: Scanner,
}

/// All named schemes; a newer version of a name stands after the older ones, which stay for good.
pub static ALL: [Named; 8] = [
    Named { id: "llama-bpe@1", scanner: Scanner::LlamaBpe },
    Named { id: "gpt2@1", scanner: Scanner::Gpt2 },
    Named { id: "cl100k@1", scanner: Scanner::Cl100k },
    Named { id: "qwen2@1", scanner: Scanner::Qwen2 },
    Named { id: "whitespace@1", scanner: Scanner::Whitespace },
    Named { id: "metaspace@1", scanner: Scanner::Metaspace },
    Named { id: "sentencepiece@1", scanner: Scanner::Sentencepiece },
    Named { id: "none@1", scanner: Scanner::Whole },
];

/// The scheme of that id, or the newest of that name.
pub fn find(spec: &str) -> Result<&'static Named> {
    let matches = |named: &&Named| named.id == spec || name_of(named.id) == spec;
    ALL.iter().rev().find(matches).ok_or_else(|| unknown(spec))
}

fn name_of(id: &str) -> &str {
    id.split_once('@').map_or(id, |(name, _)| name)
}

fn unknown(spec: &str) -> Error {
    let name = name_of(spec);
    if let Some(named) = ALL.iter().rev().find(|named| name_of(named.id) == name) {
        return Error::Usage(format!("unknown version of a pre-tokenizer, got `{spec}`; the newest is `{}`", named.id));
    }
    let nearest = ALL.iter().map(|named| (distance(name, name_of(named.id)), named.id)).min();
    match nearest {
        Some((far, id)) if far <= id.len() / 3 => {
            Error::Usage(format!("unknown pre-tokenizer, got `{spec}`; did you mean `{id}`?"))
        }
        _ => {
            let ids: Vec<&str> = ALL.iter().map(|named| named.id).collect();
            Error::Usage(format!("unknown pre-tokenizer, got `{spec}`; one of: {}, regex:<pattern>", ids.join(", ")))
        }
    }
}

/// Levenshtein distance in characters; `a` may be long, the names are short.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(x != *y));
            diagonal = above;
        }
    }
    row[b.len()]
}
