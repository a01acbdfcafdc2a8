//! Binding of `tokkit_core::train::lzw_phrases`.

use crate::encode::{u64_buffer, u64s_of};
use crate::errors::detached;
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::train::{LzwOptions, lzw_phrases};

/// (phrases, their uses u64, uses of the 256 bytes u64, sizes of the rounds)
type Result<'py> = (Vec<Bound<'py, PyBytes>>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<usize>);

/// LZW phrases of units, best first; unit `i` occurs `counts[i]` times, or once each without counts.
#[pyfunction]
#[pyo3(name = "lzw_phrases")]
#[pyo3(signature = (
    blob, offsets, counts, *, vocab_size, max_length, keep, min_count, shortest, progress = None
))]
#[allow(clippy::too_many_arguments, reason = "one keyword each, as the options are named")]
fn phrases<'py>(
    py: Python<'py>,
    blob: &[u8],
    offsets: &[u8],
    counts: Option<&[u8]>,
    vocab_size: usize,
    max_length: usize,
    keep: f64,
    min_count: u64,
    shortest: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Result<'py>> {
    let mut monitor = PyMonitor::new(progress);
    let options = LzwOptions { vocab_size, max_length, keep, min_count, is_shortest: shortest };
    let result = detached(py, || {
        let counts = counts.map(u64s_of).transpose()?.unwrap_or_default();
        lzw_phrases(blob, &u64s_of(offsets)?, &counts, &options, &mut monitor)
    });
    let found = monitor.finish(result)?;
    let uses: Vec<u64> = found.phrases.iter().map(|phrase| phrase.1).collect();
    let phrases = found.phrases.iter().map(|phrase| PyBytes::new(py, &phrase.0)).collect();
    Ok((phrases, u64_buffer(py, &uses)?, u64_buffer(py, &found.byte_counts)?, found.sizes))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(phrases, module)?)
}
