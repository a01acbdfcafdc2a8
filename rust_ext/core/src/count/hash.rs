//! Fixed-seed hashes: a run is repeatable, and nothing of the result depends on them but the sample of documents.

const K0: u64 = 0x9E37_79B9_7F4A_7C15;
const K1: u64 = 0xD6E8_FEB8_6659_FD93;

/// The two halves of a 128-bit product, folded.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash of an inline key.
#[inline(always)]
pub fn of_key(key: u128) -> u64 {
    fold((key as u64) ^ K0, ((key >> 64) as u64) ^ K1)
}

/// Hash of any bytes.
pub fn of_bytes(bytes: &[u8]) -> u64 {
    let mut hash = K0 ^ bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, more)) = rest.split_first_chunk::<8>() {
        hash = fold(hash ^ u64::from_le_bytes(*word), K1);
        rest = more;
    }
    let mut last = [0u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash ^ u64::from_le_bytes(last), K0)
}
