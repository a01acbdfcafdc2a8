//! Binding of `tokkit_core::fold`. Buffers are little-endian: ids and lengths u32, offsets u64, counts i64.

use crate::errors::{detached, guarded};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use tokkit_core::Error;
use tokkit_core::fold::{COLUMNS, Encoded, count_ids, fold};

/// (UTF-8 of all texts, where each ends as u64 with a 0 in front, number of characters)
type Joined<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, usize);

/// The texts as UTF-8, end to end. UnicodeEncodeError where one has none.
#[pyfunction]
fn join_texts<'py>(py: Python<'py>, texts: Vec<Bound<'py, PyString>>) -> PyResult<Joined<'py>> {
    let parts = texts.iter().map(|text| text.to_str()).collect::<PyResult<Vec<&str>>>()?;
    let data = PyBytes::new_with(py, parts.iter().map(|part| part.len()).sum(), |mut rest| {
        for part in &parts {
            let Some((here, after)) = rest.split_at_mut_checked(part.len()) else { break };
            here.copy_from_slice(part.as_bytes());
            rest = after;
        }
        Ok(())
    })?;
    let characters = data.as_bytes().iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let ends = PyBytes::new_with(py, 8 * (parts.len() + 1), |to| {
        let mut end = 0_u64;
        for (to, part) in to.as_chunks_mut::<8>().0.iter_mut().skip(1).zip(&parts) {
            end += part.len() as u64;
            *to = end.to_le_bytes();
        }
        Ok(())
    })?;
    Ok((data, ends, characters))
}

/// How often each id below `size` occurs, as i64; InputError where another one does.
#[pyfunction]
fn count_tokens<'py>(py: Python<'py>, ids: &[u8], size: usize) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, 8 * size, |counts| detached(py, || count_ids(numbers(ids)?, counts.as_chunks_mut::<8>().0)))
}

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
    let text = guarded(|| {
        let (byte_ends, token_ends) = (numbers(byte_ends)?, numbers(token_ends)?);
        Ok(Encoded { data, byte_ends, ids: numbers(ids)?, token_ends, blob, lengths: numbers(lengths)?, flags })
    })?;
    let mut is_tiled = false;
    // Written in place: the columns of many short documents are larger than their text.
    let rows = PyBytes::new_with(py, text.byte_ends.len().saturating_sub(1) * COLUMNS * size_of::<i64>(), |columns| {
        is_tiled = detached(py, || fold(&text, columns.as_chunks_mut::<8>().0))?;
        Ok(())
    })?;
    Ok(is_tiled.then_some(rows))
}

fn numbers<const N: usize>(buffer: &[u8]) -> Result<&[[u8; N]], Error> {
    let (numbers, rest) = buffer.as_chunks::<N>();
    if rest.is_empty() {
        Ok(numbers)
    } else {
        Err(Error::Internal(format!("a buffer of {} bytes is no array of numbers", buffer.len())))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(join_texts, module)?)?;
    module.add_function(wrap_pyfunction!(count_tokens, module)?)?;
    module.add_function(wrap_pyfunction!(fold_documents, module)?)
}
