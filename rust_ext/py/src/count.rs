//! Binding of `tokkit_core::{corpus, count, table}`. Buffers of numbers are u64, little-endian.

use crate::errors::{detached, guarded};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::Arc;
use tokkit_core::count::{Batch, CountOptions, Counter as CoreCounter};
use tokkit_core::pretok::Scheme;
use tokkit_core::table::Table;
use tokkit_core::{Error, corpus};

/// Distinct pretokens with their counts, sorted by bytes.
#[pyclass(frozen, module = "tokkit._core")]
pub struct CountTable {
    pub(crate) table: Arc<Table>,
}

impl CountTable {
    pub(crate) fn new(table: Table) -> Self {
        Self { table: Arc::new(table) }
    }
}

#[pymethods]
impl CountTable {
    #[staticmethod]
    #[pyo3(signature = (blob, offsets, counts, first = None))]
    fn from_buffers(
        py: Python<'_>,
        blob: &[u8],
        offsets: &[u8],
        counts: &[u8],
        first: Option<&[u8]>,
    ) -> PyResult<Self> {
        detached(py, || {
            let (offsets, counts) = (numbers(offsets)?, numbers(counts)?);
            let first = first.map(numbers).transpose()?;
            Table::from_unsorted(blob, &offsets, &counts, first.as_deref()).map(Self::new)
        })
    }

    #[staticmethod]
    fn merge(py: Python<'_>, tables: Vec<Py<CountTable>>) -> PyResult<Self> {
        let tables: Vec<Arc<Table>> = tables.iter().map(|table| Arc::clone(&table.get().table)).collect();
        detached(py, || {
            let tables: Vec<&Table> = tables.iter().map(Arc::as_ref).collect();
            Table::merge(&tables).map(Self::new)
        })
    }

    fn blob<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.table.blob)
    }

    fn offsets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        buffer(py, &self.table.offsets)
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        buffer(py, &self.table.counts)
    }

    fn first<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.table.first.as_ref().map(|first| buffer(py, first)).transpose()
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }
}

/// Counts pretokens on threads of its own while Python reads.
#[pyclass(module = "tokkit._core")]
pub struct Counter {
    counter: Option<CoreCounter<Scheme>>,
    specials: Vec<Vec<u8>>,
}

#[pymethods]
impl Counter {
    #[new]
    #[pyo3(signature = (scheme, *, threads, memory_bytes, spill_dir = None, track_first = false, specials = Vec::new()))]
    fn new(
        scheme: &str,
        threads: usize,
        memory_bytes: u64,
        spill_dir: Option<PathBuf>,
        track_first: bool,
        specials: Vec<Vec<u8>>,
    ) -> PyResult<Self> {
        let options = CountOptions { threads, memory_bytes, spill_dir, track_first, specials: specials.clone() };
        let counter = guarded(|| CoreCounter::new(Scheme::by_name(scheme)?, options))?;
        Ok(Self { counter: Some(counter), specials })
    }

    #[pyo3(signature = (blob, offsets, *, weight = 1.0))]
    fn add(&mut self, py: Python<'_>, blob: &[u8], offsets: &[u8], weight: f64) -> PyResult<()> {
        let counter = self.counter.as_mut().ok_or_else(finished)?;
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || {
            let batch = Batch { blob: blob.to_vec(), offsets: numbers(offsets)?, weight };
            counter.add(batch, &mut monitor)
        });
        monitor.finish(result)
    }

    /// The table and what was counted: documents, documents_left_out, bytes, pretokens, longest, long_pretokens,
    /// runs, specials (in the order given).
    #[pyo3(signature = (progress = None))]
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(CountTable, Bound<'py, PyDict>)> {
        let mut counter = self.counter.take().ok_or_else(finished)?;
        let mut monitor = PyMonitor::new(progress);
        let result = detached(py, || counter.finish(&mut monitor));
        let table = monitor.finish(result)?;
        let stats = counter.stats();
        let dict = PyDict::new(py);
        for (name, value) in [
            ("documents", stats.documents),
            ("documents_left_out", stats.documents_left_out),
            ("bytes", stats.bytes),
            ("pretokens", stats.pretokens),
            ("longest", stats.longest),
            ("long_pretokens", stats.long_pretokens),
            ("runs", stats.runs),
        ] {
            dict.set_item(name, value)?;
        }
        let specials: Vec<u64> =
            (0..self.specials.len()).map(|i| stats.specials.get(i).copied().unwrap_or(0)).collect();
        dict.set_item("specials", specials)?;
        Ok((CountTable::new(table), dict))
    }
}

/// (weight, bytes, offsets as u64) of some texts.
type Weighted<'py> = (u64, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// The documents as a `Counter` sees them, specials cut out and weights whole: for each weight (weight, bytes, offsets);
/// how often each special was cut out; how many documents their weight left out.
#[pyfunction]
#[pyo3(signature = (blob, offsets, *, weight = 1.0, specials = Vec::new()))]
fn sections<'py>(
    py: Python<'py>,
    blob: &[u8],
    offsets: &[u8],
    weight: f64,
    specials: Vec<Vec<u8>>,
) -> PyResult<(Vec<Weighted<'py>>, Vec<u64>, u64)> {
    let made = detached(py, || {
        tokkit_core::count::sections(Batch { blob: blob.to_vec(), offsets: numbers(offsets)?, weight }, &specials)
    })?;
    let part = |batch: &Batch| Ok((batch.weight as u64, PyBytes::new(py, &batch.blob), buffer(py, &batch.offsets)?));
    let batches = made.batches.iter().map(part).collect::<PyResult<Vec<_>>>()?;
    Ok((batches, made.specials, made.left_out))
}

/// Offsets that cut `text` into lines, each with its line feed.
#[pyfunction]
fn line_offsets<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let offsets = detached(py, || Ok(corpus::line_offsets(text)))?;
    buffer(py, &offsets)
}

/// Where the first byte lies that is not UTF-8; None when all is well.
#[pyfunction]
fn invalid_utf8(py: Python<'_>, text: &[u8]) -> PyResult<Option<usize>> {
    detached(py, || Ok(corpus::invalid_utf8(text)))
}

/// (document, byte in it) of the first byte that is not UTF-8; None when all is well.
#[pyfunction]
fn invalid_document(py: Python<'_>, blob: &[u8], offsets: &[u8]) -> PyResult<Option<(usize, usize)>> {
    detached(py, || corpus::invalid_document(blob, &numbers(offsets)?))
}

fn numbers(buffer: &[u8]) -> Result<Vec<u64>, Error> {
    if !buffer.len().is_multiple_of(8) {
        return Err(Error::Input(format!("a buffer of 64-bit numbers has {} bytes", buffer.len())));
    }
    let numbers = buffer.chunks_exact(8).filter_map(|number| number.first_chunk().copied());
    Ok(numbers.map(u64::from_le_bytes).collect())
}

fn buffer<'py>(py: Python<'py>, numbers: &[u64]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, numbers.len() * 8, |to| {
        for (to, number) in to.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        Ok(())
    })
}

fn finished() -> PyErr {
    crate::errors::to_py(Error::Usage("this counter has finished".into()))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<CountTable>()?;
    module.add_class::<Counter>()?;
    module.add_function(wrap_pyfunction!(sections, module)?)?;
    module.add_function(wrap_pyfunction!(line_offsets, module)?)?;
    module.add_function(wrap_pyfunction!(invalid_utf8, module)?)?;
    module.add_function(wrap_pyfunction!(invalid_document, module)?)?;
    Ok(())
}
