//! Binding of `tokkit_core::hyper`. Buffers are little-endian: ids u32, offsets u64.

use crate::encode::{ids_of, u32_buffer, u64_buffer, u64s_of};
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use pyo3::exceptions::PyIndexError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::sync::{Arc, OnceLock};
use tokkit_core::hyper::{
    Book, Books, Decoder, Encoder, Policy, Rows, Rules, Spelt, TolerantDecoder, decode_batch, encode_batch,
};
use tokkit_core::{Error, Result};

/// (ids u32, offsets u64) of rows, and their books
type Buffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, HyperBooks);
/// (codes u32, offsets u64, ids u32)
type BookBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Ints are kept for so many numbers at most: 32 MB.
const MOST_INTS: usize = 1 << 20;

/// Sizes and rules of LZW over ids.
#[pyclass(frozen, module = "tokkit._core")]
pub struct HyperCodec {
    rules: Arc<Rules>,
    /// An int for each base id and code: making them anew takes most of the time of a list.
    ints: OnceLock<Vec<Py<PyAny>>>,
}

#[pymethods]
impl HyperCodec {
    #[new]
    fn new(base: u32, capacity: u32, longest: u32, disabled: Vec<u32>, policy: &str) -> PyResult<Self> {
        let policy = policy_of(policy).map_err(to_py)?;
        let rules = Arc::new(Rules::new(base, capacity, longest, &disabled, policy).map_err(to_py)?);
        Ok(Self { rules, ints: OnceLock::new() })
    }

    /// Codes of rows, of each `limit` at most.
    #[pyo3(signature = (ids, offsets, *, limit = None, with_books, threads = 0))]
    fn encode_batch<'py>(
        &self,
        py: Python<'py>,
        ids: &[u8],
        offsets: &[u8],
        limit: Option<usize>,
        with_books: bool,
        threads: usize,
    ) -> PyResult<Buffers<'py>> {
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || {
            let how = (limit, with_books);
            encode_batch(&self.rules, &ids_of(ids)?, &u64s_of(offsets)?, how, threads, &mut monitor)
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
    ) -> PyResult<(Bound<'py, PyBytes>, usize, HyperBooks)> {
        let (codes, used, books) = detached(py, || {
            let mut encoder = Encoder::new(self.rules.clone());
            let mut codes = Vec::new();
            let used = encoder.encode_some(&ids_of(ids)?, limit, &mut codes)?;
            Ok((codes, used, Books::of(encoder.book())))
        })?;
        Ok((u32_buffer(py, &codes)?, used, HyperBooks { books }))
    }

    /// One list of ints a row.
    fn lists<'py>(&self, py: Python<'py>, ids: &[u8], offsets: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let (ids, offsets) = (ids_of(ids).map_err(to_py)?, u64s_of(offsets).map_err(to_py)?);
        let end = self.rules.base() as usize + self.rules.capacity() as usize;
        // Few numbers are not worth the ints of a whole vocabulary.
        let is_worth = end <= MOST_INTS && (self.ints.get().is_some() || ids.len() >= end);
        let ints: &[Py<PyAny>] = if is_worth {
            self.ints.get_or_init(|| {
                (0..end).filter_map(|id| id.into_pyobject(py).ok().map(|int| int.into_any().unbind())).collect()
            })
        } else {
            &[]
        };
        let lists = offsets.windows(2).map(|ends| {
            let row = ids.get(ends[0] as usize..ends[1] as usize).unwrap_or_default();
            if row.iter().all(|id| (*id as usize) < ints.len()) {
                PyList::new(py, row.iter().map(|id| &ints[*id as usize]))
            } else {
                PyList::new(py, row)
            }
        });
        PyList::new(py, lists.collect::<PyResult<Vec<_>>>()?)
    }
}

/// Rows end to end, (ids u32, offsets u64); None unless all are lists of nothing but ints that ids can be.
#[pyfunction]
fn hyper_flat<'py>(
    py: Python<'py>,
    rows: Vec<Bound<'py, PyAny>>,
) -> PyResult<Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>> {
    let (mut ids, mut offsets) = (Vec::new(), vec![0]);
    for row in &rows {
        let Ok(row) = row.cast_exact::<PyList>() else { return Ok(None) };
        if !take_ints(row, &mut ids) {
            return Ok(None);
        }
        offsets.push(ids.len() as u64);
    }
    Ok(Some((u32_buffer(py, &ids)?, u64_buffer(py, &offsets)?)))
}

/// 9 ns an int where `list.iter()` with `extract` takes 21, which is more than the codec itself takes.
fn take_ints(row: &Bound<'_, PyList>, ids: &mut Vec<u32>) -> bool {
    let n = row.len();
    ids.reserve(n);
    for place in 0..n {
        // SAFETY: the interpreter is attached, `row` is a list. `PyList_GetItem` checks the index itself and gives null
        // when the list has become shorter; its reference is borrowed, and no code of Python runs before its last use:
        // the number is exactly an int.
        let number = unsafe {
            let item = ffi::PyList_GetItem(row.as_ptr(), place as ffi::Py_ssize_t);
            if item.is_null() {
                ffi::PyErr_Clear();
                return false;
            }
            if ffi::PyLong_CheckExact(item) == 0 {
                return false;
            }
            ffi::PyLong_AsUnsignedLongLong(item)
        };
        match u32::try_from(number) {
            Ok(number) => ids.push(number),
            Err(_) => {
                // SAFETY: attached; a number below 0 or too large for 64 bits has set an error, which the caller names.
                unsafe { ffi::PyErr_Clear() };
                return false;
            }
        }
    }
    true
}

/// The books of rows, spelt out row by row when asked for.
#[pyclass(frozen, module = "tokkit._core")]
pub struct HyperBooks {
    books: Books,
}

#[pymethods]
impl HyperBooks {
    fn __len__(&self) -> usize {
        self.books.len()
    }

    fn row<'py>(&self, py: Python<'py>, row: usize) -> PyResult<BookBuffers<'py>> {
        let found = detached(py, || Ok(self.books.row(row)))?;
        let spelt = found.ok_or_else(|| PyIndexError::new_err(format!("no book {row}")))?;
        book_buffers(py, &spelt)
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

    fn book(&self) -> HyperBooks {
        let books = match &self.kind {
            Kind::Encode(encoder) => Books::of(encoder.book()),
            Kind::Strict(decoder) => Books::of(decoder.book()),
            Kind::Tolerant(decoder) => Books::of_tolerant(decoder),
        };
        HyperBooks { books }
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

fn phrase_of(book: &Book, code: u32) -> Option<Vec<u32>> {
    book.entry(code)?;
    let mut phrase = Vec::new();
    book.spell(code, &mut phrase);
    Some(phrase)
}

fn of_book(book: &Book, start: usize) -> Vec<(u32, Vec<u32>)> {
    let first = book.rules().base();
    (first..first + book.len() as u32).skip(start).filter_map(|code| Some((code, phrase_of(book, code)?))).collect()
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
    Ok((u32_buffer(py, &rows.ids)?, u64_buffer(py, &rows.offsets)?, HyperBooks { books }))
}

fn book_buffers<'py>(py: Python<'py>, spelt: &Spelt) -> PyResult<BookBuffers<'py>> {
    Ok((u32_buffer(py, &spelt.codes)?, u64_buffer(py, &spelt.offsets)?, u32_buffer(py, &spelt.ids)?))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<HyperCodec>()?;
    module.add_class::<HyperRow>()?;
    module.add_class::<HyperBooks>()?;
    module.add_function(wrap_pyfunction!(hyper_flat, module)?)
}
