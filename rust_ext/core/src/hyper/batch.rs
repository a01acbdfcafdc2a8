//! Many rows over threads, each with a book of its own: the same result whatever their number.

use super::books::Books;
use super::decode::Decoder;
use super::encode::Encoder;
use super::rules::Rules;
use super::tolerant::TolerantDecoder;
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Rows are handed out in blocks of about this many ids.
const BLOCK_IDS: u64 = 1 << 16;

/// Numbers of many rows, end to end; row `i` has `ids[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Ids or codes.
    pub ids: Vec<u32>,
    /// One more than there are rows.
    pub offsets: Vec<u64>,
}

/// Encodes rows, each from an empty book and up to `limit` codes; the books only if `with_books`.
///
/// # Errors
/// `Input`: an id that is no base id and not disabled; names row and position.
pub fn encode_batch(
    rules: &Arc<Rules>,
    ids: &[u32],
    offsets: &[u64],
    (limit, with_books): (Option<usize>, bool),
    threads: usize,
    monitor: &mut dyn Monitor,
) -> Result<(Rows, Books)> {
    let make = || {
        let mut encoder = Encoder::new(rules.clone());
        move |row: &[u32], out: &mut Vec<u32>, books: &mut Books| {
            if let Some(limit) = limit {
                encoder.encode_some(row, limit, out)?;
            } else {
                encoder.clear_for(row.len());
                encoder.push(row, out)?;
                encoder.finish(out);
            }
            if with_books {
                books.take(encoder.book_mut());
            }
            Ok(())
        }
    };
    each_row(ids, offsets, threads, "encode", &make, monitor)
}

/// Decodes rows, each from an empty book; the books only if `with_books`.
///
/// # Errors
/// `Input`: a code that stands for nothing; names row and position. `Usage`: tolerant, and a policy other than freeze.
pub fn decode_batch(
    rules: &Arc<Rules>,
    codes: &[u32],
    offsets: &[u64],
    (is_tolerant, with_books): (bool, bool),
    threads: usize,
    monitor: &mut dyn Monitor,
) -> Result<(Rows, Books)> {
    if is_tolerant {
        let empty = TolerantDecoder::new(rules.clone())?;
        let make = || {
            let mut decoder = empty.clone();
            move |row: &[u32], out: &mut Vec<u32>, books: &mut Books| {
                decoder.clear();
                decoder.push(row, out)?;
                if with_books {
                    books.add_tolerant(&decoder);
                }
                Ok(())
            }
        };
        return each_row(codes, offsets, threads, "decode", &make, monitor);
    }
    let make = || {
        let mut decoder = Decoder::new(rules.clone());
        move |row: &[u32], out: &mut Vec<u32>, books: &mut Books| {
            decoder.clear();
            decoder.push(row, out)?;
            if with_books {
                books.take(decoder.book_mut());
            }
            Ok(())
        }
    };
    each_row(codes, offsets, threads, "decode", &make, monitor)
}

/// One block's result: its number, the rows' numbers, how many each row has, the books.
type Done = (usize, Vec<u32>, Vec<u64>, Books);

fn each_row<F, W>(
    ids: &[u32],
    offsets: &[u64],
    threads: usize,
    stage: &'static str,
    make: &F,
    monitor: &mut dyn Monitor,
) -> Result<(Rows, Books)>
where
    F: Fn() -> W + Sync,
    W: FnMut(&[u32], &mut Vec<u32>, &mut Books) -> Result<()>,
{
    let blocks = blocks(ids, offsets)?;
    let wanted = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
    let others = wanted.min(blocks.len()).saturating_sub(1);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |monitor: &mut dyn Monitor| -> Result<Vec<Done>> {
        let mut row_worker = make();
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(first, end)) = blocks.get(number) else { break };
            let result = monitor
                .poll(stage, first as u64, offsets.len() as u64 - 1)
                .and_then(|()| block(ids, offsets, first..end, &mut row_worker));
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            let (codes, lengths, books) = result?;
            done.push((number, codes, lengths, books));
        }
        Ok(done)
    };
    let work = &work;
    let mut done = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..others).map(|_| scope.spawn(move || work(&mut Silent))).collect();
        let mut all = work(monitor);
        for handle in handles {
            let part = handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into())));
            all = match (all, part) {
                (Ok(mut all), Ok(mut more)) => {
                    all.append(&mut more);
                    Ok(all)
                }
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
        }
        all
    })?;
    done.sort_unstable_by_key(|block| block.0);
    let mut rows = Rows { ids: Vec::new(), offsets: vec![0] };
    let mut books = Books::default();
    let mut end = 0;
    for (number, codes, lengths, of_block) in done {
        rows.offsets.extend(lengths.iter().map(|length| {
            end += length;
            end
        }));
        if number == 0 {
            (rows.ids, books) = (codes, of_block);
        } else {
            rows.ids.extend_from_slice(&codes);
            books.append(of_block);
        }
    }
    Ok((rows, books))
}

fn block<W>(
    ids: &[u32],
    offsets: &[u64],
    rows: std::ops::Range<usize>,
    work: &mut W,
) -> Result<(Vec<u32>, Vec<u64>, Books)>
where
    W: FnMut(&[u32], &mut Vec<u32>, &mut Books) -> Result<()>,
{
    let n_ids = (offsets[rows.end] - offsets[rows.start]) as usize;
    let (mut out, mut lengths, mut books) =
        (Vec::with_capacity(n_ids), Vec::with_capacity(rows.len()), Books::default());
    for row in rows {
        let before = out.len();
        // `blocks` has checked the offsets.
        work(&ids[offsets[row] as usize..offsets[row + 1] as usize], &mut out, &mut books).map_err(
            |error| match error {
                Error::Input(message) => Error::Input(format!("row {row}: {message}")),
                other => other,
            },
        )?;
        lengths.push((out.len() - before) as u64);
    }
    Ok((out, lengths, books))
}

/// Ranges of rows of about `BLOCK_IDS`; checks the offsets.
fn blocks(ids: &[u32], offsets: &[u64]) -> Result<Vec<(usize, usize)>> {
    let is_sound = offsets.first() == Some(&0) && offsets.last() == Some(&(ids.len() as u64)) && offsets.is_sorted();
    if !is_sound {
        return Err(Error::Usage(format!("offsets must rise from 0 to the {} ids", ids.len())));
    }
    let mut blocks = Vec::new();
    let mut first = 0;
    for row in 1..offsets.len() {
        if offsets[row] - offsets[first] >= BLOCK_IDS || row + 1 == offsets.len() {
            blocks.push((first, row));
            first = row;
        }
    }
    Ok(blocks)
}
