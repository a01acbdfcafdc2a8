//! Any other regex, read as Hugging Face tokenizers reads the pattern of a `Split`, the text between matches kept too.
//!
//! Patterns without look-around run on a linear engine, and so do those that only end in `|\s+(?!\S)|\s+`. The others
//! run on a backtracking engine with a limit on its steps, and the whole scan of a text has a limit on its time, so that
//! a catastrophic pattern ends in an error.

use super::syntax::{bad, before_trailing_space, needs_backtracking, shortened};
use crate::error::{Error, Result};
use regex_automata::meta;
use regex_syntax::hir::Hir;
use std::time::{Duration, Instant};

/// Longer patterns are refused.
const MAX_PATTERN_BYTES: usize = 1 << 16;
/// Steps back in one search of the backtracking engine, some 20 ns each; a search begins at each match.
const BACKTRACK_LIMIT: usize = 1_000_000;
/// Instructions of a pattern for the backtracking engine.
const MAX_PROGRAM: usize = 1 << 20;
/// A text may take this long, and `SECONDS_PER_MB` more: a hundred times what an ordinary pattern takes. A search that
/// is linear alone can be quadratic when repeated (`a+b|a` on `aaaa…`), hence a limit for the linear engine too.
const SECONDS: f64 = 5.0;
const SECONDS_PER_MB: f64 = 10.0;

/// A compiled pattern.
pub struct Splitter {
    pattern: String,
    engine: Engine,
}

enum Engine {
    /// Pattern 1 of the regex, if there is one, is `\s+` for `\s+(?!\S)|\s+`.
    Linear(meta::Regex),
    Backtracking(fancy_regex::Regex),
}

impl Splitter {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// `Usage` for a bad pattern, with its place.
    pub fn new(pattern: &str) -> Result<Splitter> {
        if pattern.is_empty() {
            return Err(Error::Usage("a regex must not be empty, got `regex:`".to_owned()));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            let got = pattern.len();
            return Err(Error::Usage(format!("a regex may have at most {MAX_PATTERN_BYTES} bytes, got {got}")));
        }
        let engine = match before_trailing_space(pattern).filter(|alternatives| !needs_backtracking(alternatives)) {
            Some(alternatives) => linear(alternatives, true).or_else(|_| backtracking(pattern)),
            None if needs_backtracking(pattern) => backtracking(pattern),
            // The other engine knows some syntax more; if it does not like the pattern either, this one words it better.
            None => linear(pattern, false).or_else(|error| backtracking(pattern).map_err(|_| error)),
        }?;
        Ok(Splitter { pattern: pattern.to_owned(), engine })
    }

    /// Calls `f` with the bounds of each match and of what lies between matches.
    ///
    /// # Errors
    /// `Input` when the pattern runs into its limits.
    pub fn scan<F: FnMut(usize, usize)>(&self, text: &[u8], f: &mut F) -> Result<()> {
        match std::str::from_utf8(text) {
            Ok(text) => self.scan_str(text, f),
            Err(_) => {
                let mut place = Places::new(text);
                let lossy = place.text.clone();
                self.scan_str(&lossy, &mut |start, end| f(place.source(start), place.source(end)))
                    .map_err(|error| self.at_source(error))
            }
        }
    }

    fn scan_str<F: FnMut(usize, usize)>(&self, text: &str, f: &mut F) -> Result<()> {
        let clock = Clock::new(text.len());
        let (mut gap, mut at, mut last_end, mut searches) = (0, 0, None, 0_u32);
        while at <= text.len() {
            if searches & 15 == 0 && clock.is_over() {
                return Err(self.too_slow(at, "takes too long"));
            }
            searches += 1;
            let Some((start, end)) = self.find(text, at)? else { break };
            if start == end && last_end == Some(end) {
                // An empty match right behind a match is skipped, as Oniguruma's iterator does.
                at = next_char(text, end);
                continue;
            }
            if gap < start {
                f(gap, start);
            }
            if start < end {
                f(start, end);
            }
            (gap, at, last_end) = (end, end, Some(end));
        }
        if gap < text.len() {
            f(gap, text.len());
        }
        Ok(())
    }

    /// The first match at or after `at`.
    #[inline(always)]
    fn find(&self, text: &str, at: usize) -> Result<Option<(usize, usize)>> {
        match &self.engine {
            Engine::Linear(regex) => {
                let Some(found) = regex.search(&regex_automata::Input::new(text).range(at..)) else { return Ok(None) };
                let (start, mut end) = (found.start(), found.end());
                if found.pattern().as_usize() == 1 && end < text.len() {
                    let last = text[start..end].chars().next_back().map_or(0, char::len_utf8);
                    if end - last > start {
                        end -= last;
                    }
                }
                Ok(Some((start, end)))
            }
            Engine::Backtracking(regex) => match regex.find_from_pos(text, at) {
                Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
                Err(_) => Err(self.too_slow(at, "goes back more than a million times")),
            },
        }
    }

    fn too_slow(&self, byte: usize, how: &str) -> Error {
        let pattern = shortened(&self.pattern);
        Error::Input(format!(
            "regex `{pattern}` {how} at byte {byte} of the text; a pattern without nested repetition or look-around would not"
        ))
    }

    /// The byte in an error about a text with invalid bytes is that of the text with U+FFFD in their place.
    fn at_source(&self, error: Error) -> Error {
        match error {
            Error::Input(message) => Error::Input(format!("{message} (invalid UTF-8 counted as U+FFFD)")),
            other => other,
        }
    }
}

impl std::fmt::Debug for Splitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Splitter").field(&self.pattern).finish()
    }
}

fn linear(pattern: &str, trailing_space: bool) -> Result<Engine> {
    let mut parts = vec![parse(pattern)?];
    if trailing_space {
        parts.push(parse(r"\s+")?);
    }
    match meta::Builder::new().build_many_from_hir(&parts) {
        Ok(regex) => Ok(Engine::Linear(regex)),
        Err(error) => Err(bad(pattern, 0, &error.to_string())),
    }
}

fn parse(pattern: &str) -> Result<Hir> {
    regex_syntax::parse(pattern).map_err(|error| match &error {
        regex_syntax::Error::Parse(e) => bad(pattern, e.span().start.offset, &e.kind().to_string()),
        regex_syntax::Error::Translate(e) => bad(pattern, e.span().start.offset, &e.kind().to_string()),
        _ => bad(pattern, 0, &error.to_string()),
    })
}

fn backtracking(pattern: &str) -> Result<Engine> {
    let built = fancy_regex::RegexBuilder::new(pattern)
        .oniguruma_mode(true)
        .backtrack_limit(BACKTRACK_LIMIT)
        .max_prog_size(MAX_PROGRAM)
        .build();
    match built {
        Ok(regex) => Ok(Engine::Backtracking(regex)),
        Err(fancy_regex::Error::ParseError(byte, why)) => Err(bad(pattern, byte, &lower_case(&why.to_string()))),
        Err(error) => Err(bad(pattern, 0, &lower_case(&error.to_string()))),
    }
}

fn lower_case(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn next_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// How long a scan may take.
struct Clock {
    start: Instant,
    allowed: Duration,
}

impl Clock {
    fn new(text_bytes: usize) -> Clock {
        let seconds = SECONDS + SECONDS_PER_MB * text_bytes as f64 / 1e6;
        Clock { start: Instant::now(), allowed: Duration::from_secs_f64(seconds) }
    }

    fn is_over(&self) -> bool {
        self.start.elapsed() > self.allowed
    }
}

/// A text with U+FFFD for each invalid byte, and the way back.
struct Places {
    text: String,
    /// Where each of these U+FFFD begins.
    invalid: Vec<usize>,
    passed: usize,
}

impl Places {
    fn new(source: &[u8]) -> Places {
        let mut places = Places { text: String::with_capacity(source.len()), invalid: Vec::new(), passed: 0 };
        for chunk in source.utf8_chunks() {
            places.text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                places.invalid.push(places.text.len());
                places.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        places
    }

    /// The place in the source; asked for in ascending order.
    fn source(&mut self, at: usize) -> usize {
        while self.invalid.get(self.passed).is_some_and(|&invalid| invalid < at) {
            self.passed += 1;
        }
        at - self.passed * (char::REPLACEMENT_CHARACTER.len_utf8() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pattern: &str, text: &[u8]) -> Result<Vec<(usize, usize)>> {
        let mut bounds = Vec::new();
        Splitter::new(pattern)?.scan(text, &mut |start, end| bounds.push((start, end)))?;
        Ok(bounds)
    }

    #[test]
    fn text_between_matches_is_kept() {
        assert_eq!(split(r"\d+", b"ab12c3"), Ok(vec![(0, 2), (2, 4), (4, 5), (5, 6)]));
    }

    #[test]
    fn an_empty_match_cuts() {
        assert_eq!(split(r"(?=\d)", b"a12"), Ok(vec![(0, 1), (1, 2), (2, 3)]));
        assert_eq!(split(r"x*", b"axxb"), Ok(vec![(0, 1), (1, 3), (3, 4)]));
    }

    #[test]
    fn trailing_space_is_linear_and_leaves_the_last_character() {
        let pattern = r" ?\p{L}+|\s+(?!\S)|\s+";
        assert!(matches!(Splitter::new(pattern).map(|s| s.engine), Ok(Engine::Linear(_))));
        assert_eq!(split(pattern, b"a   b  "), Ok(vec![(0, 1), (1, 3), (3, 5), (5, 7)]));
    }

    #[test]
    fn invalid_bytes_are_single_characters_that_are_no_letter_number_or_space() {
        assert_eq!(split(r"[^\s\p{L}\p{N}]", b"a\xFF\xC3b"), Ok(vec![(0, 1), (1, 2), (2, 3), (3, 4)]));
        assert_eq!(split(r"\p{L}+", b"\xFFa\xE2\x82"), Ok(vec![(0, 1), (1, 2), (2, 4)]));
    }

    #[test]
    fn a_catastrophic_pattern_ends_in_an_error_that_names_it_and_the_byte() {
        let error = split(r"(?:a|aa)+(?!a)(?<=b)", b"xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab").expect_err("limit");
        assert!(
            matches!(&error, Error::Input(m) if m.contains("(?:a|aa)+(?!a)(?<=b)") && m.contains("byte ")),
            "{error}"
        );
    }

    #[test]
    fn a_bad_pattern_is_a_usage_error_with_its_place() {
        for (pattern, place) in
            [("(a", "character 1"), ("ab[c", "character 3"), ("a)", "character 2"), ("(?=a", "character 5")]
        {
            let error = Splitter::new(pattern).map(|_| ()).expect_err("bad");
            assert!(matches!(&error, Error::Usage(m) if m.contains(place) && m.contains('^')), "{pattern}: {error}");
        }
    }
}
