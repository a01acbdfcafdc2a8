//! Binding of `tokkit_core::linalg`. Buffers are little-endian.

use crate::errors::{detached, guarded};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::linalg::omp::{AnyGram, Limits};

/// The Gram matrix of a set of atoms, over which signals are pursued.
#[pyclass(module = "tokkit._core")]
pub struct Gram {
    gram: AnyGram,
}

/// (atoms u32, coefficients f64, used u32, squared residual f64)
type FoundBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pymethods]
impl Gram {
    #[new]
    #[pyo3(signature = (n, *, is_double = false))]
    fn new(n: usize, is_double: bool) -> PyResult<Self> {
        guarded(|| AnyGram::new(n, is_double).map(|gram| Self { gram }))
    }

    /// Appends rows of the Gram matrix.
    fn push(&mut self, rows: &[u8]) -> PyResult<()> {
        guarded(|| self.gram.push(rows))
    }

    /// Orthogonal matching pursuit; `alpha` f32 or f64 [signals, n], `norm2` f64 [signals].
    #[pyo3(signature = (alpha, norm2, *, k, tolerance, threads = 1, progress = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword each is the clearest face towards Python")]
    fn pursue<'py>(
        &self,
        py: Python<'py>,
        alpha: &[u8],
        norm2: &[u8],
        k: usize,
        tolerance: f64,
        threads: usize,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<FoundBuffers<'py>> {
        let mut monitor = PyMonitor::new(progress);
        let limits = Limits { k, tolerance };
        let result = detached(py, || self.gram.pursue(alpha, norm2, limits, threads, &mut monitor));
        let found = monitor.finish(result)?;
        let doubles =
            |values: &[f64]| PyBytes::new(py, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        let words = |values: &[u32]| PyBytes::new(py, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        Ok((words(&found.atoms), doubles(&found.coefficients), words(&found.used), doubles(&found.residual2)))
    }
}

/// Adds this topic to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Gram>()
}
