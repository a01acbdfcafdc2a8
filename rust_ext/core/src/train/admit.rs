//! Which pairs may ever become a token.

use unicode_script::{Script, UnicodeScript};

/// The rule that a pair must pass when it is first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admit {
    /// Every pair.
    All,
    /// Pairs made by a merge whose lengths in atoms add up to less than this; pairs of two atoms always pass
    /// (HF `BpeTrainer.max_token_length`, whose bound is strict).
    ShorterThan(usize),
    /// The constraints of sentencepiece's trainer.
    SentencePiece(SentencePieceRules),
    /// The vetoes on superwords.
    Superword(super::superword::Rules),
}

/// What sentencepiece allows in one piece (its `TrainerSpec` options of the same names).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentencePieceRules {
    /// Longest piece in characters.
    pub max_length: usize,
    /// A piece holds one script only.
    pub split_by_unicode_script: bool,
    /// Digits count as a script of their own.
    pub split_by_number: bool,
    /// A digit is always a piece of its own.
    pub split_digits: bool,
    /// U+2581 only begins a piece.
    pub split_by_whitespace: bool,
}

const SPACE_MARK: char = '\u{2581}';
/// sentencepiece keeps tab for the boundaries of pre-split input.
const FORBIDDEN: [char; 3] = ['\0', '\t', ' '];

impl Admit {
    /// Whether `left` + `right` may become a token; lengths are in atoms, `is_initial` is true before the first merge.
    pub(crate) fn admits(&self, left: &[u8], right: &[u8], length: usize, is_initial: bool) -> bool {
        match self {
            Admit::All => true,
            Admit::ShorterThan(bound) => is_initial || length < *bound,
            Admit::SentencePiece(rules) => rules.allow(&[left, right].concat()),
            Admit::Superword(rules) => rules.admit(left, right),
        }
    }
}

impl SentencePieceRules {
    /// Whether the bytes are a piece that sentencepiece's trainer would take.
    pub fn allow(&self, piece: &[u8]) -> bool {
        let Ok(piece) = std::str::from_utf8(piece) else { return false };
        let length = piece.chars().count();
        if length == 0 || length > self.max_length {
            return false;
        }
        let mut previous: Option<Script> = None;
        for (position, character) in piece.chars().enumerate() {
            if FORBIDDEN.contains(&character) {
                return false;
            }
            if character == SPACE_MARK {
                let is_last = position + 1 == length;
                if position > 0 && (self.split_by_whitespace || is_last) {
                    return false;
                }
                continue;
            }
            let is_digit = matches!(character, '0'..='9' | '\u{ff10}'..='\u{ff19}');
            if self.split_digits && is_digit && length > 1 {
                return false;
            }
            let script = if is_digit && !self.split_by_number { None } else { script_of(character, previous) };
            let is_mixed = matches!((previous, script), (Some(before), Some(now)) if before != now);
            if self.split_by_unicode_script && is_mixed {
                return false;
            }
            previous = script;
        }
        true
    }
}

/// The script that counts: kana and the long-vowel mark are Han, an inherited script is the one before it.
fn script_of(character: char, previous: Option<Script>) -> Option<Script> {
    if character == '\u{30fc}' {
        return Some(Script::Han);
    }
    match character.script() {
        Script::Hiragana | Script::Katakana => Some(Script::Han),
        Script::Inherited => previous,
        Script::Unknown => Some(Script::Common),
        script => Some(script),
    }
}
