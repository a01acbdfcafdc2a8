//! Binding of `tokkit_core::bytelm`. Buffers are little-endian: offsets u64, signals f64.

use crate::encode::{u64_buffer, u64s_of};
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::bytelm::ByteLm as CoreLm;
use tokkit_core::{Error, Monitor};

/// An interpolated Witten-Bell n-gram model of bytes.
#[pyclass(module = "tokkit._core")]
pub struct ByteLm {
    model: CoreLm,
}

#[pymethods]
impl ByteLm {
    #[new]
    fn new(order: usize) -> PyResult<Self> {
        Ok(Self { model: CoreLm::new(order).map_err(to_py)? })
    }

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

    #[pyo3(signature = (blob, offsets, progress = None))]
    fn add(&mut self, py: Python<'_>, blob: &[u8], offsets: &[u8], progress: Option<Py<PyAny>>) -> PyResult<()> {
        let mut monitor = PyMonitor::new(progress);
        let result = detached(py, || {
            for ends in u64s_of(offsets)?.windows(2) {
                monitor.poll("learn bytes", ends[0], blob.len() as u64)?;
                let document = blob.get(ends[0] as usize..ends[1] as usize);
                self.model
                    .add(document.ok_or_else(|| Error::Usage("offsets must rise to the end of the text".into()))?)?;
            }
            Ok(())
        });
        monitor.finish(result)
    }

    fn freeze(&mut self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.model.freeze())
    }

    fn prune(&self, py: Python<'_>, min_count: u32) -> PyResult<Self> {
        Ok(Self { model: detached(py, || self.model.prune(min_count))? })
    }

    /// (surprisal f64, entropy f64) in bits a byte; without entropy that one is empty.
    #[pyo3(signature = (blob, offsets, *, with_entropy, threads = 0, progress = None))]
    fn signals<'py>(
        &self,
        py: Python<'py>,
        blob: &[u8],
        offsets: &[u8],
        with_entropy: bool,
        threads: usize,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let mut monitor = PyMonitor::new(progress);
        let result = detached(py, || {
            let signals = self.model.signals(blob, &u64s_of(offsets)?, with_entropy, threads, &mut monitor)?;
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>();
            Ok((bits(&signals.surprisal), bits(&signals.entropy)))
        });
        let (surprisal, entropy) = monitor.finish(result)?;
        Ok((u64_buffer(py, &surprisal)?, u64_buffer(py, &entropy)?))
    }
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ByteLm>()
}
