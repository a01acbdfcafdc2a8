//! Binding of `tokkit_core::hyper`. Buffers are little-endian: ids u32, offsets u64.

use crate::encode::{ids_of, u32_buffer, u64_buffer, u64s_of};
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyIndexError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView};
use std::ffi::c_int;
use std::sync::{Arc, OnceLock};
use tokkit_core::hyper::{
    Book, Books, Decoder, Encoder, Policy, Rows, Rules, Spelt, TolerantDecoder, book_of, decode_batch, encode_batch,
};
use tokkit_core::{Error, Result};

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
    #[pyo3(signature = (rows, *, limit = None, with_books, threads = 0))]
    fn encode_batch(
        &self,
        py: Python<'_>,
        rows: &HyperRows,
        limit: Option<usize>,
        with_books: bool,
        threads: usize,
    ) -> PyResult<(Py<HyperRows>, HyperBooks)> {
        let mut monitor = PyMonitor::new(None);
        let Rows { ids, offsets } = &rows.rows;
        // What was learnt with the last code of a row that was cut short is not in the codes.
        let (is_kept, rules) = (limit.is_some() || !with_books, &self.rules);
        let how = (limit, with_books && is_kept);
        let result = detached(py, || encode_batch(rules, ids, offsets, how, threads, &mut monitor));
        let (rows, books) = monitor.finish(result)?;
        let codes = Py::new(py, HyperRows { rows })?;
        let books =
            if is_kept { HyperBooks { source: Source::Kept(books) } } else { self.books_of(codes.clone_ref(py)) };
        Ok((codes, books))
    }

    #[pyo3(signature = (rows, *, tolerant, with_books, threads = 0))]
    fn decode_batch(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, HyperRows>,
        tolerant: bool,
        with_books: bool,
        threads: usize,
    ) -> PyResult<(HyperRows, HyperBooks)> {
        let mut monitor = PyMonitor::new(None);
        let Rows { ids, offsets } = &rows.get().rows;
        let (is_kept, rules) = (tolerant || !with_books, &self.rules);
        let how = (tolerant, with_books && is_kept);
        let result = detached(py, || decode_batch(rules, ids, offsets, how, threads, &mut monitor));
        let (found, books) = monitor.finish(result)?;
        let books =
            if is_kept { HyperBooks { source: Source::Kept(books) } } else { self.books_of(rows.clone().unbind()) };
        Ok((HyperRows { rows: found }, books))
    }

    /// One row, until there are `limit` codes: (codes, ids that they stand for, book).
    fn encode_some(&self, py: Python<'_>, ids: &[u8], limit: usize) -> PyResult<(HyperRows, usize, HyperBooks)> {
        let (codes, used, books) = detached(py, || {
            let mut encoder = Encoder::new(self.rules.clone());
            let mut codes = Vec::new();
            let used = encoder.encode_some(&ids_of(ids)?, limit, &mut codes)?;
            Ok((codes, used, Books::of(encoder.book())))
        })?;
        let rows = Rows { offsets: vec![0, codes.len() as u64], ids: codes };
        Ok((HyperRows { rows }, used, HyperBooks { source: Source::Kept(books) }))
    }

    /// One list of ints a row.
    fn lists<'py>(&self, py: Python<'py>, rows: &HyperRows) -> PyResult<Bound<'py, PyList>> {
        let Rows { ids, offsets } = &rows.rows;
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

/// Numbers of many rows, end to end, where Python and numpy can see them without a copy.
#[pyclass(frozen, module = "tokkit._core")]
pub struct HyperRows {
    rows: Rows,
}

#[pymethods]
impl HyperRows {
    /// ids u32, offsets u64
    #[new]
    fn new(ids: &[u8], offsets: &[u8]) -> PyResult<Self> {
        let rows = Rows { ids: ids_of(ids).map_err(to_py)?, offsets: u64s_of(offsets).map_err(to_py)? };
        let is_sound = rows.offsets.first() == Some(&0)
            && rows.offsets.last() == Some(&(rows.ids.len() as u64))
            && rows.offsets.is_sorted();
        if is_sound {
            Ok(Self { rows })
        } else {
            Err(to_py(Error::Usage(format!("offsets must rise from 0 to the {} ids", rows.ids.len()))))
        }
    }

    /// None unless all rows are buffers of u32 or lists of nothing but ints that ids can be.
    #[staticmethod]
    fn of(py: Python<'_>, rows: Vec<Bound<'_, PyAny>>) -> PyResult<Option<Self>> {
        let lengths: usize = rows.iter().filter_map(|row| row.len().ok()).sum();
        let (mut ids, mut offsets) = (Vec::new(), Vec::with_capacity(rows.len() + 1));
        // A length may be a lie.
        ids.try_reserve(lengths).map_err(|error| to_py(Error::Resource(error.to_string())))?;
        offsets.push(0);
        for row in &rows {
            let is_taken = match row.cast_exact::<PyList>() {
                Ok(list) => take_ints(list, &mut ids),
                Err(_) => take_buffer(py, row, &mut ids),
            };
            if !is_taken {
                return Ok(None);
            }
            offsets.push(ids.len() as u64);
        }
        Ok(Some(Self { rows: Rows { ids, offsets } }))
    }

    /// Number of rows.
    fn __len__(&self) -> usize {
        self.rows.offsets.len() - 1
    }

    /// u32
    fn ids<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        PyMemoryView::from(slf.as_any())
    }

    /// u64
    fn offsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        u64_buffer(py, &self.rows.offsets)
    }

    /// # Safety
    /// `view` is the interpreter's.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let ids: &Vec<u32> = &slf.get().rows.ids;
        // SAFETY: attached; nothing ever changes the ids of a frozen class, so that they stay where they are as long as
        // it does, and the view, which is marked as read-only, holds a reference to it.
        let result = unsafe {
            let start = ids.as_ptr().cast_mut().cast();
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, size_of_val(ids.as_slice()) as ffi::Py_ssize_t, 1, flags)
        };
        if result == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

impl HyperRows {
    fn row(&self, row: usize) -> Option<&[u32]> {
        let (first, end) = (self.rows.offsets.get(row)?, self.rows.offsets.get(row + 1)?);
        self.rows.ids.get(*first as usize..*end as usize)
    }
}

fn take_buffer(py: Python<'_>, row: &Bound<'_, PyAny>, ids: &mut Vec<u32>) -> bool {
    let Ok(buffer) = PyBuffer::<u32>::get(row) else { return false };
    let start = ids.len();
    ids.resize(start + buffer.item_count(), 0);
    buffer.dimensions() == 1 && buffer.copy_to_slice(py, &mut ids[start..]).is_ok()
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

impl HyperCodec {
    fn books_of(&self, codes: Py<HyperRows>) -> HyperBooks {
        HyperBooks { source: Source::Codes(self.rules.clone(), codes) }
    }
}

enum Source {
    /// The books at the end of each row.
    Kept(Books),
    /// The codes of whole rows, which say all.
    Codes(Arc<Rules>, Py<HyperRows>),
}

/// The books of rows, spelt out row by row when asked for.
#[pyclass(frozen, module = "tokkit._core")]
pub struct HyperBooks {
    source: Source,
}

#[pymethods]
impl HyperBooks {
    fn __len__(&self) -> usize {
        match &self.source {
            Source::Kept(books) => books.len(),
            Source::Codes(_, codes) => codes.get().__len__(),
        }
    }

    fn row<'py>(&self, py: Python<'py>, row: usize) -> PyResult<BookBuffers<'py>> {
        let found = detached(py, || match &self.source {
            Source::Kept(books) => Ok(books.row(row)),
            Source::Codes(rules, codes) => codes.get().row(row).map(|codes| book_of(rules, codes)).transpose(),
        })?;
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
        HyperBooks { source: Source::Kept(books) }
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

fn book_buffers<'py>(py: Python<'py>, spelt: &Spelt) -> PyResult<BookBuffers<'py>> {
    Ok((u32_buffer(py, &spelt.codes)?, u64_buffer(py, &spelt.offsets)?, u32_buffer(py, &spelt.ids)?))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<HyperCodec>()?;
    module.add_class::<HyperRow>()?;
    module.add_class::<HyperRows>()?;
    module.add_class::<HyperBooks>()
}
