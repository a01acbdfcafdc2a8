//! Binding of `tokkit_core::linalg` and `tokkit_core::edits`. Buffers are little-endian.

use crate::errors::{detached, guarded};
use crate::monitor::PyMonitor;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::edits::Nearest;
use tokkit_core::linalg::omp::{Found, Limits, Pursuit};
use tokkit_core::{Error, Result};

/// Orthogonal matching pursuit of signals over a set of atoms (f32 or f64), step by step.
#[pyclass(module = "tokkit._core", name = "Pursuit")]
pub struct PyPursuit {
    pursuit: Width,
}

enum Width {
    Single(Pursuit<f32>),
    Double(Pursuit<f64>),
}

/// (atoms u32, coefficients f64, used u32, relative residual f64)
type FoundBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pymethods]
impl PyPursuit {
    #[new]
    #[pyo3(signature = (atoms, width, *, k, tolerance, rows, is_double = false))]
    fn new(atoms: &[u8], width: usize, k: usize, tolerance: f64, rows: usize, is_double: bool) -> PyResult<Self> {
        let limits = Limits { k, tolerance };
        guarded(|| {
            let pursuit = if is_double {
                Width::Double(Pursuit::new(doubles(atoms)?.collect(), width, rows, limits)?)
            } else {
                Width::Single(Pursuit::new(floats(atoms)?.collect(), width, rows, limits)?)
            };
            Ok(Self { pursuit })
        })
    }

    /// Adds signals with their products with all atoms: `scores` f32 [signals, n].
    fn add(&mut self, py: Python<'_>, signals: &[u8], scores: &[u8]) -> PyResult<()> {
        detached(py, || match &mut self.pursuit {
            Width::Single(pursuit) => pursuit.add(&floats(signals)?.collect::<Vec<_>>(), floats(scores)?),
            Width::Double(pursuit) => pursuit.add(&doubles(signals)?.collect::<Vec<_>>(), floats(scores)?),
        })
    }

    /// Atoms (u32) whose Gram rows the next step lacks; None when all signals are done.
    fn missing<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let atoms = match &mut self.pursuit {
            Width::Single(pursuit) => pursuit.missing(),
            Width::Double(pursuit) => pursuit.missing(),
        };
        atoms.map(|atoms| words(py, atoms))
    }

    /// Files Gram rows of those atoms: f32 [atoms, n].
    fn fill(&mut self, py: Python<'_>, atoms: &[u8], values: &[u8]) -> PyResult<()> {
        detached(py, || {
            let atoms: Vec<u32> = chunks(atoms, "u32")?.map(u32::from_le_bytes).collect();
            match &mut self.pursuit {
                Width::Single(pursuit) => pursuit.fill(&atoms, floats(values)?),
                Width::Double(pursuit) => pursuit.fill(&atoms, floats(values)?),
            }
        })
    }

    /// Lets signals choose one atom more each.
    #[pyo3(signature = (*, threads = 1))]
    fn step(&mut self, py: Python<'_>, threads: usize) -> PyResult<()> {
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || match &mut self.pursuit {
            Width::Single(pursuit) => pursuit.step(threads, &mut monitor),
            Width::Double(pursuit) => pursuit.step(threads, &mut monitor),
        });
        monitor.finish(result)
    }

    /// What was found for the signals added since the last time.
    fn take<'py>(&mut self, py: Python<'py>) -> FoundBuffers<'py> {
        let Found { atoms, coefficients, used, residual } = match &mut self.pursuit {
            Width::Single(pursuit) => pursuit.take(),
            Width::Double(pursuit) => pursuit.take(),
        };
        let bytes = |values: &[f64]| PyBytes::new(py, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        (words(py, &atoms), bytes(&coefficients), words(py, &used), bytes(&residual))
    }
}

/// For each word the place (u32) of the nearest string by edit distance, the longest common beginning, the lowest place.
#[pyfunction]
#[pyo3(signature = (wanted, strings, *, progress = None))]
fn nearest_by_edits<'py>(
    py: Python<'py>,
    wanted: Vec<Vec<u8>>,
    strings: Vec<Vec<u8>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut monitor = PyMonitor::new(progress);
    let result = detached(py, || {
        let strings: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
        let asked: Vec<&[u8]> = wanted.iter().map(Vec::as_slice).collect();
        Nearest::new(&strings)?.of_all(&asked, &mut monitor)
    });
    Ok(words(py, &monitor.finish(result)?))
}

fn words<'py>(py: Python<'py>, values: &[u32]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
}

fn chunks<'a, const N: usize>(
    bytes: &'a [u8],
    kind: &str,
) -> Result<impl ExactSizeIterator<Item = [u8; N]> + Clone + use<'a, N>> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(Error::Usage(format!("not a buffer of {kind}, got {} bytes", bytes.len())));
    }
    Ok(chunks.iter().copied())
}

fn floats(bytes: &[u8]) -> Result<impl ExactSizeIterator<Item = f32> + Clone + use<'_>> {
    Ok(chunks(bytes, "f32")?.map(f32::from_le_bytes))
}

fn doubles(bytes: &[u8]) -> Result<impl ExactSizeIterator<Item = f64> + Clone + use<'_>> {
    Ok(chunks(bytes, "f64")?.map(f64::from_le_bytes))
}

/// Adds this topic to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(nearest_by_edits, module)?)?;
    module.add_class::<PyPursuit>()
}
