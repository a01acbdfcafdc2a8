//! The counter with a splitter of its own: what it promises does not depend on any scheme.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::monitor::{Monitor, Silent};

struct Spaces;

impl Split for Spaces {
    fn rewrite<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        Cow::Borrowed(text)
    }
    fn scan<F: FnMut(usize, usize)>(&self, text: &[u8], mut f: F) -> Result<()> {
        let mut start = 0;
        for end in (0..text.len()).filter(|i| text[*i] == b' ').chain([text.len()]) {
            if end > start {
                f(start, end);
            }
            start = end + 1;
        }
        Ok(())
    }
}

struct Panics;

impl Split for Panics {
    fn rewrite<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        Cow::Borrowed(text)
    }
    fn scan<F: FnMut(usize, usize)>(&self, text: &[u8], _: F) -> Result<()> {
        Err(Error::Internal(format!("{}", text[text.len()])))
    }
}

struct Stops;

impl Monitor for Stops {
    fn poll(&mut self, _: &'static str, _: u64, _: u64) -> Result<()> {
        Err(Error::Interrupted)
    }
}

fn batch(text: &str, weight: f64) -> Batch {
    Batch { blob: text.as_bytes().to_vec(), offsets: vec![0, text.len() as u64], weight }
}

fn counted(texts: &[&str], options: CountOptions) -> Result<(crate::table::Table, Stats)> {
    let mut counter = Counter::new(Spaces, options)?;
    for text in texts {
        counter.add(batch(text, 1.0), &mut Silent)?;
    }
    let table = counter.finish(&mut Silent)?;
    Ok((table, counter.stats().clone()))
}

#[test]
fn prefixes_padding_and_long_words_sort_by_bytes() {
    let words = ["a", "a\0", "a\0\0", "abcdefghijklmno", "abcdefghijklmnop", "abcdefghijklmnopq", "a\0bcdefghijklmnop"];
    let (table, stats) = counted(&[&words.join(" "), "a a\0"], CountOptions::default()).unwrap();
    let mut sorted: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    sorted.sort_unstable();
    assert_eq!(table.iter().map(|(word, _)| word).collect::<Vec<_>>(), sorted);
    assert_eq!(table.counts.iter().sum::<u64>(), 9);
    assert_eq!((stats.pretokens, stats.longest, stats.documents), (9, 17, 2));
}

#[test]
fn a_budget_of_one_byte_gives_the_same_table() {
    let texts: Vec<String> = (0..3000u64).map(|i| format!("{} w{:018}", i * i % 977, i % 700)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (in_memory, _) = counted(&texts, CountOptions { track_first: true, ..CountOptions::default() }).unwrap();
    for threads in [1, 3] {
        let options = CountOptions { threads, memory_bytes: 1, track_first: true, ..CountOptions::default() };
        let (spilled, stats) = counted(&texts, options).unwrap();
        assert!(stats.runs > 0);
        assert_eq!(spilled, in_memory);
    }
}

#[test]
fn a_sum_above_64_bits_is_an_error() {
    let mut counter = Counter::new(Spaces, CountOptions::default()).unwrap();
    counter.add(batch("a", 2f64.powi(63)), &mut Silent).unwrap();
    counter.add(batch("a", 2f64.powi(63)), &mut Silent).unwrap();
    assert!(matches!(counter.finish(&mut Silent), Err(Error::Input(_))));
}

#[test]
fn a_panic_in_a_worker_is_an_error() {
    let mut counter = Counter::new(Panics, CountOptions::default()).unwrap();
    counter.add(batch("a", 1.0), &mut Silent).unwrap();
    assert!(matches!(counter.finish(&mut Silent), Err(Error::Internal(message)) if message.contains("panic")));
}

#[test]
fn a_monitor_that_stops_ends_the_count() {
    let mut counter = Counter::new(Spaces, CountOptions::default()).unwrap();
    counter.add(batch("a", 1.0), &mut Silent).unwrap();
    assert_eq!(counter.finish(&mut Stops), Err(Error::Interrupted));
}

#[test]
fn bad_batches_and_options_are_refused() {
    let mut counter = Counter::new(Spaces, CountOptions::default()).unwrap();
    let falling = Batch { blob: vec![b'a'; 3], offsets: vec![0, 2, 1], weight: 1.0 };
    assert!(matches!(counter.add(falling, &mut Silent), Err(Error::Input(_))));
    assert!(matches!(counter.add(batch("a", f64::NAN), &mut Silent), Err(Error::Usage(_))));
    assert!(Counter::new(Spaces, CountOptions { threads: 0, ..CountOptions::default() }).is_err());
}
