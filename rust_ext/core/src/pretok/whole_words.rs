//! Pretokens as BoundlessBPE cuts them, by script where asked, and the runs that a superword may span.

use fancy_regex::Regex;
use unicode_script::{Script, UnicodeScript};

use super::Scheme;
use crate::error::{Error, Result};

/// Stands between the pretokens of a run: a byte that UTF-8 has no use for.
pub const SEPARATOR: u8 = 0xff;

/// Cuts texts; in some scripts by another scheme, where words are not spaced.
#[derive(Debug)]
pub struct Pretokens {
    main: Scheme,
    special: Option<(Scheme, Vec<Script>)>,
    /// What a pretoken must match to be part of a superword.
    candidate: Regex,
}

impl Pretokens {
    /// `special` is a scheme with the names of the scripts that it cuts.
    ///
    /// # Errors
    /// `Usage`: an unknown scheme or script, or a bad pattern.
    pub fn new(main: &str, special: Option<(&str, &[String])>, candidate: &str) -> Result<Self> {
        let special = match special {
            None => None,
            Some((scheme, names)) => {
                let scripts: Result<Vec<Script>> = names.iter().map(|name| script_named(name)).collect();
                Some((Scheme::by_name(scheme)?, scripts?))
            }
        };
        let candidate = Regex::new(candidate)
            .map_err(|error| Error::Usage(format!("bad pattern for superwords, got `{candidate}`: {error}")))?;
        Ok(Self { main: Scheme::by_name(main)?, special, candidate })
    }

    /// Calls `f` with the bounds of each pretoken.
    ///
    /// # Errors
    /// `Input`: a pattern runs into its limits.
    pub fn scan(&self, text: &[u8], mut f: impl FnMut(usize, usize)) -> Result<()> {
        let (Some((special, scripts)), Ok(characters)) = (&self.special, std::str::from_utf8(text)) else {
            return self.main.scan(text, f);
        };
        let mut part = |start: usize, end: usize, script: Option<Script>| {
            let scheme = if script.is_some_and(|script| scripts.contains(&script)) { special } else { &self.main };
            scheme.scan(&text[start..end], |a, b| f(start + a, start + b))
        };
        // Common characters go to the script after them when they stand between two; inherited ones to that before.
        let (mut start, mut behind, mut current): (usize, usize, Option<Script>) = (0, 0, None);
        for (at, character) in characters.char_indices() {
            let end = at + character.len_utf8();
            match character.script() {
                Script::Common | Script::Unknown => continue,
                Script::Inherited => (),
                script if current == Some(script) => (),
                script => {
                    if current.is_some() {
                        part(start, behind, current)?;
                        start = behind;
                    }
                    current = Some(script);
                }
            }
            behind = end;
        }
        if start < text.len() { part(start, text.len(), current) } else { Ok(()) }
    }

    /// Whether a pretoken may be part of a superword.
    pub fn is_candidate(&self, pretoken: &[u8]) -> bool {
        // A search that gives up is taken as no match: the pretoken then stays out of superwords.
        std::str::from_utf8(pretoken).is_ok_and(|text| self.candidate.is_match(text).unwrap_or(false))
    }

    /// Every pretoken as a text of its own: (bytes, offsets).
    ///
    /// # Errors
    /// As `scan`; `Input` for offsets that do not fit.
    pub fn words(&self, blob: &[u8], offsets: &[u64]) -> Result<(Vec<u8>, Vec<u64>)> {
        let (mut made, mut bounds) = (Vec::with_capacity(blob.len()), vec![0]);
        each_text(blob, offsets, |text| {
            self.scan(text, |start, end| {
                made.extend_from_slice(&text[start..end]);
                bounds.push(made.len() as u64);
            })
        })?;
        Ok((made, bounds))
    }

    /// Every run of at least two candidates as a text, separators between: (bytes, offsets).
    ///
    /// # Errors
    /// As `words`.
    pub fn runs(&self, blob: &[u8], offsets: &[u64]) -> Result<(Vec<u8>, Vec<u64>)> {
        let (mut made, mut bounds) = (Vec::with_capacity(blob.len()), vec![0u64]);
        let mut known: std::collections::HashMap<Vec<u8>, bool> = std::collections::HashMap::new();
        each_text(blob, offsets, |text| {
            let mut n = 0;
            let mut end_run = |made: &mut Vec<u8>, n: &mut usize| {
                let start = bounds.last().copied().unwrap_or(0);
                if *n >= 2 {
                    bounds.push(made.len() as u64);
                } else {
                    made.truncate(start as usize);
                }
                *n = 0;
            };
            self.scan(text, |start, end| {
                let pretoken = &text[start..end];
                let is_candidate = match known.get(pretoken) {
                    Some(&is_candidate) => is_candidate,
                    None => {
                        let is_candidate = self.is_candidate(pretoken);
                        known.insert(pretoken.to_vec(), is_candidate);
                        is_candidate
                    }
                };
                if !is_candidate {
                    return end_run(&mut made, &mut n);
                }
                if n > 0 {
                    made.push(SEPARATOR);
                }
                made.extend_from_slice(pretoken);
                n += 1;
            })?;
            end_run(&mut made, &mut n);
            Ok(())
        })?;
        Ok((made, bounds))
    }
}

pub(crate) fn each_text(blob: &[u8], offsets: &[u64], mut f: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    for two in offsets.windows(2) {
        let text = blob.get(two[0] as usize..two[1] as usize);
        f(text.ok_or_else(|| Error::Input(format!("offsets {} to {} do not fit", two[0], two[1])))?)?;
    }
    Ok(())
}

fn script_named(name: &str) -> Result<Script> {
    Script::from_full_name(name)
        .ok_or_else(|| Error::Usage(format!("unknown script, got `{name}`; say for example `Thai`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_characters_between_scripts_go_to_the_later_one() {
        let scripts = ["Han".to_owned()];
        let cut = Pretokens::new("none@1", Some(("regex:\\p{L}", &scripts)), "\\p{L}").unwrap();
        let text = "ab, 漢字!c";
        let mut found = Vec::new();
        cut.scan(text.as_bytes(), |start, end| found.push(&text[start..end])).unwrap();
        assert_eq!(found, ["ab", ", ", "漢", "字", "!c"]);
    }

    #[test]
    fn single_candidates_make_no_run() {
        let cut = Pretokens::new("gpt2@1", None, "\\p{L}").unwrap();
        let (blob, offsets) = cut.runs(b"a, b c. d", &[0, 9]).unwrap();
        assert_eq!((blob.as_slice(), offsets.as_slice()), (b" b\xff c".as_slice(), [0, 5].as_slice()));
    }
}
