//! Binding of `tokkit_core::train`.

use pyo3::prelude::*;

/// Adds this topic's names to the module.
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
