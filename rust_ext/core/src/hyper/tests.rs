//! Random streams: encoder, decoders and any cutting agree.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::monitor::Silent;
use std::sync::Arc;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as u32 % n
    }
}

fn spelt(book: &Book) -> Spelt {
    Books::of(book).row(0).unwrap()
}

/// 5,000 by default; the full fuzz of 60,000 takes `HYPER_FUZZ=60000`.
fn cases() -> u64 {
    std::env::var("HYPER_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(5000)
}

fn random_rules(random: &mut Random) -> (Arc<Rules>, u32) {
    let base = 1 + random.below(12);
    let policy = [Policy::Freeze, Policy::Reset, Policy::Lru][random.below(3) as usize];
    let capacity = [0, 1, 2, 5, 20, 100][random.below(6) as usize];
    let mut disabled: Vec<u32> = (0..random.below(3)).map(|_| random.below(base)).collect();
    if random.below(3) == 0 {
        disabled.push(base + capacity);
    }
    (Arc::new(Rules::new(base, capacity, 1 + random.below(7), &disabled, policy).unwrap()), base)
}

#[test]
fn every_cutting_of_a_stream_gives_the_same_codes_and_ids() {
    for seed in 1..=cases() {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (rules, base) = random_rules(&mut random);
        let spread = 1 + random.below(base);
        let high = base + rules.capacity();
        let ids: Vec<u32> = (0..random.below(200))
            .map(|_| if rules.is_disabled(high) && random.below(20) == 0 { high } else { random.below(spread) })
            .collect();
        let mut encoder = Encoder::new(rules.clone());
        let (mut codes, mut rest) = (Vec::new(), ids.as_slice());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(random.below(9) as usize));
            encoder.push(piece, &mut codes).unwrap();
            rest = more;
        }
        encoder.finish(&mut codes);
        let (whole, books) = encode_batch(&rules, &ids, &[0, ids.len() as u64], (None, true), 1, &mut Silent).unwrap();
        assert_eq!(whole.ids, codes, "seed {seed}");
        let books = books.row(0).unwrap();
        assert_eq!(books, spelt(encoder.book()), "seed {seed}");
        assert_eq!(books, book_of(&rules, &codes).unwrap(), "seed {seed}");
        let mut any = Encoder::new(rules.clone());
        let mut again = Vec::new();
        any.push_whatever_the_policy(&ids, &mut again);
        assert_eq!((&again, spelt(any.book())), (&codes, books.clone()), "seed {seed}");
        let mut decoder = Decoder::new(rules.clone());
        let (mut decoded, mut rest) = (Vec::new(), codes.as_slice());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(random.below(9) as usize));
            decoder.push(piece, &mut decoded).unwrap();
            rest = more;
        }
        assert_eq!(decoded, ids, "seed {seed}");
        assert_eq!(spelt(decoder.book()), books, "seed {seed}");
        if rules.policy() == Policy::Freeze {
            let mut tolerant = TolerantDecoder::new(rules.clone()).unwrap();
            let mut decoded = Vec::new();
            tolerant.push(&codes, &mut decoded).unwrap();
            assert_eq!(decoded, ids, "seed {seed}");
            assert_eq!(Books::of_tolerant(&tolerant).row(0).unwrap(), books, "seed {seed}");
        }
        let largest = codes.iter().max().copied().unwrap_or(0);
        assert!(largest <= base + rules.capacity(), "seed {seed}");
    }
}

#[test]
fn rows_of_limited_length_lose_nothing() {
    for seed in 1..=cases() / 5 {
        let mut random = Random(seed.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1);
        let (rules, base) = random_rules(&mut random);
        let ids: Vec<u32> = (0..random.below(150)).map(|_| random.below(base)).collect();
        let limit = 1 + random.below(20) as usize;
        let mut encoder = Encoder::new(rules.clone());
        let (mut rest, mut decoded) = (ids.as_slice(), Vec::new());
        while !rest.is_empty() {
            let mut codes = Vec::new();
            let used = encoder.encode_some(rest, limit, &mut codes).unwrap();
            assert!(used > 0 && codes.len() <= limit, "seed {seed}");
            assert!(codes.len() == limit || used == rest.len(), "seed {seed}");
            Decoder::new(rules.clone()).push(&codes, &mut decoded).unwrap();
            rest = &rest[used..];
        }
        assert_eq!(decoded, ids, "seed {seed}");
    }
}

#[test]
fn arbitrary_codes_are_decoded_or_refused_but_never_panic() {
    for seed in 1..=cases() {
        let mut random = Random(seed.wrapping_mul(0xA24B_AED4_963E_E407) | 1);
        let (rules, base) = random_rules(&mut random);
        let codes: Vec<u32> = (0..random.below(60))
            .map(|_| if random.below(50) == 0 { u32::MAX } else { random.below(2 * base + 9) })
            .collect();
        let mut out = Vec::new();
        let _ = Decoder::new(rules.clone()).push(&codes, &mut out);
        let _ = Encoder::new(rules.clone()).push(&codes, &mut out);
        if let Ok(mut tolerant) = TolerantDecoder::new(rules) {
            let _ = tolerant.push(&codes, &mut out);
        }
    }
}

#[test]
fn threads_do_not_change_the_result() {
    let rules = Arc::new(Rules::new(50, 64, 4, &[3], Policy::Freeze).unwrap());
    let mut random = Random(7);
    let ids: Vec<u32> = (0..400_000).map(|_| random.below(50).min(random.below(50))).collect();
    let offsets: Vec<u64> = (0..=400).map(|row| row * 1000).collect();
    let one = encode_batch(&rules, &ids, &offsets, (None, true), 1, &mut Silent).unwrap();
    for threads in [2, 8] {
        assert_eq!(encode_batch(&rules, &ids, &offsets, (None, true), threads, &mut Silent).unwrap(), one);
    }
    let back = decode_batch(&rules, &one.0.ids, &one.0.offsets, (false, true), 2, &mut Silent).unwrap();
    assert_eq!(back.0.ids, ids);
    assert_eq!(back.1, one.1);
}
