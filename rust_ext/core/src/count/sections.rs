//! Documents as the counters see them, for tables whose texts something else cuts first.

use std::collections::BTreeMap;

use super::specials::Specials;
use super::worker::document_weight;
use super::{Batch, add};
use crate::error::Result;

/// What `sections` made of a batch.
#[derive(Debug, Clone, Default)]
pub struct Sections {
    /// The documents without special tokens, each stretch as one; a batch for every weight, which is whole.
    pub batches: Vec<Batch>,
    /// How often each special was cut out.
    pub specials: Vec<u64>,
    /// Documents that their weight left out.
    pub left_out: u64,
}

/// Applies what a `Counter` applies to documents: the fraction of the weight, and the cuts at special tokens.
///
/// # Errors
/// `Usage`: bad weights or specials. `Input`: offsets that do not fit.
pub fn sections(batch: Batch, specials: &[Vec<u8>]) -> Result<Sections> {
    batch.check()?;
    if specials.is_empty() && batch.weight == batch.weight.trunc() {
        let (n, is_left_out) = (batch.documents() as u64, batch.weight == 0.0);
        let batches = if is_left_out { Vec::new() } else { vec![batch] };
        return Ok(Sections { batches, specials: Vec::new(), left_out: if is_left_out { n } else { 0 } });
    }
    let cutter = Specials::new(specials)?;
    let mut made = Sections { specials: vec![0; cutter.len()], ..Sections::default() };
    let mut by_weight: BTreeMap<u64, Batch> = BTreeMap::new();
    for pair in batch.offsets.windows(2) {
        let (start, end) = (pair[0] as usize, pair[1] as usize);
        let weight = document_weight(&batch, start, end);
        if weight == 0 {
            made.left_out = add(made.left_out, 1)?;
            continue;
        }
        let to = by_weight.entry(weight).or_insert_with(|| Batch {
            blob: Vec::new(),
            offsets: vec![0],
            weight: weight as f64,
        });
        let document = &batch.blob[start..end];
        cutter.cut(document, &mut made.specials, |low, high| {
            to.blob.extend_from_slice(&document[low..high]);
            to.offsets.push(to.blob.len() as u64);
            Ok(())
        })?;
    }
    made.batches = by_weight.into_values().collect();
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specials_part_a_document_and_a_fraction_of_weight_takes_some_documents() {
        let text: String = (0..200).map(|i| format!("{i:03}<s>x")).collect();
        let offsets = (0..=200).map(|i| i * 7).collect();
        let batch = Batch { blob: text.into_bytes(), offsets, weight: 1.25 };
        let made = sections(batch, &[b"<s>".to_vec()]).unwrap();
        let weights: Vec<f64> = made.batches.iter().map(|batch| batch.weight).collect();
        assert_eq!(
            (weights.as_slice(), made.left_out, made.specials.as_slice()),
            ([1.0, 2.0].as_slice(), 0, [200].as_slice())
        );
        let twice = made.batches[1].documents();
        assert!(made.batches[0].documents() + twice == 400 && (40..160).contains(&twice), "{twice}");
        assert!(made.batches[0].blob.starts_with(b"000x") || made.batches[1].blob.starts_with(b"000x"));
    }

    #[test]
    fn weight_nothing_leaves_all_out() {
        let batch = Batch { blob: b"ab".to_vec(), offsets: vec![0, 1, 2], weight: 0.0 };
        assert_eq!(sections(batch, &[]).unwrap().left_out, 2);
    }
}
