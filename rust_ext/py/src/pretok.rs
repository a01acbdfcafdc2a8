//! Binding of `tokkit_core::pretok`.

use crate::errors::{detached, guarded};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokkit_core::pretok::{Scheme, UNICODE_VERSION};

/// Bounds (begin, end) in bytes of the pretokens of `text`, in order.
#[pyfunction]
fn pretokenize(py: Python<'_>, text: &[u8], scheme: &str) -> PyResult<Vec<(usize, usize)>> {
    detached(py, || {
        let scheme = Scheme::by_name(scheme)?;
        let mut bounds = Vec::new();
        scheme.scan(text, |start, end| bounds.push((start, end)))?;
        Ok(bounds)
    })
}

/// The text as the scheme cuts it.
#[pyfunction]
fn rewrite<'py>(py: Python<'py>, text: &[u8], scheme: &str) -> PyResult<Bound<'py, PyBytes>> {
    let new = detached(py, || Ok(Scheme::by_name(scheme)?.rewrite(text).text))?;
    Ok(PyBytes::new(py, &new))
}

/// The canonical name of a scheme.
#[pyfunction]
fn scheme_id(spec: &str) -> PyResult<String> {
    guarded(|| Ok(Scheme::by_name(spec)?.id().to_owned()))
}

/// The regexes that a scheme equals, each a split inside the parts of the one before; empty: it is no regex.
#[pyfunction]
fn scheme_patterns(spec: &str) -> PyResult<Vec<String>> {
    guarded(|| Ok(Scheme::by_name(spec)?.patterns().into_iter().map(str::to_owned).collect()))
}

/// The ids of all named schemes.
#[pyfunction]
fn scheme_names() -> Vec<&'static str> {
    Scheme::names().collect()
}

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("UNICODE_VERSION", UNICODE_VERSION)?;
    module.add_function(wrap_pyfunction!(pretokenize, module)?)?;
    module.add_function(wrap_pyfunction!(rewrite, module)?)?;
    module.add_function(wrap_pyfunction!(scheme_id, module)?)?;
    module.add_function(wrap_pyfunction!(scheme_patterns, module)?)?;
    module.add_function(wrap_pyfunction!(scheme_names, module)?)
}
