//! Binding of `tokkit_core::train::increment` and `merge_tail`. Buffers are little-endian: ids u32, the rest u64.

use crate::encode::{ids_of, u64s_of};
use crate::errors::detached;
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::train::{Bytes, IncrementOptions, Sequences, increment, merge_tail};

/// (at a start, bytes, count), then at each look (frequent spans, different spans)
type Result<'py> = (Vec<(bool, Bound<'py, PyBytes>, u64)>, Vec<(usize, usize)>);

/// Spans that grow byte by byte in `order`; see the core.
#[pyfunction]
#[pyo3(name = "increment")]
#[pyo3(signature = (
    blob, offsets, counts, starts, order, *, known, wanted, min_count, typed, reference, progress = None
))]
#[allow(clippy::too_many_arguments, reason = "one keyword each, as the options are named")]
fn grown<'py>(
    py: Python<'py>,
    blob: &[u8],
    offsets: &[u8],
    counts: &[u8],
    starts: &[u8],
    order: &[u8],
    known: Vec<(bool, Vec<u8>)>,
    wanted: usize,
    min_count: u64,
    typed: bool,
    reference: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Result<'py>> {
    let mut monitor = PyMonitor::new(progress);
    let options = IncrementOptions { wanted, min_count, is_typed: typed, is_reference: reference };
    let result = detached(py, || {
        let (offsets, counts, order) = (u64s_of(offsets)?, u64s_of(counts)?, u64s_of(order)?);
        let bytes = Bytes { blob, offsets: &offsets, counts: &counts, starts, order: &order };
        increment(&bytes, &known, options, &mut monitor)
    });
    let found = monitor.finish(result)?;
    let spans = found.spans.iter().map(|(start, bytes, count)| (*start, PyBytes::new(py, bytes), *count)).collect();
    Ok((spans, found.looks))
}

/// Tokens that merging pairs of sequences makes, with their counts; see the core.
#[pyfunction]
#[pyo3(name = "merge_tail")]
#[pyo3(signature = (ids, offsets, counts, *, known, wanted, lossy, progress = None))]
#[allow(clippy::too_many_arguments, reason = "one keyword each, as the options are named")]
fn merged_tail<'py>(
    py: Python<'py>,
    ids: &[u8],
    offsets: &[u8],
    counts: &[u8],
    known: Vec<(bool, Vec<u8>)>,
    wanted: usize,
    lossy: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<(bool, Bound<'py, PyBytes>, u64)>> {
    let mut monitor = PyMonitor::new(progress);
    let result = detached(py, || {
        let (ids, offsets, counts) = (ids_of(ids)?, u64s_of(offsets)?, u64s_of(counts)?);
        let sequences = Sequences { ids: &ids, offsets: &offsets, counts: &counts };
        merge_tail(&sequences, &known, wanted, lossy, &mut monitor)
    });
    let made = monitor.finish(result)?;
    Ok(made.iter().map(|((start, bytes), count)| (*start, PyBytes::new(py, bytes), *count)).collect())
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(grown, module)?)?;
    module.add_function(wrap_pyfunction!(merged_tail, module)?)
}
