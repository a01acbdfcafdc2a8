//! Binding of `tokkit_core::train::superword`. Buffers are little-endian.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokkit_core::Error;
use tokkit_core::pretok::whole_words::Pretokens as Cutter;
use tokkit_core::train::superword::{ChanceCuts as CoreChanceCuts, Inherited, Rules, Runs, Setup, Superword};

use crate::count::CountTable;
use crate::errors::{detached, guarded, to_py};
use crate::monitor::PyMonitor;
use crate::train::{TrainSession, u32_buffer, u64_buffer};

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SuperwordSession>()?;
    module.add_class::<RunTrainer>()?;
    module.add_class::<Pretokens>()?;
    module.add_class::<ChanceCuts>()
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
        let inherited = Inherited { tokens, byte_ids: numbers(byte_ids).map_err(to_py)?, merges: merges.to_vec() };
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

    /// n_symbols, n_neighbours, n_kept, n_runs, bound, n_recuts, n_tokens.
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
            ("n_tokens", stats.n_tokens),
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

/// Pair merging by the rule of BoundlessBPE; see `tokkit.trainers.boundless`.
#[pyclass(module = "tokkit._core")]
struct RunTrainer {
    runs: Runs,
}

#[pymethods]
impl RunTrainer {
    /// The pretokens of a table in bytes, ids 0 to 255.
    #[staticmethod]
    #[pyo3(signature = (counts, *, can_remove = false, progress = None))]
    fn over_bytes(
        py: Python<'_>,
        counts: PyRef<'_, CountTable>,
        can_remove: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let table = Arc::clone(&counts.table);
        let mut monitor = PyMonitor::new(progress);
        let runs = detached(py, || Runs::over_bytes(&table, can_remove, &mut monitor));
        Ok(Self { runs: monitor.finish(runs)? })
    }

    /// Runs of `tokens` in a table of runs from `Pretokens.runs`.
    #[staticmethod]
    #[pyo3(signature = (counts, tokens, *, progress = None))]
    fn over_pretokens(
        py: Python<'_>,
        counts: PyRef<'_, CountTable>,
        tokens: Vec<Vec<u8>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let table = Arc::clone(&counts.table);
        let mut monitor = PyMonitor::new(progress);
        let runs = detached(py, || Runs::over_pretokens(&table, tokens, &mut monitor));
        Ok(Self { runs: monitor.finish(runs)? })
    }

    /// (left, right, count) of the best pair, or None.
    fn best(&mut self) -> Option<(u32, u32, u64)> {
        self.runs.best()
    }

    /// Merges the pair; (token, replacements, whether some sequence became one token).
    fn merge(&mut self, left: u32, right: u32) -> PyResult<(u32, u64, bool)> {
        guarded(|| self.runs.merge(left, right).map(|merged| (merged.token, merged.count, merged.is_whole)))
    }

    /// Replaces the token by pieces; how many uses there were.
    fn remove(&mut self, token: u32, pieces: Vec<u32>) -> PyResult<u64> {
        guarded(|| self.runs.remove(token, &pieces))
    }

    /// Uses of the token.
    fn uses(&self, token: u32) -> PyResult<u64> {
        guarded(|| self.runs.uses(token))
    }

    /// All tokens' bytes, by id.
    fn tokens<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.runs.tokens().iter().map(|bytes| PyBytes::new(py, bytes)).collect()
    }

    fn __len__(&self) -> usize {
        self.runs.n_sequences()
    }
}

/// Cuts texts as BoundlessBPE does; see `tokkit_core::pretok::whole_words::Pretokens`.
#[pyclass(frozen, module = "tokkit._core")]
pub(crate) struct Pretokens {
    pub(crate) cutter: Arc<Cutter>,
}

#[pymethods]
impl Pretokens {
    #[new]
    #[pyo3(signature = (main, candidate, *, special = None, scripts = Vec::new()))]
    fn new(main: &str, candidate: &str, special: Option<&str>, scripts: Vec<String>) -> PyResult<Self> {
        let special = special.map(|scheme| (scheme, scripts.as_slice()));
        Ok(Self { cutter: Arc::new(guarded(|| Cutter::new(main, special, candidate))?) })
    }

    /// Bounds of the pretokens.
    fn cut(&self, py: Python<'_>, text: &[u8]) -> PyResult<Vec<(usize, usize)>> {
        detached(py, || {
            let mut bounds = Vec::new();
            self.cutter.scan(text, |start, end| bounds.push((start, end)))?;
            Ok(bounds)
        })
    }

    /// Whether a pretoken may be part of a superword.
    fn is_candidate(&self, pretoken: &[u8]) -> bool {
        self.cutter.is_candidate(pretoken)
    }

    /// Every pretoken as a text of its own: (bytes, offsets as u64).
    fn words<'py>(
        &self,
        py: Python<'py>,
        blob: &[u8],
        offsets: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (blob, offsets) = detached(py, || self.cutter.words(blob, &wide_numbers(offsets)?))?;
        Ok((PyBytes::new(py, &blob), u64_buffer(py, &offsets)))
    }

    /// Every run of at least two candidates as a text, 0xFF between: (bytes, offsets as u64).
    fn runs<'py>(
        &self,
        py: Python<'py>,
        blob: &[u8],
        offsets: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (blob, offsets) = detached(py, || self.cutter.runs(blob, &wide_numbers(offsets)?))?;
        Ok((PyBytes::new(py, &blob), u64_buffer(py, &offsets)))
    }
}

/// Cuts texts into the chunks of supertokens; see `tokkit.trainers.supertoken`.
#[pyclass(frozen, module = "tokkit._core")]
struct ChanceCuts {
    cuts: CoreChanceCuts,
}

#[pymethods]
impl ChanceCuts {
    #[new]
    #[pyo3(signature = (scheme, *, p_cut, max_words, seed))]
    fn new(scheme: &str, p_cut: f64, max_words: usize, seed: u64) -> PyResult<Self> {
        Ok(Self { cuts: guarded(|| CoreChanceCuts::new(scheme, p_cut, max_words, seed))? })
    }

    /// Every chunk as a text of its own: (bytes, offsets as u64); `first` is the number of the first text.
    fn cut<'py>(
        &self,
        py: Python<'py>,
        blob: &[u8],
        offsets: &[u8],
        first: u64,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (blob, offsets) = detached(py, || self.cuts.cut(blob, &wide_numbers(offsets)?, first))?;
        Ok((PyBytes::new(py, &blob), u64_buffer(py, &offsets)))
    }
}

fn wide_numbers(buffer: &[u8]) -> Result<Vec<u64>, Error> {
    let (numbers, rest) = buffer.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Error::Input(format!("a buffer of 64-bit numbers has {} bytes", buffer.len())));
    }
    Ok(numbers.iter().map(|number| u64::from_le_bytes(*number)).collect())
}
