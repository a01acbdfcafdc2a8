//! Surprisal and entropy of each byte given those before it.

use super::ByteLm;
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Documents are handed out in blocks of about this many bytes.
const BLOCK_BYTES: u64 = 1 << 16;

/// A context at hand.
#[derive(Clone, Copy, Default)]
struct Context {
    node: u32,
    total: u32,
    kinds: u32,
}

/// Bits of every byte of the documents, end to end.
#[derive(Debug, Default, PartialEq)]
pub struct Signals {
    /// -log2 p(byte | bytes before it).
    pub surprisal: Vec<f64>,
    /// Entropy of the distribution that predicts the byte; empty if not asked for.
    pub entropy: Vec<f64>,
}

impl ByteLm {
    /// Signals of documents on up to `threads` threads (0: one a core), the same for any number.
    ///
    /// # Errors
    /// `Usage`: the model is not frozen, or offsets do not fit.
    pub fn signals(
        &self,
        blob: &[u8],
        offsets: &[u64],
        with_entropy: bool,
        threads: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<Signals> {
        if self.starts.is_empty() {
            return Err(Error::Usage("the byte language model is not frozen".into()));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&(blob.len() as u64)) || !offsets.is_sorted() {
            return Err(Error::Usage(format!("offsets must rise from 0 to the {} bytes", blob.len())));
        }
        let known: Vec<AtomicU64> = if with_entropy {
            (0..self.n_nodes).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect()
        } else {
            Vec::new()
        };
        let blocks = blocks(offsets);
        let wanted = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = |monitor: &mut dyn Monitor| -> Result<Vec<(usize, Signals)>> {
            let mut done = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(&(first, end)) = blocks.get(number) else { break };
                if let Err(error) = monitor.poll("signals", offsets[first], blob.len() as u64) {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                let mut signals = Signals::default();
                for i in first..end {
                    self.document(&blob[offsets[i] as usize..offsets[i + 1] as usize], &known, &mut signals);
                }
                done.push((number, signals));
            }
            Ok(done)
        };
        let work = &work;
        let mut done = std::thread::scope(|scope| {
            let handles: Vec<_> =
                (1..wanted.min(blocks.len())).map(|_| scope.spawn(move || work(&mut Silent))).collect();
            let mut all = work(monitor);
            for handle in handles {
                let part = handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into())));
                all = all.and_then(|mut all| {
                    all.append(&mut part?);
                    Ok(all)
                });
            }
            all
        })?;
        done.sort_unstable_by_key(|block| block.0);
        let mut whole = Signals::default();
        for (_, part) in done {
            whole.surprisal.extend_from_slice(&part.surprisal);
            whole.entropy.extend_from_slice(&part.entropy);
        }
        Ok(whole)
    }

    fn document(&self, document: &[u8], known: &[AtomicU64], out: &mut Signals) {
        let root = Context { node: 0, total: self.total, kinds: self.kinds };
        let mut contexts = vec![root; self.order];
        let mut n = 1;
        let mut next = contexts.clone();
        for &byte in document {
            if !known.is_empty() {
                out.entropy.push(self.entropy(&contexts[..n], known));
            }
            let mut p = 1.0 / 256.0;
            let mut n_next = 1;
            for (length, context) in contexts[..n].iter().enumerate() {
                let slot = &self.slots[self.find(u64::from(context.node) << 8 | u64::from(byte))];
                // A vacant slot has count 0, and nothing longer can have been seen with this byte either.
                if context.total > 0 {
                    let kinds = f64::from(context.kinds);
                    p = (f64::from(slot.count) + kinds * p) / (f64::from(context.total) + kinds);
                }
                if slot.count > 0 && length + 1 < self.order {
                    next[length + 1] = Context { node: slot.node, total: slot.total, kinds: slot.kinds };
                    // A context that nothing followed is passed over, as are the longer ones.
                    n_next = if slot.total > 0 && n_next == length + 1 { length + 2 } else { n_next };
                }
            }
            out.surprisal.push(-p.log2());
            std::mem::swap(&mut contexts, &mut next);
            contexts[0] = root;
            n = n_next;
        }
    }

    /// The distribution depends on the longest context alone: its entropy is worked out once for each.
    ///
    /// P = (n P_ml + u P') / (n + u) with P' that of the context one byte shorter: bytes never seen here have k P',
    /// k = u / (n + u), so that their part follows from the entropy of P' and the bytes seen here.
    fn entropy(&self, contexts: &[Context], known: &[AtomicU64]) -> f64 {
        let Some((context, shorter)) = contexts.split_last() else { return 8.0 };
        let cell = &known[context.node as usize];
        let value = f64::from_bits(cell.load(Ordering::Relaxed));
        if !value.is_nan() {
            return value;
        }
        let before = self.entropy(shorter, known);
        let value = if context.total == 0 { before } else { self.entropy_from(*context, shorter, before) };
        cell.store(value.to_bits(), Ordering::Relaxed);
        value
    }

    fn entropy_from(&self, context: Context, shorter: &[Context], before: f64) -> f64 {
        let kinds = f64::from(context.kinds);
        let sum = f64::from(context.total) + kinds;
        let keep = kinds / sum;
        let (low, high) = (self.starts[context.node as usize], self.starts[context.node as usize + 1]);
        let (mut seen, mut mass, mut inner) = (0.0, 0.0, 0.0);
        for &(byte, count) in &self.kids[low as usize..high as usize] {
            let shorter_p = self.probability(shorter, byte);
            let p = (f64::from(count) + kinds * shorter_p) / sum;
            seen -= p * p.log2();
            mass += shorter_p;
            inner += shorter_p * shorter_p.log2();
        }
        // Where all bytes were seen nothing is left but rounding.
        let left = if high - low == 256 { 0.0 } else { keep * (before + inner) - keep * keep.log2() * (1.0 - mass) };
        seen + left
    }

    fn probability(&self, contexts: &[Context], byte: u8) -> f64 {
        let mut p = 1.0 / 256.0;
        for context in contexts.iter().filter(|context| context.total > 0) {
            let slot = &self.slots[self.find(u64::from(context.node) << 8 | u64::from(byte))];
            let kinds = f64::from(context.kinds);
            p = (f64::from(slot.count) + kinds * p) / (f64::from(context.total) + kinds);
        }
        p
    }
}

fn blocks(offsets: &[u64]) -> Vec<(usize, usize)> {
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
