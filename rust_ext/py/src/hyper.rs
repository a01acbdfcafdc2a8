//! Binding of `tokkit_core::hyper`. Buffers are little-endian: ids u32, offsets u64.

use crate::encode::{ids_of, u32_buffer, u64_buffer, u64s_of};
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;
use tokkit_core::hyper::{Books, Decoder, Encoder, Policy, Rows, Rules, TolerantDecoder, decode_batch, encode_batch};
use tokkit_core::{Error, Result};

/// (ids u32, offsets u64) of rows, then of their books: (codes u32, offsets u64, ids u32, rows u64)
type Buffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, BookBuffers<'py>);
type BookBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Sizes and rules of LZW over ids.
#[pyclass(frozen, module = "tokkit._core")]
pub struct HyperCodec {
    rules: Arc<Rules>,
}

#[pymethods]
impl HyperCodec {
    #[new]
    fn new(base: u32, capacity: u32, longest: u32, disabled: Vec<u32>, policy: &str) -> PyResult<Self> {
        let policy = policy_of(policy).map_err(to_py)?;
        Ok(Self { rules: Arc::new(Rules::new(base, capacity, longest, &disabled, policy).map_err(to_py)?) })
    }

    #[pyo3(signature = (ids, offsets, *, with_books, threads = 0))]
    fn encode_batch<'py>(
        &self,
        py: Python<'py>,
        ids: &[u8],
        offsets: &[u8],
        with_books: bool,
        threads: usize,
    ) -> PyResult<Buffers<'py>> {
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || {
            encode_batch(&self.rules, &ids_of(ids)?, &u64s_of(offsets)?, with_books, threads, &mut monitor)
        });
        buffers(py, monitor.finish(result)?)
    }

    #[pyo3(signature = (codes, offsets, *, tolerant, with_books, threads = 0))]
    fn decode_batch<'py>(
        &self,
        py: Python<'py>,
        codes: &[u8],
        offsets: &[u8],
        tolerant: bool,
        with_books: bool,
        threads: usize,
    ) -> PyResult<Buffers<'py>> {
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || {
            let how = (tolerant, with_books);
            decode_batch(&self.rules, &ids_of(codes)?, &u64s_of(offsets)?, how, threads, &mut monitor)
        });
        buffers(py, monitor.finish(result)?)
    }

    /// One row, until there are `limit` codes: (codes u32, ids that they stand for, book).
    fn encode_some<'py>(
        &self,
        py: Python<'py>,
        ids: &[u8],
        limit: usize,
    ) -> PyResult<(Bound<'py, PyBytes>, usize, BookBuffers<'py>)> {
        let (codes, used, books) = detached(py, || {
            let mut encoder = Encoder::new(self.rules.clone());
            let mut codes = Vec::new();
            let used = encoder.encode_some(&ids_of(ids)?, limit, &mut codes)?;
            Ok((codes, used, Books::of(encoder.book())))
        })?;
        Ok((u32_buffer(py, &codes)?, used, book_buffers(py, &books)?))
    }
}

enum Kind {
    Encode(Encoder),
    Strict(Decoder),
    Tolerant(TolerantDecoder),
}

/// One row in pieces: `encode`, `strict` or `tolerant`.
#[pyclass(module = "tokkit._core")]
pub struct HyperRow {
    kind: Kind,
}

#[pymethods]
impl HyperRow {
    #[new]
    fn new(codec: &HyperCodec, kind: &str) -> PyResult<Self> {
        let rules = codec.rules.clone();
        let kind = match kind {
            "encode" => Kind::Encode(Encoder::new(rules)),
            "strict" => Kind::Strict(Decoder::new(rules)),
            "tolerant" => Kind::Tolerant(TolerantDecoder::new(rules).map_err(to_py)?),
            other => return Err(to_py(Error::Usage(format!("kind must be encode, strict or tolerant, got {other}")))),
        };
        Ok(Self { kind })
    }

    fn push<'py>(&mut self, py: Python<'py>, ids: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let out = detached(py, || {
            let (ids, mut out) = (ids_of(ids)?, Vec::new());
            match &mut self.kind {
                Kind::Encode(encoder) => encoder.push(&ids, &mut out)?,
                Kind::Strict(decoder) => decoder.push(&ids, &mut out)?,
                Kind::Tolerant(decoder) => decoder.push(&ids, &mut out)?,
            }
            Ok(out)
        })?;
        u32_buffer(py, &out)
    }

    fn finish<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut out = Vec::new();
        if let Kind::Encode(encoder) = &mut self.kind {
            encoder.finish(&mut out);
        }
        u32_buffer(py, &out)
    }

    fn clear(&mut self) {
        match &mut self.kind {
            Kind::Encode(encoder) => encoder.clear(),
            Kind::Strict(decoder) => decoder.clear(),
            Kind::Tolerant(decoder) => decoder.clear(),
        }
    }

    fn book<'py>(&self, py: Python<'py>) -> PyResult<BookBuffers<'py>> {
        let books = match &self.kind {
            Kind::Encode(encoder) => Books::of(encoder.book()),
            Kind::Strict(decoder) => Books::of(decoder.book()),
            Kind::Tolerant(decoder) => Books::of_tolerant(decoder),
        };
        book_buffers(py, &books)
    }

    /// Entries learnt from number `start` on, in order: (code, ids).
    fn learnt(&self, start: usize) -> Vec<(u32, Vec<u32>)> {
        match &self.kind {
            Kind::Encode(encoder) => of_book(encoder.book(), start),
            Kind::Strict(decoder) => of_book(decoder.book(), start),
            Kind::Tolerant(decoder) => {
                decoder.learnt().iter().skip(start).map(|(code, phrase)| (*code, phrase.to_vec())).collect()
            }
        }
    }

    /// The ids of a code; None if there is no such code.
    fn phrase(&self, code: u32) -> Option<Vec<u32>> {
        match &self.kind {
            Kind::Encode(encoder) => phrase_of(encoder.book(), code),
            Kind::Strict(decoder) => phrase_of(decoder.book(), code),
            Kind::Tolerant(decoder) => decoder.phrase(code).map(<[u32]>::to_vec),
        }
    }
}

fn phrase_of(book: &tokkit_core::hyper::Book, code: u32) -> Option<Vec<u32>> {
    book.entry(code)?;
    let mut phrase = Vec::new();
    book.spell(code, &mut phrase);
    Some(phrase)
}

fn of_book(book: &tokkit_core::hyper::Book, start: usize) -> Vec<(u32, Vec<u32>)> {
    let books = Books::of(book);
    let entries = books.codes.iter().zip(books.offsets.windows(2)).skip(start);
    entries.map(|(code, ends)| (*code, books.ids[ends[0] as usize..ends[1] as usize].to_vec())).collect()
}

fn policy_of(name: &str) -> Result<Policy> {
    match name {
        "freeze" => Ok(Policy::Freeze),
        "reset" => Ok(Policy::Reset),
        "lru" => Ok(Policy::Lru),
        other => Err(Error::Usage(format!("policy must be freeze, reset or lru, got {other}"))),
    }
}

fn buffers(py: Python<'_>, (rows, books): (Rows, Books)) -> PyResult<Buffers<'_>> {
    Ok((u32_buffer(py, &rows.ids)?, u64_buffer(py, &rows.offsets)?, book_buffers(py, &books)?))
}

fn book_buffers<'py>(py: Python<'py>, books: &Books) -> PyResult<BookBuffers<'py>> {
    Ok((
        u32_buffer(py, &books.codes)?,
        u64_buffer(py, &books.offsets)?,
        u32_buffer(py, &books.ids)?,
        u64_buffer(py, &books.rows)?,
    ))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<HyperCodec>()?;
    module.add_class::<HyperRow>()
}
