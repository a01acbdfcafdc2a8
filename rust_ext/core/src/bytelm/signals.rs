//! Surprisal and entropy of each byte given those before it.

use super::MAX_ORDER;
use super::model::ByteLm;
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Documents are handed out in blocks of about this many bytes.
const BLOCK_BYTES: u64 = 1 << 16;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// -log2 p(byte | bytes before it).
    pub surprisal: bool,
    /// Entropy of the distribution that predicts the byte.
    pub entropy: bool,
}

/// Bits of every byte of the documents, end to end; empty if not asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Signals {
    /// -log2 p(byte | bytes before it).
    pub surprisal: Vec<f64>,
    /// Entropy of the distribution that predicts the byte.
    pub entropy: Vec<f64>,
}

/// Documents and where their signals go.
struct Block<'a> {
    first: usize,
    end: usize,
    surprisal: &'a mut [f64],
    entropy: &'a mut [f64],
}

impl ByteLm {
    /// Signals of documents on up to `threads` threads (0: one a core), the same for any number.
    ///
    /// # Errors
    /// `Usage`: offsets that do not fit. `Resource`: no memory.
    pub fn signals(
        &self,
        blob: &[u8],
        offsets: &[u64],
        measures: Measures,
        threads: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<Signals> {
        if offsets.first() != Some(&0) || offsets.last() != Some(&(blob.len() as u64)) || !offsets.is_sorted() {
            return Err(Error::Usage(format!("offsets must rise from 0 to the {} bytes", blob.len())));
        }
        let known =
            self.entropies.get_or_init(|| (0..self.n_contexts()).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect());
        let mut whole = Signals {
            surprisal: zeros(if measures.surprisal { blob.len() } else { 0 })?,
            entropy: zeros(if measures.entropy { blob.len() } else { 0 })?,
        };
        let (mut surprisal, mut entropy) = (whole.surprisal.as_mut_slice(), whole.entropy.as_mut_slice());
        let mut blocks = Vec::new();
        for (first, end) in block_bounds(offsets) {
            let n = (offsets[end] - offsets[first]) as usize;
            let (here, rest) = surprisal.split_at_mut(n.min(surprisal.len()));
            let (there, others) = entropy.split_at_mut(n.min(entropy.len()));
            (surprisal, entropy) = (rest, others);
            blocks.push(Block { first, end, surprisal: here, entropy: there });
        }
        let wanted = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let n_workers = wanted.min(blocks.len());
        let queue = Mutex::new(blocks.into_iter());
        let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = |monitor: &mut dyn Monitor| -> Result<()> {
            while let Some(mut block) = take() {
                if let Err(error) = monitor.poll("signals", offsets[block.first], blob.len() as u64) {
                    // Nothing is left for the others.
                    while take().is_some() {}
                    return Err(error);
                }
                let mut at = 0;
                for i in block.first..block.end {
                    let document = &blob[offsets[i] as usize..offsets[i + 1] as usize];
                    self.document(document, known, measures, &mut block, at);
                    at += document.len();
                }
            }
            Ok(())
        };
        let work = &work;
        std::thread::scope(|scope| {
            let handles: Vec<_> = (1..n_workers).map(|_| scope.spawn(move || work(&mut Silent))).collect();
            let mut all = work(monitor);
            for handle in handles {
                let part = handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into())));
                all = all.and(part);
            }
            all
        })?;
        Ok(whole)
    }

    fn document(&self, document: &[u8], known: &[AtomicU64], measures: Measures, block: &mut Block<'_>, at: usize) {
        let mut context = 0_u32;
        // What the contexts that have not seen the byte leave to shorter ones, the longest first.
        let mut passed = [(0.0, 0.0); MAX_ORDER];
        for (place, &byte) in document.iter().enumerate() {
            if measures.entropy {
                block.entropy[at + place] = self.entropy(context, known);
            }
            let mut n_passed = 0;
            let (mut p, next) = loop {
                if let Some(gram) = self.gram(context, byte) {
                    let gram = &self.grams[gram];
                    break (gram.p, gram.next);
                }
                let total = self.contexts[context as usize].total;
                if total > 0 {
                    passed[n_passed] = (self.kids(context).len() as f64, f64::from(total));
                    n_passed += 1;
                }
                if context == 0 {
                    break (1.0 / 256.0, 0);
                }
                context = self.contexts[context as usize].suffix;
            };
            context = next;
            if measures.surprisal {
                for &(kinds, total) in passed[..n_passed].iter().rev() {
                    p = kinds * p / (total + kinds);
                }
                block.surprisal[at + place] = -p.log2();
            }
        }
    }

    /// The distribution depends on the longest context alone: its entropy is worked out once for each.
    fn entropy(&self, context: u32, known: &[AtomicU64]) -> f64 {
        let cell = &known[context as usize];
        let value = f64::from_bits(cell.load(Ordering::Relaxed));
        if !value.is_nan() {
            return value;
        }
        let before = if context == 0 { 8.0 } else { self.entropy(self.contexts[context as usize].suffix, known) };
        let value = self.entropy_from(context, before);
        cell.store(value.to_bits(), Ordering::Relaxed);
        value
    }

    /// P = (n P_ml + u P') / (n + u) with P' that of the context one byte shorter: bytes never seen here have k P',
    /// k = u / (n + u), so that their part follows from the entropy of P' and the bytes seen here.
    fn entropy_from(&self, context: u32, before: f64) -> f64 {
        let kids = self.kids(context);
        if kids.is_empty() {
            return before;
        }
        let kinds = kids.len() as f64;
        let keep = kinds / (f64::from(self.contexts[context as usize].total) + kinds);
        let n_kids = kids.len();
        let (mut seen, mut mass, mut inner) = (0.0, 0.0, 0.0);
        for gram in kids {
            let p = self.grams[gram].p;
            let suffix = self.suffix(gram);
            let shorter = if suffix == 0 { 1.0 / 256.0 } else { self.grams[suffix as usize - 1].p };
            seen -= p * p.log2();
            mass += shorter;
            inner += shorter * shorter.log2();
        }
        // Where all bytes were seen nothing is left but rounding.
        let left = if n_kids == 256 { 0.0 } else { keep * (before + inner) - keep * keep.log2() * (1.0 - mass) };
        seen + left
    }
}

fn zeros(n: usize) -> Result<Vec<f64>> {
    let mut values = Vec::new();
    values.try_reserve_exact(n).map_err(|_| too_many_bytes(n))?;
    values.resize(n, 0.0);
    Ok(values)
}

fn too_many_bytes(n: usize) -> Error {
    Error::Resource(format!("the signals of {n} bytes need {} MiB", (8 * n) >> 20))
}

fn block_bounds(offsets: &[u64]) -> Vec<(usize, usize)> {
    let mut blocks = Vec::new();
    let mut first = 0;
    for i in 1..offsets.len() {
        if offsets[i] - offsets[first] >= BLOCK_BYTES || i + 1 == offsets.len() {
            blocks.push((first, i));
            first = i;
        }
    }
    blocks
}
