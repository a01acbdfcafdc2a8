//! Binding of `tokkit_core::train`: ByteSpan's spans, `increment` and `merge_tail`. Buffers are little-endian: ids u32, the rest u64.

use crate::encode::{ids_of, u32_buffer, u64_buffer, u64s_of};
use crate::errors::detached;
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::Error;
use tokkit_core::pretok::Scheme;
use tokkit_core::train::{
    Bytes, IncrementOptions, Marked, Sequences, SpanWords as CoreSpanWords, increment, merge_tail,
};

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

/// (ids u32, offsets u64, counts u64)
type SequenceBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Distinct pre-tokens with their spans.
#[pyclass(frozen, module = "tokkit._core")]
pub struct SpanWords {
    words: CoreSpanWords,
}

#[pymethods]
impl SpanWords {
    #[new]
    #[pyo3(signature = (blob, offsets, counts, starts, marks, *, progress = None))]
    fn new(
        py: Python<'_>,
        blob: &[u8],
        offsets: &[u8],
        counts: &[u8],
        starts: &[u8],
        marks: &[u8],
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut monitor = PyMonitor::new(progress);
        let result = detached(py, || {
            let (offsets, counts) = (u64s_of(offsets)?, u64s_of(counts)?);
            let marked = Marked { blob, offsets: &offsets, counts: &counts, starts, continues: marks };
            CoreSpanWords::new(&marked, &mut monitor)
        });
        Ok(Self { words: monitor.finish(result)? })
    }

    /// Every word as its spans, and its count.
    fn words<'py>(&self, py: Python<'py>) -> Vec<(Vec<Bound<'py, PyBytes>>, u64)> {
        self.words
            .words()
            .map(|(word, count)| (word.map(|(_, text)| PyBytes::new(py, text)).collect(), count))
            .collect()
    }

    /// (at a start, bytes, count), most frequent first; see the core.
    fn spans<'py>(&self, py: Python<'py>, typed: bool) -> PyResult<Vec<(bool, Bound<'py, PyBytes>, u64)>> {
        let spans = detached(py, || self.words.spans(typed))?;
        Ok(spans.into_iter().map(|(start, text, count)| (start, PyBytes::new(py, text), count)).collect())
    }

    /// The words as places in `known`; see the core.
    fn sequences<'py>(
        &self,
        py: Python<'py>,
        known: Vec<(bool, Vec<u8>)>,
        n_base: usize,
        typed: bool,
    ) -> PyResult<SequenceBuffers<'py>> {
        let made = detached(py, || self.words.sequences(&known, n_base, typed))?;
        Ok((u32_buffer(py, &made.ids)?, u64_buffer(py, &made.offsets)?, u64_buffer(py, &made.counts)?))
    }
}

/// One byte for each of the documents': 1 where a pre-token of the scheme begins.
#[pyfunction]
fn pretoken_starts<'py>(py: Python<'py>, blob: &[u8], offsets: &[u8], scheme: &str) -> PyResult<Bound<'py, PyBytes>> {
    let starts = detached(py, || {
        let (offsets, scheme) = (u64s_of(offsets)?, Scheme::by_name(scheme)?);
        let mut starts = vec![0_u8; blob.len()];
        for ends in offsets.windows(2) {
            let (begin, end) = (ends[0] as usize, ends[1] as usize);
            let document = blob.get(begin..end).ok_or_else(|| Error::Usage("offsets behind the documents".into()))?;
            if let (Some(first), false) = (starts.get_mut(begin), document.is_empty()) {
                *first = 1;
            }
            scheme.scan(document, |start, _| {
                if let Some(place) = starts.get_mut(begin + start) {
                    *place = 1;
                }
            })?;
        }
        Ok(starts)
    })?;
    Ok(PyBytes::new(py, &starts))
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SpanWords>()?;
    module.add_function(wrap_pyfunction!(pretoken_starts, module)?)?;
    module.add_function(wrap_pyfunction!(grown, module)?)?;
    module.add_function(wrap_pyfunction!(merged_tail, module)?)
}
