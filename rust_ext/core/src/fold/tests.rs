use super::*;

fn ends(end: usize) -> [[u8; 8]; 2] {
    [[0; 8], (end as u64).to_le_bytes()]
}

fn row(data: &str, tokens: &[&[u8]]) -> Option<Vec<i64>> {
    let ids: Vec<u32> = (0..tokens.len() as u32).collect();
    let ids: Vec<[u8; 4]> = ids.into_iter().map(u32::to_le_bytes).collect();
    let lengths: Vec<[u8; 4]> = tokens.iter().map(|token| (token.len() as u32).to_le_bytes()).collect();
    let (flags, blob) = (vec![0; tokens.len()], tokens.concat());
    let (byte_ends, token_ends) = (&ends(data.len()), &ends(ids.len()));
    let text = Encoded {
        data: data.as_bytes(),
        byte_ends,
        ids: &ids,
        token_ends,
        blob: &blob,
        lengths: &lengths,
        flags: &flags,
    };
    folded(&text)
}

fn folded(text: &Encoded<'_>) -> Option<Vec<i64>> {
    let mut columns = vec![[0; 8]; (text.byte_ends.len() - 1) * COLUMNS];
    let is_tiled = fold(text, &mut columns).unwrap();
    is_tiled.then(|| columns.into_iter().map(i64::from_le_bytes).collect())
}

#[test]
fn counts_characters_words_and_cuts() {
    // The letter ü is cut; the first word has two tokens, the second one.
    let found = row("aü\u{3000}b c", &[b"a\xc3", b"\xbc\xe3\x80\x80", b"b", b" c"]).unwrap();
    assert_eq!(found, [6, 2, 3, 2, 1, 1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn counts_flags_beyond_what_a_lane_holds() {
    let (data, byte_ends) = ("ab".repeat(2000), ends(4000));
    let (one, ids) = (1_u32.to_le_bytes(), [0_u32, 1].repeat(2000));
    let ids: Vec<[u8; 4]> = ids.into_iter().map(u32::to_le_bytes).collect();
    let text = Encoded {
        data: data.as_bytes(),
        byte_ends: &byte_ends,
        ids: &ids,
        token_ends: &byte_ends,
        blob: b"ab",
        lengths: &[one, one],
        flags: &[0b10_0001, 0b10_0000],
    };
    assert_eq!(folded(&text).unwrap(), [4000, 0, 1, 0, 1, 0, 2000, 0, 0, 0, 0, 4000]);
}

#[test]
fn tells_a_long_text_from_other_tokens() {
    assert!(row("abcdefghijk", &[b"abcdefgh", b"ijk"]).is_some());
    assert!(row("abcdefghijk", &[b"abcdefg", b"ijk"]).is_none());
    assert!(row("abcdefghijk", &[b"abcdefgx", b"ijk"]).is_none());
    assert!(row("abcdefghijklm", &[b"a", b"bcdefghijx", b"lm"]).is_none());
    assert!(row("a\0\0\0\0\0\0\0\0", &[b"a", b"\0\0\0\0\0\0\0\0"]).is_some());
}

#[test]
fn walks_tokens_that_do_not_fit_a_lane() {
    let spaces = " x".repeat(200);
    assert_eq!(row(&spaces, &[spaces.as_bytes()]).unwrap()[..4], [400, 0, 200, 200]);
    let runs = "ab c".repeat(1000);
    assert_eq!(row(&runs, &[b"ab c" as &[u8]; 1000]).unwrap()[..5], [4000, 0, 1001, 2, 999]);
}

#[test]
fn a_token_that_reaches_into_the_next_document_is_not_the_text() {
    let number = |value: u64| value.to_le_bytes();
    let text = Encoded {
        data: b"abcd",
        byte_ends: &[number(0), number(2), number(4)],
        ids: &[[0; 4], [1, 0, 0, 0]],
        token_ends: &[number(0), number(1), number(2)],
        blob: b"abcd",
        lengths: &[[3, 0, 0, 0], [1, 0, 0, 0]],
        flags: &[0, 0],
    };
    assert!(folded(&text).is_none());
}

#[test]
fn counts_ids_and_names_the_largest_that_has_no_place() {
    let ids = [2_u32, 0, 2].map(u32::to_le_bytes);
    let mut counts = [[0; 8]; 3];
    count_ids(&ids, &mut counts).unwrap();
    assert_eq!(counts.map(u64::from_le_bytes), [1, 0, 2]);
    assert!(count_ids(&ids, &mut counts[..1]).unwrap_err().to_string().contains("id 2 lies outside"));
}

#[test]
fn tells_tokens_that_are_not_the_text() {
    for tokens in [&[b"ab" as &[u8]] as &[&[u8]], &[b"abcd"], &[b"abd"]] {
        assert!(row("abc", tokens).is_none());
    }
}
