//! What a superword may not be.

/// Vetoes on the token that a pair would make; inherited merges are not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// At most this many words: non-empty parts between spaces.
    pub max_words: Option<usize>,
    /// Byte strings that no token may contain.
    pub forbidden: Vec<Vec<u8>>,
    /// At most this many bytes.
    pub max_bytes: Option<usize>,
    /// No line feed or carriage return.
    pub no_newline: bool,
    /// Whole UTF-8 characters only.
    pub whole_utf8: bool,
}

impl Rules {
    /// Whether `left` + `right` may become a token.
    pub fn admit(&self, left: &[u8], right: &[u8]) -> bool {
        !self.bar(left, right) && (!self.whole_utf8 || std::str::from_utf8(&[left, right].concat()).is_ok())
    }

    /// Whether no token may ever hold `left` next to `right`, whatever stands around them.
    ///
    /// True of every veto that holds for all longer strings too; `whole_utf8` is none of them, since a character that
    /// is cut here may be completed by the neighbours.
    pub fn bar(&self, left: &[u8], right: &[u8]) -> bool {
        if self.max_bytes.is_some_and(|most| left.len() + right.len() > most) {
            return true;
        }
        let is_newline = |byte: &u8| matches!(byte, b'\n' | b'\r');
        if self.no_newline && left.iter().chain(right).any(is_newline) {
            return true;
        }
        if self.max_words.is_none() && self.forbidden.is_empty() {
            return false;
        }
        let joined = [left, right].concat();
        let words = || joined.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
        self.max_words.is_some_and(|most| words() > most)
            || self.forbidden.iter().any(|text| memchr::memmem::find(&joined, text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_at_the_ends_are_no_words() {
        let rules = Rules { max_words: Some(2), ..Rules::default() };
        assert!(rules.admit(b" a", b" b "));
        assert!(!rules.admit(b" a b", b" c"));
    }

    #[test]
    fn a_forbidden_string_may_lie_across_the_joint() {
        let rules = Rules { forbidden: vec![b": ".to_vec()], ..Rules::default() };
        assert!(rules.bar(b"a:", b" b"));
        assert!(!rules.bar(b"a:", b"b"));
    }

    #[test]
    fn a_cut_character_is_refused_but_bars_nothing() {
        let rules = Rules { whole_utf8: true, ..Rules::default() };
        assert!(!rules.admit(b" \xc3", b"x") && !rules.bar(b" \xc3", b"x"));
    }
}
