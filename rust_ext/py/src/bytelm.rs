//! Binding of `tokkit_core::bytelm`. Buffers are little-endian: offsets u64, signals f64.

use crate::encode::u64s_of;
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::bytelm::{ByteLm as CoreLm, Measures, NgramCounts as CoreCounts};
use tokkit_core::{Error, Monitor};

/// Counts of byte n-grams, which `freeze` turns into a model.
#[pyclass(module = "tokkit._core")]
pub struct NgramCounts {
    counts: Option<CoreCounts>,
}

#[pymethods]
impl NgramCounts {
    #[new]
    fn new(order: usize) -> PyResult<Self> {
        Ok(Self { counts: Some(CoreCounts::new(order).map_err(to_py)?) })
    }

    /// Document `i` occurs `times[i]` times, or once each without `times`.
    #[pyo3(signature = (blob, offsets, times = None, progress = None))]
    fn add(
        &mut self,
        py: Python<'_>,
        blob: &[u8],
        offsets: &[u8],
        times: Option<&[u8]>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let mut monitor = PyMonitor::new(progress);
        let result = detached(py, || {
            let counts = self.counts.as_mut().ok_or_else(frozen)?;
            let (offsets, times) = (u64s_of(offsets)?, times.map(u64s_of).transpose()?);
            for (i, ends) in offsets.windows(2).enumerate() {
                monitor.poll("learn bytes", ends[0], blob.len() as u64)?;
                let document = blob.get(ends[0] as usize..ends[1] as usize);
                let times = times.as_ref().map_or(Some(1), |times| times.get(i).copied());
                let (Some(document), Some(times)) = (document, times) else {
                    return Err(Error::Usage("offsets must rise to the end of the text, with a number each".into()));
                };
                counts.add(document, times)?;
            }
            Ok(())
        });
        monitor.finish(result)
    }

    /// The model; these counts are gone then.
    #[pyo3(signature = (min_count = 1))]
    fn freeze(&mut self, py: Python<'_>, min_count: u32) -> PyResult<ByteLm> {
        let counts = self.counts.take().ok_or_else(frozen).map_err(to_py)?;
        Ok(ByteLm { model: detached(py, || counts.freeze(min_count))? })
    }
}

fn frozen() -> Error {
    Error::Usage("the counts have become a model already".into())
}

/// An interpolated Witten-Bell n-gram model of bytes.
#[pyclass(module = "tokkit._core", frozen)]
pub struct ByteLm {
    model: CoreLm,
}

#[pymethods]
impl ByteLm {
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        Ok(Self { model: detached(py, || CoreLm::from_bytes(data))? })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let data = detached(py, || Ok(self.model.to_bytes()))?;
        Ok(PyBytes::new(py, &data))
    }

    #[getter]
    fn order(&self) -> usize {
        self.model.order()
    }

    fn __len__(&self) -> usize {
        self.model.len()
    }

    /// (surprisal f64, entropy f64) in bits a byte; what is not asked for is empty.
    #[pyo3(signature = (blob, offsets, *, surprisal, entropy, threads = 0, progress = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword each, as the options are named")]
    fn signals<'py>(
        &self,
        py: Python<'py>,
        blob: &[u8],
        offsets: &[u8],
        surprisal: bool,
        entropy: bool,
        threads: usize,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let mut monitor = PyMonitor::new(progress);
        let measures = Measures { surprisal, entropy };
        let result = detached(py, || self.model.signals(blob, &u64s_of(offsets)?, measures, threads, &mut monitor));
        let signals = monitor.finish(result)?;
        Ok((f64_buffer(py, &signals.surprisal)?, f64_buffer(py, &signals.entropy)?))
    }
}

fn f64_buffer<'py>(py: Python<'py>, numbers: &[f64]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, 8 * numbers.len(), |to| {
        for (to, number) in to.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *to = number.to_le_bytes();
        }
        Ok(())
    })
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<NgramCounts>()?;
    module.add_class::<ByteLm>()
}
