//! One fast hash for bytes and words: 128-bit multiply, folded.

const K0: u64 = 0x9E37_79B9_7F4A_7C15;
const K1: u64 = 0xD6E8_FEB8_6659_FD93;

/// Both halves of the product of `a` and `b`, xored.
#[inline(always)]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash of 16 bytes.
#[inline(always)]
pub fn hash_u128(key: u128, seed: u64) -> u64 {
    fold(key as u64 ^ K0 ^ seed, (key >> 64) as u64 ^ K1)
}

/// The hash of a byte string of any length.
#[inline]
pub fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ K0 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = fold(hash ^ u64::from_le_bytes(word), K1);
    }
    let rest = chunks.remainder();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    fold(hash ^ u64::from_le_bytes(tail), K0)
}
