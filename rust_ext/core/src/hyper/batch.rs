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

/// What came out of one block, or of all that one thread took one after the other.
#[derive(Default)]
struct Made {
    codes: Vec<u32>,
    /// How many each row has.
    lengths: Vec<u64>,
    books: Books,
}

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
    let work = |monitor: &mut dyn Monitor| -> Result<Vec<(usize, Made)>> {
        let mut row_worker = make();
        let mut done: Vec<(usize, Made)> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(first, end)) = blocks.get(number) else { break };
            // A thread that is alone puts all in one place, where it stays.
            if others > 0 || done.is_empty() {
                let expected = if others == 0 { ids.len() } else { 0 };
                done.push((number, Made { codes: Vec::with_capacity(expected), ..Made::default() }));
            }
            let Some((_, made)) = done.last_mut() else { break };
            let result = monitor
                .poll(stage, first as u64, offsets.len() as u64 - 1)
                .and_then(|()| block(ids, offsets, first..end, &mut row_worker, made));
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            result?;
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
    let n_codes: usize = done.iter().map(|(_, made)| made.codes.len()).sum();
    let mut rows = Rows { ids: Vec::new(), offsets: Vec::with_capacity(offsets.len()) };
    rows.offsets.push(0);
    let mut books = Books::default();
    let mut end = 0;
    for (number, made) in done {
        rows.offsets.extend(made.lengths.iter().map(|length| {
            end += length;
            end
        }));
        if number == 0 {
            (rows.ids, books) = (made.codes, made.books);
            rows.ids.reserve_exact(n_codes - rows.ids.len());
        } else {
            rows.ids.extend_from_slice(&made.codes);
            books.append(made.books);
        }
    }
    Ok((rows, books))
}

fn block<W>(ids: &[u32], offsets: &[u64], rows: std::ops::Range<usize>, work: &mut W, made: &mut Made) -> Result<()>
where
    W: FnMut(&[u32], &mut Vec<u32>, &mut Books) -> Result<()>,
{
    made.codes.reserve((offsets[rows.end] - offsets[rows.start]) as usize);
    for row in rows {
        let before = made.codes.len();
        // `blocks` has checked the offsets.
        let ids = &ids[offsets[row] as usize..offsets[row + 1] as usize];
        work(ids, &mut made.codes, &mut made.books).map_err(|error| match error {
            Error::Input(message) => Error::Input(format!("row {row}: {message}")),
            other => other,
        })?;
        made.lengths.push((made.codes.len() - before) as u64);
    }
    Ok(())
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
