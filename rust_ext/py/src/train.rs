//! Binding of `tokkit_core::train`: the session, and what alphabets are chosen from.

use std::collections::HashSet;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::train::{
    self, Admit, Affixes, Candidate, Merged, Options, SentencePieceRules, Session, Tie, Unit, Unknown,
};
use tokkit_core::{Error, Result};

use crate::count::CountTable;
use crate::errors::{detached, guarded, to_py};
use crate::monitor::PyMonitor;

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TrainSession>()?;
    module.add_function(wrap_pyfunction!(character_counts, module)?)?;
    module.add_function(wrap_pyfunction!(affixed_atoms, module)?)
}

type Buffer<'py> = Bound<'py, PyBytes>;

pub(crate) fn u32_buffer<'py>(py: Python<'py>, values: &[u32]) -> Buffer<'py> {
    PyBytes::new(py, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

pub(crate) fn u64_buffer<'py>(py: Python<'py>, values: &[u64]) -> Buffer<'py> {
    PyBytes::new(py, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

fn unit_of(name: &str) -> Result<Unit> {
    match name {
        "byte" => Ok(Unit::Byte),
        "char" => Ok(Unit::Char),
        _ => Err(Error::Usage(format!("unit must be byte or char, got {name}"))),
    }
}

fn tie_of(name: &str) -> Result<Tie> {
    match name {
        "hf" => Ok(Tie::SmallestIds),
        "first" => Ok(Tie::FirstPosition),
        "lexmax" => Ok(Tie::LargestStrings),
        "shortest" => Ok(Tie::ShortestString),
        _ => Err(Error::Usage(format!("tie must be hf, first, lexmax or shortest, got {name}"))),
    }
}

/// Every character of the table as (text, count, first offset in the table), sorted by code point.
#[pyfunction]
fn character_counts(py: Python<'_>, counts: PyRef<'_, CountTable>) -> PyResult<Vec<(String, u64, u64)>> {
    let table = Arc::clone(&counts.table);
    detached(py, move || Ok(train::character_counts(&table)))
}

/// The forms with prefix or suffix that the alphabet's atoms take in the table, sorted by bytes.
#[pyfunction]
#[pyo3(signature = (counts, alphabet, *, unit, prefix, suffix))]
fn affixed_atoms<'py>(
    py: Python<'py>,
    counts: PyRef<'_, CountTable>,
    alphabet: Vec<Vec<u8>>,
    unit: &str,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
) -> PyResult<Vec<Buffer<'py>>> {
    let (table, unit) = (Arc::clone(&counts.table), unit_of(unit).map_err(to_py)?);
    let alphabet: HashSet<Vec<u8>> = alphabet.into_iter().collect();
    let found = detached(py, move || Ok(train::affixed_atoms(&table, unit, &alphabet, &Affixes { prefix, suffix })))?;
    Ok(found.iter().map(|atom| PyBytes::new(py, atom)).collect())
}

/// Training in steps over one count table; see `tokkit.trainers.session`.
#[pyclass(module = "tokkit._core")]
pub(crate) struct TrainSession {
    pub(crate) session: Session,
}

#[pymethods]
impl TrainSession {
    #[new]
    #[pyo3(signature = (
        counts, *, keys, atom_ids, unit = "byte", prefix = Vec::new(), suffix = Vec::new(), block_unknown = false,
        tie = "hf", max_token_length = None, sentencepiece_rules = None, min_frequency = 0, is_unique = false,
        keeps_specials = false, can_split = false, progress = None
    ))]
    #[allow(clippy::too_many_arguments)] // one keyword argument for each option; Python code names them all
    fn new(
        py: Python<'_>,
        counts: PyRef<'_, CountTable>,
        keys: Vec<Vec<u8>>,
        atom_ids: Vec<u32>,
        unit: &str,
        prefix: Vec<u8>,
        suffix: Vec<u8>,
        block_unknown: bool,
        tie: &str,
        max_token_length: Option<usize>,
        sentencepiece_rules: Option<(usize, bool, bool, bool, bool)>,
        min_frequency: u64,
        is_unique: bool,
        keeps_specials: bool,
        can_split: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let options = Options {
            unit: unit_of(unit).map_err(to_py)?,
            keys,
            atom_ids,
            affixes: Affixes { prefix, suffix },
            unknown: if block_unknown { Unknown::Block } else { Unknown::Drop },
            tie: tie_of(tie).map_err(to_py)?,
            admit: admit_of(max_token_length, sentencepiece_rules),
            min_frequency,
            is_unique,
            keeps_specials,
            can_split,
        };
        let table = Arc::clone(&counts.table);
        let mut monitor = PyMonitor::new(progress);
        let session = detached(py, || Session::new(&table, options, &mut monitor));
        Ok(Self { session: monitor.finish(session)? })
    }

    /// The best pair as (left, right, count), or None when no pair is left.
    fn best(&mut self) -> PyResult<Option<(u32, u32, u64)>> {
        guarded(|| Ok(self.session.best().map(|Candidate { left, right, count }| (left, right, count))))
    }

    /// Merges the pair; (left, right, token, count, replaced, is_growth).
    fn merge(&mut self, left: u32, right: u32) -> PyResult<MergedTuple> {
        guarded(|| self.session.merge(left, right).map(as_tuple))
    }

    /// Merges until the vocabulary has `vocab_size` tokens; False when no pair was left before.
    ///
    /// `hook(left, right, token, count, replaced, is_growth)` is called after each merge and may use the session.
    #[pyo3(signature = (vocab_size, *, hook = None, progress = None))]
    fn run(
        slf: &Bound<'_, Self>,
        vocab_size: usize,
        hook: Option<Bound<'_, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<bool> {
        let mut monitor = PyMonitor::new(progress);
        let result = match hook {
            None => {
                let mut this = slf.borrow_mut();
                let session = &mut this.session;
                detached(slf.py(), || session.run(vocab_size, &mut monitor))
            }
            Some(hook) => run_hooked(slf, vocab_size, &hook, &mut monitor),
        };
        monitor.finish(result)
    }

    /// Merges the (left, right) pairs in order, whatever the rules say.
    #[pyo3(signature = (merges, *, progress = None))]
    fn replay(&mut self, py: Python<'_>, merges: Vec<(u32, u32)>, progress: Option<Py<PyAny>>) -> PyResult<()> {
        let mut monitor = PyMonitor::new(progress);
        let session = &mut self.session;
        let result = detached(py, || session.replay(&merges, &mut monitor));
        monitor.finish(result)
    }

    /// Forbids the pair for good.
    fn veto(&mut self, left: u32, right: u32) {
        self.session.veto(left, right);
    }

    /// Takes the token out; the pieces that its occurrences fell into.
    fn remove(&mut self, token: u32) -> PyResult<Vec<u32>> {
        guarded(|| self.session.remove(token))
    }

    /// Takes the token out of the vocabulary but leaves it in the segmentation.
    fn flag(&mut self, token: u32) -> PyResult<()> {
        guarded(|| self.session.flag(token))
    }

    /// Takes the flag back.
    fn unflag(&mut self, token: u32) -> PyResult<()> {
        guarded(|| self.session.unflag(token))
    }

    /// The present tokens that the token falls into.
    fn pieces(&self, token: u32) -> PyResult<Vec<u32>> {
        guarded(|| self.session.pieces(token))
    }

    /// Weighted occurrences of the token in the segmentation now.
    fn frequency(&self, token: u32) -> PyResult<u64> {
        guarded(|| self.session.frequency(token))
    }

    /// Weighted occurrences of every token; u64 buffer.
    fn frequencies<'py>(&self, py: Python<'py>) -> Buffer<'py> {
        u64_buffer(py, &self.session.frequencies())
    }

    /// Weighted number of adjacent positions of the pair now.
    fn pair_count(&self, left: u32, right: u32) -> u64 {
        self.session.pair_count(left, right)
    }

    /// Whether the pair stood somewhere after some step and was not merged since.
    fn was_seen(&self, left: u32, right: u32) -> bool {
        self.session.was_seen(left, right)
    }

    /// Bytes that the token spells.
    fn token_bytes<'py>(&self, py: Python<'py>, token: u32) -> PyResult<Buffer<'py>> {
        guarded(|| self.session.token_bytes(token).map(|bytes| PyBytes::new(py, bytes)))
    }

    /// All tokens' bytes, by id.
    fn tokens<'py>(&self, py: Python<'py>) -> Vec<Buffer<'py>> {
        self.session.tokens().iter().map(|bytes| PyBytes::new(py, bytes)).collect()
    }

    /// Length of the token in atoms.
    fn length(&self, token: u32) -> PyResult<u32> {
        guarded(|| self.session.length(token))
    }

    /// Whether the token is in the vocabulary now.
    fn is_present(&self, token: u32) -> PyResult<bool> {
        guarded(|| self.session.is_present(token))
    }

    /// The first derivation of the token, or None.
    fn parents(&self, token: u32) -> PyResult<Option<(u32, u32)>> {
        guarded(|| self.session.parents(token))
    }

    /// Number of events logged so far.
    #[getter]
    fn n_events(&self) -> usize {
        self.session.log().kind.len()
    }

    /// Number of token ids handed out so far.
    #[getter]
    fn n_tokens(&self) -> usize {
        self.session.n_tokens()
    }

    /// Number of tokens in the vocabulary now.
    #[getter]
    fn n_present(&self) -> usize {
        self.session.n_present()
    }

    /// The segmentation now: ids (u32), where each pretoken ends (u64), pretoken counts (u64), as buffers.
    fn segmentation<'py>(&self, py: Python<'py>) -> (Buffer<'py>, Buffer<'py>, Buffer<'py>) {
        let (ids, ends, counts) = self.session.segmentation();
        (u32_buffer(py, &ids), u64_buffer(py, &ends), u64_buffer(py, &counts))
    }

    /// The log in columns: kind (u8), token, left, right (u32), count (u64), pieces (u32), piece ends (u64).
    #[allow(clippy::type_complexity)] // seven columns are seven buffers
    fn events<'py>(
        &self,
        py: Python<'py>,
    ) -> (Buffer<'py>, Buffer<'py>, Buffer<'py>, Buffer<'py>, Buffer<'py>, Buffer<'py>, Buffer<'py>) {
        let log = self.session.log();
        (
            PyBytes::new(py, &log.kind),
            u32_buffer(py, &log.token),
            u32_buffer(py, &log.left),
            u32_buffer(py, &log.right),
            u64_buffer(py, &log.count),
            u32_buffer(py, &log.pieces),
            u64_buffer(py, &log.piece_ends),
        )
    }
}

type MergedTuple = (u32, u32, u32, u64, u64, bool);

fn as_tuple(merged: Merged) -> MergedTuple {
    (merged.left, merged.right, merged.token, merged.count, merged.replaced, merged.is_growth)
}

fn admit_of(max_token_length: Option<usize>, rules: Option<(usize, bool, bool, bool, bool)>) -> Admit {
    match (rules, max_token_length) {
        (Some((max_length, by_script, by_number, digits, by_whitespace)), _) => {
            Admit::SentencePiece(SentencePieceRules {
                max_length,
                split_by_unicode_script: by_script,
                split_by_number: by_number,
                split_digits: digits,
                split_by_whitespace: by_whitespace,
            })
        }
        (None, Some(bound)) => Admit::ShorterThan(bound),
        (None, None) => Admit::All,
    }
}

/// The session is borrowed for each step only, so that the hook can use it.
fn run_hooked(
    slf: &Bound<'_, TrainSession>,
    vocab_size: usize,
    hook: &Bound<'_, PyAny>,
    monitor: &mut PyMonitor,
) -> PyResult<bool> {
    loop {
        let merged = guarded(|| {
            let session = &mut slf.borrow_mut().session;
            if session.n_present() >= vocab_size {
                return Ok(Err(true));
            }
            tokkit_core::Monitor::poll(monitor, "merge", session.n_present() as u64, vocab_size as u64)?;
            Ok(session.step()?.ok_or(false))
        })?;
        match merged {
            Ok(merged) => hook.call1(as_tuple(merged))?,
            Err(is_reached) => return Ok(is_reached),
        };
    }
}
