//! Many texts over threads: the same ids whatever their number.

use super::{Allowed, Encoder, Workspace};
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Texts are handed out in blocks of about this many bytes.
const BLOCK_BYTES: usize = 1 << 18;

/// Ids of many texts, end to end; text `i` has `ids[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Output ids.
    pub ids: Vec<u32>,
    /// One more than there are texts.
    pub offsets: Vec<u64>,
}

/// One block's result: its ids and the number of ids of each text.
type Done = (usize, Vec<u32>, Vec<u64>);

impl Encoder {
    /// Encodes `texts` on up to `threads` threads (0: one per core that this process may use), the caller's among them.
    pub fn encode_batch(
        &self,
        texts: &[&[u8]],
        allowed: &Allowed,
        threads: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<Batch> {
        let blocks = blocks(texts);
        let wanted = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        let others = wanted.min(blocks.len()).saturating_sub(1);
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = |monitor: &mut dyn Monitor| self.take_blocks(texts, &blocks, allowed, (&next, &stop), monitor);
        let work = &work;
        let mut done = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..others).map(|_| scope.spawn(move || work(&mut Silent))).collect();
            let mut done = work(monitor);
            if done.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            for handle in handles {
                let part = handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into())));
                done = match (done, part) {
                    (Ok(mut all), Ok(mut more)) => {
                        all.append(&mut more);
                        Ok(all)
                    }
                    (Err(error), _) | (_, Err(error)) => Err(error),
                };
            }
            done
        })?;
        done.sort_unstable_by_key(|block| block.0);
        Ok(concatenate(done, texts.len()))
    }

    fn take_blocks(
        &self,
        texts: &[&[u8]],
        blocks: &[(usize, usize)],
        allowed: &Allowed,
        (next, stop): (&AtomicUsize, &AtomicBool),
        monitor: &mut dyn Monitor,
    ) -> Result<Vec<Done>> {
        let mut workspace = self.workspace();
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(first, end)) = blocks.get(number) else { break };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            monitor.poll("encode", first as u64, texts.len() as u64)?;
            let (ids, lengths) = self.encode_block(&texts[first..end], allowed, &mut workspace, monitor)?;
            done.push((number, ids, lengths));
        }
        self.give_back(workspace);
        Ok(done)
    }

    fn encode_block(
        &self,
        texts: &[&[u8]],
        allowed: &Allowed,
        workspace: &mut Workspace,
        monitor: &mut dyn Monitor,
    ) -> Result<(Vec<u32>, Vec<u64>)> {
        let mut ids = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() / 3);
        let mut lengths = Vec::with_capacity(texts.len());
        for text in texts {
            let before = ids.len();
            self.encode(text, allowed, workspace, monitor, &mut ids)?;
            lengths.push((ids.len() - before) as u64);
        }
        Ok((ids, lengths))
    }
}

/// Ranges of texts of about `BLOCK_BYTES`.
fn blocks(texts: &[&[u8]]) -> Vec<(usize, usize)> {
    let mut blocks = Vec::new();
    let (mut first, mut size) = (0, 0);
    for (place, text) in texts.iter().enumerate() {
        size += text.len();
        if size >= BLOCK_BYTES {
            blocks.push((first, place + 1));
            (first, size) = (place + 1, 0);
        }
    }
    if first < texts.len() {
        blocks.push((first, texts.len()));
    }
    blocks
}

fn concatenate(mut done: Vec<Done>, n_texts: usize) -> Batch {
    let mut batch = Batch { ids: Vec::new(), offsets: Vec::with_capacity(n_texts + 1) };
    batch.offsets.push(0);
    let mut end = 0;
    for (_, _, lengths) in &done {
        for length in lengths {
            end += length;
            batch.offsets.push(end);
        }
    }
    if done.len() == 1 {
        batch.ids = done.swap_remove(0).1;
        return batch;
    }
    batch.ids.reserve_exact(end as usize);
    for (_, ids, _) in done {
        batch.ids.extend_from_slice(&ids);
    }
    batch
}
