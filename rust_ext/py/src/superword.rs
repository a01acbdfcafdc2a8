//! Binding of `tokkit_core::train::superword`. Buffers are little-endian.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokkit_core::Error;
use tokkit_core::train::superword::{Inherited, Rules, Setup, Superword};

use crate::count::CountTable;
use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use crate::train::{TrainSession, u32_buffer, u64_buffer};

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SuperwordSession>()
}

/// The second stage of superword training over one table of chunks; see `tokkit.trainers.superbpe`.
#[pyclass(module = "tokkit._core")]
struct SuperwordSession {
    stage: Superword,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    max_words: Option<usize>,
    forbidden: Vec<Vec<u8>>,
    max_bytes: Option<usize>,
    no_newline: bool,
    whole_utf8: bool,
    min_frequency: u64,
    bound: Option<u64>,
    n_merges: usize,
    threads: usize,
}

impl From<Options> for Setup {
    fn from(options: Options) -> Self {
        let rules = Rules {
            max_words: options.max_words,
            forbidden: options.forbidden,
            max_bytes: options.max_bytes,
            no_newline: options.no_newline,
            whole_utf8: options.whole_utf8,
        };
        Setup {
            rules,
            min_frequency: options.min_frequency,
            bound: options.bound,
            n_merges: options.n_merges,
            threads: options.threads,
        }
    }
}

#[pymethods]
impl SuperwordSession {
    /// Encodes the chunks by inherited merges: `merges` is u32 [n, 3] of (left, right, result), `byte_ids` u32 [256].
    #[staticmethod]
    #[pyo3(signature = (counts, tokens, byte_ids, merges, options, *, progress = None))]
    fn from_chunks(
        py: Python<'_>,
        counts: PyRef<'_, CountTable>,
        tokens: Vec<Vec<u8>>,
        byte_ids: &[u8],
        merges: &[u8],
        options: Options,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let flat = numbers(merges).map_err(to_py)?;
        let (merges, rest) = flat.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(to_py(Error::Usage(format!("merges are rows of 3 ids, got {} ids", flat.len()))));
        }
        let inherited =
            Inherited { tokens, byte_ids: numbers(byte_ids).map_err(to_py)?, merges: merges.to_vec() };
        let table = Arc::clone(&counts.table);
        let mut monitor = PyMonitor::new(progress);
        let stage = detached(py, || Superword::new(&table, &inherited, options.into(), &mut monitor));
        Ok(Self { stage: monitor.finish(stage)? })
    }

    /// Goes on where `session` stands.
    #[staticmethod]
    #[pyo3(signature = (session, options, *, progress = None))]
    fn after(
        py: Python<'_>,
        session: PyRef<'_, TrainSession>,
        options: Options,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut monitor = PyMonitor::new(progress);
        let session = &session.session;
        let stage = detached(py, || Superword::after(session, options.into(), &mut monitor));
        Ok(Self { stage: monitor.finish(stage)? })
    }

    /// Merges until there are `vocab_size` tokens; False when no pair was left before.
    #[pyo3(signature = (vocab_size, *, progress = None))]
    fn run(&mut self, py: Python<'_>, vocab_size: usize, progress: Option<Py<PyAny>>) -> PyResult<bool> {
        let mut monitor = PyMonitor::new(progress);
        let stage = &mut self.stage;
        let result = detached(py, || stage.run(vocab_size, &mut monitor));
        monitor.finish(result)
    }

    /// The merges made here: u32 [n, 3] of (left, right, token), and u64 [n] of their counts.
    fn merges<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let (merges, counts) = self.stage.merges();
        (u32_buffer(py, merges.as_flattened()), u64_buffer(py, counts))
    }

    /// All tokens' bytes, by id.
    fn tokens<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.stage.tokens().iter().map(|bytes| PyBytes::new(py, bytes)).collect()
    }

    /// n_symbols, n_neighbours, n_kept, n_runs, bound, n_recuts.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.stage.stats();
        let dict = PyDict::new(py);
        for (name, value) in [
            ("n_symbols", stats.n_symbols),
            ("n_neighbours", stats.n_neighbours),
            ("n_kept", stats.n_kept),
            ("n_runs", stats.n_runs),
            ("bound", stats.bound),
            ("n_recuts", stats.n_recuts),
        ] {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }
}

fn numbers(buffer: &[u8]) -> Result<Vec<u32>, Error> {
    let (numbers, rest) = buffer.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::Usage(format!("a buffer of 32-bit numbers has {} bytes", buffer.len())));
    }
    Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
}
