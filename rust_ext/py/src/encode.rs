//! Binding of `tokkit_core::encode`. Buffers are little-endian: ids u32, offsets u64, scores f64.

use crate::errors::{detached, guarded, to_py};
use crate::monitor::PyMonitor;
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use tokkit_core::Error;
use tokkit_core::encode::atoms::{Atoms, Unit, Unknown};
use tokkit_core::encode::dropout::Random;
use tokkit_core::encode::vocabulary::Vocabulary;
use tokkit_core::encode::word::{RuleData, WordEncoder};
use tokkit_core::encode::{Allowed, Encoder as CoreEncoder};
use tokkit_core::pretok::Scheme;

use crate::superword::Pretokens;

/// Text to ids and back.
#[pyclass(frozen, module = "tokkit._core")]
pub struct Encoder {
    encoder: CoreEncoder,
    n_ids: u32,
    /// The Python numbers of all ids, made once: filling a list from them is several times faster than making new ones.
    numbers: OnceLock<Vec<Py<PyInt>>>,
}

/// `None`: no special token counts; an empty list counts as that; "all" is the empty `Option` of the inner one.
type AllowedIds = Option<Vec<u32>>;

/// (ids u32, byte offsets u64 pairs, character offsets u64 pairs)
type LocatedBuffers<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pymethods]
impl Encoder {
    /// `tokens` and `offsets` are the tokens' bytes, `ids` their ids; `merges` rows of (left, right, result),
    /// `log` rows of (kind, token, n, parts) for mode `exact`. With `cutter` texts are cut by that, and `superwords`,
    /// rows like `merges`, join pretokens of one token each. `ngrams` are rows of a log: splits of removed tokens,
    /// joins of new ones.
    #[new]
    #[pyo3(signature = (
        tokens, offsets, ids, *, merges, scheme, unit, mode, unk_id, fuse_unk, byte_ids, prefix, suffix, ignore_merges,
        scores, specials, log = None, cutter = None, superwords = None, ngrams = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "one keyword each is the clearest face towards Python")]
    fn new(
        py: Python<'_>,
        tokens: &[u8],
        offsets: &[u8],
        ids: &[u8],
        merges: &[u8],
        scheme: Option<&str>,
        unit: &str,
        mode: &str,
        unk_id: Option<u32>,
        fuse_unk: bool,
        byte_ids: Option<&[u8]>,
        prefix: Vec<u8>,
        suffix: Vec<u8>,
        ignore_merges: bool,
        scores: Option<&[u8]>,
        specials: Vec<(Vec<u8>, u32)>,
        log: Option<&[u8]>,
        cutter: Option<PyRef<'_, Pretokens>>,
        superwords: Option<&[u8]>,
        ngrams: Option<&[u8]>,
    ) -> PyResult<Self> {
        let cutter = cutter.map(|cutter| Arc::clone(&cutter.cutter));
        detached(py, || {
            let ids = ids_of(ids)?;
            let vocabulary = Vocabulary::new(tokens, &u64s_of(offsets)?, &ids)?;
            let byte_ids = byte_ids.map(byte_table).transpose()?;
            let reserved: HashSet<u32> = specials.iter().map(|special| special.1).chain(unk_id).collect();
            let reserved = reserved.into_iter().chain(byte_ids.iter().flat_map(|ids| ids.iter().copied())).collect();
            let unknown = Unknown { byte_ids, unk_id, fuse: fuse_unk };
            let atoms = Atoms::new(&vocabulary, unit_of(unit)?, unknown, prefix, suffix);
            let merges = rows_of(merges)?;
            let scores = scores.map(|scores| scores_by_id(scores, &ids, vocabulary.end())).transpose()?;
            let log = ids_of(log.unwrap_or_default())?;
            let data = RuleData { mode, merges: &merges, log: &log, scores, ignore_merges };
            let words = WordEncoder::new(vocabulary, atoms, reserved, data)?;
            let scheme = scheme.map(Scheme::by_name).transpose()?;
            let mut encoder = CoreEncoder::new(words, scheme, specials)?;
            if let Some(cutter) = cutter {
                encoder = encoder.with_superwords(cutter, &rows_of(superwords.unwrap_or_default())?)?;
            }
            if let Some(ngrams) = ngrams {
                encoder = encoder.with_ngrams(&ids_of(ngrams)?)?;
            }
            Ok(Self { n_ids: encoder.end(), encoder, numbers: OnceLock::new() })
        })
    }

    /// The ids of a text as a list. `allowed`: ids of the special tokens that count, `all_allowed`: all of them.
    #[pyo3(signature = (text, allowed = None, all_allowed = false))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        allowed: AllowedIds,
        all_allowed: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let ids = self.ids_of_text(py, utf8(text)?.as_bytes(), allowed, all_allowed)?;
        self.list(py, &ids)
    }

    /// The same of bytes.
    #[pyo3(signature = (text, allowed = None, all_allowed = false))]
    fn encode_bytes<'py>(
        &self,
        py: Python<'py>,
        text: &[u8],
        allowed: AllowedIds,
        all_allowed: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let ids = self.ids_of_text(py, text, allowed, all_allowed)?;
        self.list(py, &ids)
    }

    /// The ids of a text with BPE-dropout.
    #[pyo3(signature = (text, p, seed, allowed = None, all_allowed = false))]
    fn encode_with_dropout<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        p: f64,
        seed: u64,
        allowed: AllowedIds,
        all_allowed: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let text = utf8(text)?.as_bytes();
        let ids = detached(py, || {
            let mut ids = Vec::new();
            let allowed = self.allowed(allowed, all_allowed)?;
            self.encoder.encode_with_dropout(text, &allowed, p, &mut Random::new(seed, 0), &mut ids)?;
            Ok(ids)
        })?;
        self.list(py, &ids)
    }

    /// (ids u32, offsets u64) of many texts, end to end.
    #[pyo3(signature = (texts, allowed = None, all_allowed = false, threads = 0))]
    fn encode_batch<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Bound<'py, PyString>>,
        allowed: AllowedIds,
        all_allowed: bool,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let bytes = texts.iter().enumerate().map(|(place, text)| utf8_of(text, Some(place)).map(str::as_bytes));
        let bytes = bytes.collect::<PyResult<Vec<&[u8]>>>()?;
        let mut monitor = PyMonitor::new(None);
        let result = detached(py, || {
            self.encoder.encode_batch(&bytes, &self.allowed(allowed, all_allowed)?, threads, &mut monitor)
        });
        let batch = monitor.finish(result)?;
        self.check(&batch.ids)?;
        Ok((u32_buffer(py, &batch.ids)?, u64_buffer(py, &batch.offsets)?))
    }

    /// The ids of a text and where each came from.
    #[pyo3(signature = (text, allowed = None, all_allowed = false))]
    fn encode_located<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        allowed: AllowedIds,
        all_allowed: bool,
    ) -> PyResult<LocatedBuffers<'py>> {
        let text = utf8(text)?.as_bytes();
        let located = detached(py, || self.encoder.encode_located(text, &self.allowed(allowed, all_allowed)?))?;
        self.check(&located.ids)?;
        let flat = |pairs: &[(u64, u64)]| pairs.iter().flat_map(|pair| [pair.0, pair.1]).collect::<Vec<_>>();
        let characters = flat(&located.characters);
        Ok((u32_buffer(py, &located.ids)?, u64_buffer(py, &flat(&located.bytes))?, u64_buffer(py, &characters)?))
    }

    /// The bytes of the tokens, end to end; `ids` is a sequence of numbers.
    fn decode<'py>(&self, py: Python<'py>, ids: Vec<u32>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = detached(py, || self.encoder.token_bytes(&ids))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The same for a buffer of u32.
    fn decode_buffer<'py>(&self, py: Python<'py>, ids: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = detached(py, || self.encoder.token_bytes(&ids_of(ids)?))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The ids as u32, every n-gram as the tokens that it joins.
    fn take_apart<'py>(&self, py: Python<'py>, ids: Vec<u32>) -> PyResult<Bound<'py, PyBytes>> {
        let plain = detached(py, || self.encoder.take_apart(&ids))?;
        u32_buffer(py, &plain)
    }
}

impl Encoder {
    fn allowed(&self, ids: AllowedIds, all: bool) -> Result<Allowed, Error> {
        match ids {
            _ if all => Ok(self.encoder.allow_all()),
            Some(ids) if !ids.is_empty() => self.encoder.allow(&ids),
            _ => Ok(Allowed::default()),
        }
    }

    /// Refuses a token that is made and not in the vocabulary: a log may take one out and make it again (that of
    /// BoundlessBPE's authors does).
    fn check(&self, ids: &[u32]) -> PyResult<()> {
        match ids.iter().max().filter(|largest| **largest >= self.n_ids) {
            None => Ok(()),
            Some(_) => Err(to_py(Error::Tokenizer(
                "a token that the vocabulary had given up is made again by this text: its log contradicts itself"
                    .into(),
            ))),
        }
    }

    fn ids_of_text(&self, py: Python<'_>, text: &[u8], allowed: AllowedIds, all: bool) -> PyResult<Vec<u32>> {
        let mut monitor = PyMonitor::new(None);
        let run = |monitor: &mut PyMonitor| {
            let mut ids = Vec::new();
            let mut workspace = self.encoder.workspace();
            let result = self.encoder.encode(text, &self.allowed(allowed, all)?, &mut workspace, monitor, &mut ids);
            self.encoder.give_back(workspace);
            result.map(|()| ids)
        };
        // Giving up and taking back the GIL costs as much as a short text.
        let result = if text.len() < 512 { guarded(|| run(&mut monitor)) } else { detached(py, || run(&mut monitor)) };
        monitor.finish(result)
    }

    fn list<'py>(&self, py: Python<'py>, ids: &[u32]) -> PyResult<Bound<'py, PyList>> {
        let numbers = self
            .numbers
            .get_or_init(|| (0..self.n_ids).filter_map(|id| id.into_pyobject(py).ok().map(Bound::unbind)).collect());
        self.check(ids)?;
        PyList::new(py, ids.iter().filter_map(|&id| numbers.get(id as usize)).collect::<Vec<_>>())
    }
}

/// The UTF-8 of a `str`, without a copy.
fn utf8<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    utf8_of(text, None)
}

fn utf8_of<'a>(text: &'a Bound<'_, PyString>, place: Option<usize>) -> PyResult<&'a str> {
    text.to_str().map_err(|error| {
        let py = text.py();
        if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
            return error;
        }
        let start = error.value(py).getattr("start").and_then(|start| start.extract::<usize>()).unwrap_or(0);
        let what = place.map_or_else(|| "text".to_owned(), |place| format!("text {place}"));
        to_py(Error::Input(format!("{what}: character {start} is a lone surrogate, which no UTF-8 can hold")))
    })
}

fn unit_of(unit: &str) -> Result<Unit, Error> {
    match unit {
        "byte" => Ok(Unit::Byte),
        "char" => Ok(Unit::Char),
        other => Err(Error::Usage(format!("unit must be `byte` or `char`, got `{other}`"))),
    }
}

fn odd(buffer: &[u8]) -> Error {
    Error::Usage(format!("a buffer of {} bytes does not hold whole numbers", buffer.len()))
}

pub(crate) fn ids_of(buffer: &[u8]) -> Result<Vec<u32>, Error> {
    let (numbers, rest) = buffer.as_chunks::<4>();
    if rest.is_empty() { Ok(numbers.iter().map(|n| u32::from_le_bytes(*n)).collect()) } else { Err(odd(buffer)) }
}

pub(crate) fn u64s_of(buffer: &[u8]) -> Result<Vec<u64>, Error> {
    let (numbers, rest) = buffer.as_chunks::<8>();
    if rest.is_empty() { Ok(numbers.iter().map(|n| u64::from_le_bytes(*n)).collect()) } else { Err(odd(buffer)) }
}

fn rows_of(buffer: &[u8]) -> Result<Vec<[u32; 3]>, Error> {
    let numbers = ids_of(buffer)?;
    let (rows, rest) = numbers.as_chunks::<3>();
    if rest.is_empty() { Ok(rows.to_vec()) } else { Err(odd(buffer)) }
}

fn byte_table(buffer: &[u8]) -> Result<Box<[u32; 256]>, Error> {
    ids_of(buffer)?.try_into().map_err(|_| odd(buffer))
}

fn scores_by_id(buffer: &[u8], ids: &[u32], end: u32) -> Result<Vec<f64>, Error> {
    let scores: Vec<f64> = u64s_of(buffer)?.into_iter().map(f64::from_bits).collect();
    if scores.len() != ids.len() {
        return Err(Error::Tokenizer(format!("{} scores for {} tokens", scores.len(), ids.len())));
    }
    let mut by_id = vec![f64::NEG_INFINITY; end as usize];
    for (&id, score) in ids.iter().zip(scores) {
        if let Some(slot) = by_id.get_mut(id as usize) {
            *slot = score;
        }
    }
    Ok(by_id)
}

pub(crate) fn u32_buffer<'py>(py: Python<'py>, numbers: &[u32]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, 4 * numbers.len(), |to| {
        for (to, number) in to.as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *to = number.to_le_bytes();
        }
        Ok(())
    })
}

pub(crate) fn u64_buffer<'py>(py: Python<'py>, numbers: &[u64]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, 8 * numbers.len(), |to| {
        for (to, number) in to.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *to = number.to_le_bytes();
        }
        Ok(())
    })
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Encoder>()
}
