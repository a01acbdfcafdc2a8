//! What reading a corpus needs at the speed of memory: line ends and UTF-8 checks.

use crate::error::{Error, Result};

/// Offsets that cut `text` into lines, each with its line feed; the last line may lack one.
pub fn line_offsets(text: &[u8]) -> Vec<u64> {
    let mut offsets = vec![0];
    offsets.extend(memchr::memchr_iter(b'\n', text).map(|end| end as u64 + 1));
    if offsets.last() != Some(&(text.len() as u64)) {
        offsets.push(text.len() as u64);
    }
    offsets
}

/// Where the first byte lies that is not UTF-8.
pub fn invalid_utf8(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).err().map(|error| error.valid_up_to())
}

/// The first document that is not UTF-8 by itself, and where in it the first bad byte lies.
///
/// # Errors
/// Input: offsets that fall or go beyond the blob.
pub fn invalid_document(blob: &[u8], offsets: &[u64]) -> Result<Option<(usize, usize)>> {
    for (i, pair) in offsets.windows(2).enumerate() {
        let range = usize::try_from(pair[0]).ok().zip(usize::try_from(pair[1]).ok());
        let Some(document) = range.and_then(|(start, end)| blob.get(start..end)) else {
            return Err(Error::Input(format!("document {i}: offsets {} to {} do not fit", pair[0], pair[1])));
        };
        if let Some(at) = invalid_utf8(document) {
            return Ok(Some((i, at)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends() {
        assert_eq!(line_offsets(b"a\n\nb"), [0, 2, 3, 4]);
        assert_eq!(line_offsets(b"a\r\n"), [0, 3]);
        assert_eq!(line_offsets(b""), [0]);
    }

    #[test]
    fn a_character_cut_between_documents_is_invalid_in_both() {
        let text = "aé".as_bytes();
        assert_eq!(invalid_document(text, &[0, 3]), Ok(None));
        assert_eq!(invalid_document(text, &[0, 2, 3]), Ok(Some((0, 1))));
        assert!(invalid_document(text, &[0, 9]).is_err());
    }
}
