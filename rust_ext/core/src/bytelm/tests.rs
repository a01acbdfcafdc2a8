//! The formula, spelled out, against the model.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::monitor::Silent;

const BOTH: Measures = Measures { surprisal: true, entropy: true };

fn plain(training: &[&[u8]], text: &[u8], i: usize, byte: u8, order: usize) -> f64 {
    let mut p = 1.0 / 256.0;
    for k in 0..=i.min(order - 1) {
        let context = &text[i - k..i];
        let mut after = [0_u32; 256];
        for document in training {
            for window in document.windows(k + 1).filter(|window| &window[..k] == context) {
                after[window[k] as usize] += 1;
            }
        }
        let (n, u) = (f64::from(after.iter().sum::<u32>()), after.iter().filter(|n| **n > 0).count() as f64);
        if n > 0.0 {
            p = (f64::from(after[byte as usize]) + u * p) / (n + u);
        }
    }
    p
}

#[test]
fn signals_are_the_formula() {
    let training: [&[u8]; 4] = [b"abracadabra abba", b"", b"banana bandana", b"aaaaaaa\x00\xff"];
    let texts: [&[u8]; 3] = [b"abba banana\xff\x00zz", b"", b"cad"];
    for order in [1, 2, 3, 5, 9] {
        let mut counts = NgramCounts::new(order).unwrap();
        for document in training {
            counts.add(document, 1).unwrap();
        }
        let model = counts.freeze(1).unwrap();
        let blob = texts.concat();
        let signals = model.signals(&blob, &[0, 15, 15, 18], BOTH, 2, &mut Silent).unwrap();
        let mut at = 0;
        for text in texts {
            for (i, byte) in text.iter().enumerate() {
                let p: Vec<f64> = (0..=255).map(|b| plain(&training, text, i, b, order)).collect();
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert!((signals.surprisal[at] + p[*byte as usize].log2()).abs() < 1e-9, "order {order} at {at}");
                let entropy = -p.iter().map(|p| p * p.log2()).sum::<f64>();
                assert!((signals.entropy[at] - entropy).abs() < 1e-9, "order {order} at {at}");
                at += 1;
            }
        }
        let again = ByteLm::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(again.signals(&blob, &[0, 15, 15, 18], BOTH, 1, &mut Silent).unwrap(), signals);
        assert_eq!(again.to_bytes(), model.to_bytes());
    }
}

#[test]
fn bad_files_are_refused() {
    let mut counts = NgramCounts::new(3).unwrap();
    counts.add(b"some text", 1).unwrap();
    let bytes = counts.freeze(1).unwrap().to_bytes();
    for end in 0..bytes.len() {
        assert!(ByteLm::from_bytes(&bytes[..end]).is_err());
    }
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x80;
        if let Ok(model) = ByteLm::from_bytes(&broken) {
            model.signals(b"some text", &[0, 9], BOTH, 1, &mut Silent).unwrap();
        }
    }
}

#[test]
fn a_document_that_occurs_often_counts_as_often() {
    let (mut weighted, mut repeated) = (NgramCounts::new(4).unwrap(), NgramCounts::new(4).unwrap());
    for (document, times) in [(b"abcab".as_slice(), 3), (b"cab", 1)] {
        weighted.add(document, times).unwrap();
        for _ in 0..times {
            repeated.add(document, 1).unwrap();
        }
    }
    for min_count in [1, 2, 4] {
        let whole = NgramCounts::new(4).unwrap();
        assert!(whole.freeze(min_count).unwrap().is_empty());
    }
    assert_eq!(weighted.freeze(2).unwrap().to_bytes(), repeated.freeze(2).unwrap().to_bytes());
}
