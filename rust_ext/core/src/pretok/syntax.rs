//! Reads a regex just far enough to choose its engine, and words the complaint about a bad one.

use crate::error::Error;

/// Whether a pattern needs a backtracking engine.
///
/// True for what a linear engine lacks (look-around, back-references, atomic groups, possessive repetition) and for what
/// Oniguruma reads in another way than the linear engine would (`^`, `$`, `{1,3}+`, some escapes, the flags m and s).
pub fn needs_backtracking(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at + 1..];
        match byte {
            b'\\' => match rest.first() {
                // Others, such as `\d`, mean the same in both. So do `\x41` and `\p{L}`.
                Some(
                    b'1'..=b'9'
                    | b'k'
                    | b'g'
                    | b'G'
                    | b'K'
                    | b'R'
                    | b'X'
                    | b'Z'
                    | b'z'
                    | b'A'
                    | b'h'
                    | b'H'
                    | b'<'
                    | b'>',
                ) => {
                    return true;
                }
                Some(b'p' | b'P' | b'x' | b'u') if rest.get(1) == Some(&b'{') => {
                    at += 2 + length_to(&rest[1..], b'}');
                    continue;
                }
                _ => {
                    at += 2;
                    continue;
                }
            },
            b'[' => {
                at += class_length(&bytes[at..]);
                continue;
            }
            b'^' | b'$' => return true,
            b'(' if rest.first() == Some(&b'?') => {
                let flags = rest[1..].iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-');
                match rest.get(1) {
                    Some(b'<') if !matches!(rest.get(2), Some(b'=' | b'!')) => {}
                    Some(b':' | b'P') => {}
                    Some(byte) if byte.is_ascii_alphabetic() || *byte == b'-' => {
                        if flags.clone().any(|flag| !matches!(flag, b'i' | b'x' | b'-')) {
                            return true;
                        }
                    }
                    _ => return true,
                }
            }
            b'*' | b'+' | b'?' if rest.first() == Some(&b'+') => return true,
            b'}' if rest.first() == Some(&b'+') => return true,
            b'{' if rest.first() == Some(&b',') => return true,
            _ => {}
        }
        at += 1;
    }
    false
}

/// How many bytes there are up to the first `end` and with it, or to the end.
fn length_to(bytes: &[u8], end: u8) -> usize {
    bytes.iter().position(|&byte| byte == end).map_or(bytes.len(), |at| at + 1)
}

/// Length of the class that `bytes` begins with, `[` and `]` included; classes nest.
fn class_length(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' => {
                depth += 1;
                // A bracket right behind the opening one is an ordinary character.
                let first = if bytes.get(at + 1) == Some(&b'^') { at + 2 } else { at + 1 };
                if bytes.get(first) == Some(&b']') {
                    at = first;
                }
            }
            b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The alternatives before `|\s+(?!\S)|\s+` at the end of a pattern, if it ends so.
pub fn before_trailing_space(pattern: &str) -> Option<&str> {
    [r"|\s+(?!\S)|\s+", r"|\s+(?!\S)|\s"].iter().find_map(|ending| pattern.strip_suffix(ending))
}

/// The error for a pattern that is wrong at `byte`, with a caret below the place.
pub fn bad(pattern: &str, byte: usize, why: &str) -> Error {
    const SHOWN: usize = 60;
    let before = pattern.char_indices().take_while(|&(at, _)| at < byte).count();
    let from = before.saturating_sub(SHOWN / 2);
    let visible = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    let excerpt: String = pattern.chars().skip(from).take(SHOWN).map(visible).collect();
    let caret = " ".repeat(before - from);
    Error::Usage(format!("bad regex at character {}: {why}\n    {excerpt}\n    {caret}^", before + 1))
}

/// The pattern for a message: at most 80 characters.
pub fn shortened(pattern: &str) -> String {
    const SHOWN: usize = 80;
    if pattern.chars().count() <= SHOWN {
        return pattern.to_owned();
    }
    let mut start: String = pattern.chars().take(SHOWN).collect();
    start.push('…');
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_patterns_are_for_the_linear_engine() {
        for pattern in [
            r"\p{L}+|\d{1,3}",
            r"[^\s\p{L}]+[\r\n]*",
            r"(?i:'s|'t)|[]^$(?=]+",
            r"(?<word>a)|(?P<w>b)",
            r"\p{L}+",
            r"[[:alpha:]\]+]",
            "a{2}b+",
        ] {
            assert!(!needs_backtracking(pattern), "{pattern}");
        }
    }

    #[test]
    fn look_around_and_what_oniguruma_reads_differently_is_for_the_other() {
        for pattern in [
            r"\s+(?!\S)",
            "(?<=a)b",
            "(?<!a)b",
            "(a)\\1",
            "a++",
            "a?+",
            "[ab]*+",
            r"\p{N}{1,3}+",
            "^a",
            "a$",
            "(?>a)",
            "(?m)a",
            r"\h",
        ] {
            assert!(needs_backtracking(pattern), "{pattern}");
        }
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let message = bad("é(b", 2, "unclosed group").to_string();
        assert_eq!(message, "bad regex at character 2: unclosed group\n    é(b\n     ^");
    }
}
