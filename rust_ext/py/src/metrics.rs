//! Binding of `tokkit_core::fold`. Buffers are little-endian: ids and lengths u32, offsets u64, counts i64.

use crate::errors::detached;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::Error;
use tokkit_core::fold::{Encoded, fold};

/// Counts of all documents as int64, column by column; see `tokkit_core::fold::COLUMNS`. None where tokens are not the
/// text.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "flat buffers, each named in the stub")]
fn fold_documents<'py>(
    py: Python<'py>,
    data: &[u8],
    byte_ends: &[u8],
    ids: &[u8],
    token_ends: &[u8],
    blob: &[u8],
    lengths: &[u8],
    flags: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let rows = detached(py, || {
        let (byte_ends, token_ends) = (wide(byte_ends)?, wide(token_ends)?);
        let (ids, lengths) = (narrow(ids)?, narrow(lengths)?);
        let text =
            Encoded { data, byte_ends: &byte_ends, ids: &ids, token_ends: &token_ends, blob, lengths: &lengths, flags };
        fold(&text)
    })?;
    rows.map(|rows| {
        PyBytes::new_with(py, rows.len() * size_of::<i64>(), |bytes| {
            let (words, _) = bytes.as_chunks_mut::<8>();
            for (word, value) in words.iter_mut().zip(&rows) {
                *word = value.to_le_bytes();
            }
            Ok(())
        })
    })
    .transpose()
}

fn narrow(buffer: &[u8]) -> Result<Vec<u32>, Error> {
    let (words, rest) = buffer.as_chunks::<4>();
    if rest.is_empty() { Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect()) } else { Err(odd(buffer)) }
}

fn wide(buffer: &[u8]) -> Result<Vec<u64>, Error> {
    let (words, rest) = buffer.as_chunks::<8>();
    if rest.is_empty() { Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect()) } else { Err(odd(buffer)) }
}

fn odd(buffer: &[u8]) -> Error {
    Error::Internal(format!("a buffer of {} bytes is no array of numbers", buffer.len()))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(fold_documents, module)?)
}
