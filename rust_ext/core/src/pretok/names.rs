//! The names of the schemes, the regexes that they equal, and how both are looked up.

use super::Scanner;
use super::rewrite::Front;
use crate::error::{Error, Result};

/// A scheme that has a name.
pub struct Named {
    /// Name and version.
    pub id: &'static str,
    /// What does the work.
    pub(super) scanner: Scanner,
    /// The regexes that it equals, one split (`Isolated`) inside the parts of the one before; none: it is no regex.
    ///
    /// They mean the same to Oniguruma, Python's `regex` and fancy-regex.
    pub patterns: &'static [&'static str],
    /// Other spellings of a single pattern, seen in published tokenizers, that cut every text at the same places.
    pub spellings: &'static [&'static str],
}

/// All named schemes; a newer version of a name stands after the older ones, which stay for good.
pub static ALL: [Named; 19] = [
    Named {
        id: "llama-bpe@1",
        scanner: Scanner::LlamaBpe,
        patterns: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        // cl100k before tiktoken 0.9 too: `\s*[\r\n]` takes all line ends of a run, since `\s*` is greedy.
        spellings: &[
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        ],
    },
    Named {
        id: "gpt2@1",
        scanner: Scanner::Gpt2,
        patterns: &[r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
        spellings: &[
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
        ],
    },
    Named {
        id: "cl100k@1",
        scanner: Scanner::Cl100k,
        // As in tiktoken 0.14, but without its `{1,3}+`: Oniguruma reads that as a repetition of `{1,3}`.
        patterns: &[
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        ],
        spellings: &[
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        ],
    },
    Named {
        id: "o200k@1",
        scanner: Scanner::O200k,
        patterns: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        spellings: &[],
    },
    Named {
        id: "qwen2@1",
        scanner: Scanner::Qwen2,
        patterns: &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        spellings: &[],
    },
    Named { id: "deepseek-llm@1", scanner: Scanner::DeepseekLlm, patterns: &super::deepseek::PATTERNS, spellings: &[] },
    Named {
        id: "tekken@1",
        scanner: Scanner::Tekken,
        patterns: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        spellings: &[],
    },
    Named {
        id: "superbpe@1",
        scanner: Scanner::Superbpe,
        patterns: &[r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
        spellings: &[],
    },
    Named {
        id: "superbpe-head@1",
        scanner: Scanner::SuperbpeHead,
        patterns: &[r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]{2,}[\r\n/]*| +(?!\S)"],
        spellings: &[],
    },
    Named {
        id: "superbpe-head-words@1",
        scanner: Scanner::SuperbpeHeadWords,
        patterns: &[
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
        spellings: &[],
    },
    Named {
        id: "superbpe-paper-words@1",
        scanner: Scanner::SuperbpePaperWords,
        patterns: &[r"\p{N}+", r"(?=(\d{3})+(?!\d))| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
        spellings: &[],
    },
    Named { id: "whitespace@1", scanner: Scanner::Whitespace, patterns: &[], spellings: &[] },
    Named { id: "metaspace@1", scanner: Scanner::Metaspace, patterns: &[], spellings: &[] },
    Named { id: "sentencepiece@1", scanner: Scanner::Sentencepiece, patterns: &[], spellings: &[] },
    Named { id: "picky-words@1", scanner: Scanner::PickyWords, patterns: &[], spellings: &[] },
    Named { id: "llama2@1", scanner: Scanner::SpaceRuns(Front::Section), patterns: &[], spellings: &[] },
    Named { id: "mistral@1", scanner: Scanner::SpaceRuns(Front::Text), patterns: &[], spellings: &[] },
    Named { id: "gemma@1", scanner: Scanner::SpaceRuns(Front::Nothing), patterns: &[], spellings: &[] },
    Named { id: "none@1", scanner: Scanner::Whole, patterns: &[], spellings: &[] },
];

/// The scheme of that id, or the newest of that name.
pub fn find(spec: &str) -> Result<&'static Named> {
    let matches = |named: &&Named| named.id == spec || name_of(named.id) == spec;
    ALL.iter().rev().find(matches).ok_or_else(|| unknown(spec))
}

/// The scheme that cuts like a regex of that text.
pub fn find_pattern(pattern: &str) -> Option<&'static Named> {
    ALL.iter().find(|named| named.patterns == [pattern] || named.spellings.contains(&pattern))
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
        Some((far, id)) if far <= 1 + name_of(id).len() / 3 => {
            Error::Usage(format!("unknown pre-tokenizer, got `{spec}`; did you mean `{id}`?"))
        }
        _ => {
            let ids: Vec<&str> = ALL.iter().map(|named| named.id).collect();
            Error::Usage(format!("unknown pre-tokenizer, got `{spec}`; one of: {}, regex:<pattern>", ids.join(", ")))
        }
    }
}

/// How far two names are apart: Levenshtein distance in characters, but a name that begins with the other is near.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 2 && (a.starts_with(b) || b.starts_with(a)) {
        return 1;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_version_is_the_newest_and_a_typo_names_the_nearest() {
        assert_eq!(find("gpt2").map(|named| named.id), Ok("gpt2@1"));
        assert!(find("llama-bqe@1").is_err_and(|e| e.to_string().contains("did you mean `llama-bpe@1`")));
        assert!(find("gpt2@9").is_err_and(|e| e.to_string().contains("the newest is `gpt2@1`")));
        assert!(find("").is_err_and(|e| e.to_string().contains("regex:<pattern>")));
    }

    #[test]
    fn no_pattern_belongs_to_two_schemes() {
        let sequences = ALL.iter().map(|named| named.patterns.to_vec()).filter(|patterns| !patterns.is_empty());
        let spellings = ALL.iter().flat_map(|named| named.spellings.iter().map(|&spelling| vec![spelling]));
        let mut texts: Vec<Vec<&str>> = sequences.chain(spellings).collect();
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all);
    }
}
