//! Cuts special tokens out of a text, the leftmost and among those the longest first.

use crate::error::{Error, Result};
use aho_corasick::{AhoCorasick, MatchKind};

/// A set of special strings. An empty set cuts nothing and costs nothing.
pub struct Specials {
    automaton: Option<AhoCorasick>,
    n: usize,
}

impl Specials {
    /// Refuses empty and repeated strings.
    pub fn new(strings: &[Vec<u8>]) -> Result<Self> {
        for (i, string) in strings.iter().enumerate() {
            let text = String::from_utf8_lossy(string);
            if string.is_empty() {
                return Err(Error::Usage(format!("special token {i} is empty")));
            }
            if strings.iter().take(i).any(|earlier| earlier == string) {
                return Err(Error::Usage(format!("special token `{text}` is given twice")));
            }
        }
        let automaton = if strings.is_empty() {
            None
        } else {
            let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(strings);
            Some(built.map_err(|error| Error::Usage(format!("special tokens: {error}")))?)
        };
        Ok(Self { automaton, n: strings.len() })
    }

    pub fn len(&self) -> usize {
        self.n
    }

    /// Calls `section` with the start and end of each stretch without specials; adds the specials to `found`.
    pub fn cut(
        &self,
        text: &[u8],
        found: &mut [u64],
        mut section: impl FnMut(usize, usize) -> Result<()>,
    ) -> Result<()> {
        let mut start = 0;
        if let Some(automaton) = &self.automaton {
            for special in automaton.find_iter(text) {
                if special.start() > start {
                    section(start, special.start())?;
                }
                if let Some(count) = found.get_mut(special.pattern().as_usize()) {
                    *count += 1;
                }
                start = special.end();
            }
        }
        if text.len() > start {
            section(start, text.len())?;
        }
        Ok(())
    }
}
