//! What some schemes do to the text before it is cut, with the way back from offsets.

use std::borrow::Cow;

/// U+2581, which stands for a space in the vocabularies of sentencepiece.
pub const METASPACE: [u8; 3] = [0xE2, 0x96, 0x81];

/// Where U+2581 is put in front when spaces are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Nowhere.
    Nothing,
    /// Before a text that has none there (`Metaspace` of Hugging Face, `first`); not behind a special token.
    Text,
    /// Before every section that is not empty, whatever it begins with (`Prepend` of Hugging Face).
    Section,
}

/// A text as its scheme cuts it.
pub struct Rewritten<'t> {
    /// The text to scan.
    pub text: Cow<'t, [u8]>,
    map: Map,
}

enum Map {
    /// Nothing was changed.
    Same,
    /// Where each marker of the new text begins, and what it stands for in the old one, both ascending.
    Markers { places: Vec<Marker>, source_len: usize },
}

struct Marker {
    at: usize,
    source: usize,
    source_len: usize,
}

impl<'t> Rewritten<'t> {
    /// The text as it is.
    pub fn same(text: &'t [u8]) -> Self {
        Rewritten { text: Cow::Borrowed(text), map: Map::Same }
    }

    /// Each U+0020 as U+2581, one U+2581 before a text that is not empty and has none there.
    pub fn metaspace(text: &'t [u8]) -> Self {
        let prefix = !(text.is_empty() || text.starts_with(b" ") || text.starts_with(&METASPACE));
        Self::build(text, 0, text.len(), prefix, false)
    }

    /// Each U+0020 as U+2581, and one in front as `front` has it; `is_first`: the text does not follow a special token.
    pub fn marked(text: &'t [u8], front: Front, is_first: bool) -> Self {
        match front {
            Front::Text if is_first => Self::metaspace(text),
            Front::Section => Self::build(text, 0, text.len(), !text.is_empty(), false),
            Front::Text | Front::Nothing => Self::build(text, 0, text.len(), false, false),
        }
    }

    /// Runs of U+0020 collapsed and stripped at both ends, one U+2581 in front, each U+0020 as U+2581.
    pub fn sentencepiece(text: &'t [u8]) -> Self {
        let start = text.iter().take_while(|&&byte| byte == b' ').count();
        let end = text.len() - text[start..].iter().rev().take_while(|&&byte| byte == b' ').count();
        Self::build(text, start, end, start < end, true)
    }

    /// The words of Python's `str.split()`, one U+2581 before each, one U+0020 between two (the authors' code of
    /// Picky BPE).
    pub fn words(text: &'t [u8]) -> Self {
        let mut new = Vec::with_capacity(text.len() + text.len() / 2 + METASPACE.len());
        let mut places = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let space = python_space(&text[at..]);
            if space > 0 {
                at += space;
                continue;
            }
            if !new.is_empty() {
                new.push(b' ');
            }
            places.push(Marker { at: new.len(), source: at, source_len: 0 });
            new.extend_from_slice(&METASPACE);
            let start = at;
            while at < text.len() && python_space(&text[at..]) == 0 {
                at += 1;
            }
            new.extend_from_slice(&text[start..at]);
        }
        Rewritten { text: Cow::Owned(new), map: Map::Markers { places, source_len: text.len() } }
    }

    fn build(text: &'t [u8], start: usize, end: usize, prefix: bool, collapse: bool) -> Self {
        let mut new = Vec::with_capacity(text.len() + text.len() / 2 + METASPACE.len());
        let mut places = Vec::new();
        if prefix {
            // The marker in front stands for what was stripped there, if anything.
            places.push(Marker { at: 0, source: 0, source_len: start });
            new.extend_from_slice(&METASPACE);
        }
        let mut at = start;
        while at < end {
            let byte = text[at];
            let from = at;
            at += 1;
            if byte != b' ' {
                new.push(byte);
                continue;
            }
            while collapse && at < end && text[at] == b' ' {
                at += 1;
            }
            places.push(Marker { at: new.len(), source: from, source_len: at - from });
            new.extend_from_slice(&METASPACE);
        }
        Rewritten { text: Cow::Owned(new), map: Map::Markers { places, source_len: text.len() } }
    }

    /// The byte of the original text at which byte `offset` of the new text lies.
    ///
    /// A marker spans what it stands for: its first byte maps to the begin of that, bytes inside it to the begin too, and
    /// the byte behind it to the end. A marker that was put in front of the text spans nothing. The end maps to the end.
    pub fn source_offset(&self, offset: usize) -> usize {
        match &self.map {
            Map::Same => offset.min(self.text.len()),
            Map::Markers { source_len, .. } if offset >= self.text.len() => *source_len,
            Map::Markers { places, .. } => match places[..places.partition_point(|place| place.at <= offset)].last() {
                None => offset,
                Some(place) if offset < place.at + METASPACE.len() => place.source,
                Some(place) => place.source + place.source_len + (offset - place.at - METASPACE.len()),
            },
        }
    }
}

/// Bytes of the white space that `text` starts with, as Python's `str.isspace` has it; 0 if there is none.
fn python_space(text: &[u8]) -> usize {
    match text {
        [0x09..=0x0D | 0x1C..=0x20, ..] => 1,
        [0xC2, 0x85 | 0xA0, ..] => 2,
        [0xE1, 0x9A, 0x80, ..] | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..] => 3,
        [0xE2, 0x81, 0x9F, ..] | [0xE3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&[u8]; 10] = [
        b"",
        b" ",
        b"a",
        b"a b",
        b"  a   b  ",
        b"\xE2\x96\x81a",
        b"\n a\n",
        b"a ",
        b"\xFF \xE2\x96",
        "é  中 ".as_bytes(),
    ];

    fn check(rewritten: &Rewritten, source: &[u8]) {
        let new = &rewritten.text;
        let offsets: Vec<usize> = (0..=new.len()).map(|at| rewritten.source_offset(at)).collect();
        assert!(offsets.windows(2).all(|pair| pair[0] <= pair[1]), "{source:?}: {offsets:?}");
        assert_eq!(offsets[new.len()], source.len());
        for (at, &byte) in new.iter().enumerate() {
            let from = offsets[at];
            // A byte is itself, or part of a marker that stands for spaces or for nothing.
            let marker = (0..3).any(|back| at >= back && new[at - back..].starts_with(&METASPACE));
            assert!(marker || source[from] == byte, "{source:?} at {at}");
        }
    }

    #[test]
    fn offsets_ascend_and_lead_to_the_same_byte() {
        for text in TEXTS {
            check(&Rewritten::same(text), text);
            check(&Rewritten::metaspace(text), text);
            check(&Rewritten::sentencepiece(text), text);
            for front in [Front::Nothing, Front::Text, Front::Section] {
                check(&Rewritten::marked(text, front, true), text);
                check(&Rewritten::marked(text, front, false), text);
            }
        }
    }

    #[test]
    fn a_marker_spans_the_spaces_that_it_stands_for() {
        let rewritten = Rewritten::sentencepiece(b"  a   b ");
        assert_eq!(&*rewritten.text, "\u{2581}a\u{2581}b".as_bytes());
        let pieces = [0, 4, 8].map(|at| rewritten.source_offset(at));
        assert_eq!(pieces, [0, 3, 8]);
        assert_eq!([3, 7].map(|at| rewritten.source_offset(at)), [2, 6]);
    }

    #[test]
    fn a_marker_in_front_comes_where_it_is_wanted() {
        let marked = |text: &str, front, is_first| {
            String::from_utf8(Rewritten::marked(text.as_bytes(), front, is_first).text.into_owned())
        };
        for (text, front, is_first, new) in [
            (" a", Front::Text, true, "\u{2581}a"),
            ("a", Front::Text, true, "\u{2581}a"),
            ("a", Front::Text, false, "a"),
            (" a", Front::Section, false, "\u{2581}\u{2581}a"),
            ("", Front::Section, true, ""),
            ("a b", Front::Nothing, true, "a\u{2581}b"),
        ] {
            assert_eq!(marked(text, front, is_first).as_deref(), Ok(new));
        }
    }

    #[test]
    fn metaspace_puts_one_marker_in_front_unless_there_is_one() {
        for (text, new) in [("a b", "\u{2581}a\u{2581}b"), (" a", "\u{2581}a"), ("", ""), ("\u{2581}a", "\u{2581}a")] {
            assert_eq!(&*Rewritten::metaspace(text.as_bytes()).text, new.as_bytes());
        }
    }
}
