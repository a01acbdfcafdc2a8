//! Maps core errors to the exception classes of `tokkit.errors`, and panics to `InternalError`.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokkit_core::Error;

/// The Python exception for a core error. `Interrupted` never gets here: the monitor holds the exception to raise.
pub fn to_py(error: Error) -> PyErr {
    let class = match error {
        Error::Usage(_) => "UsageError",
        Error::Input(_) => "InputError",
        Error::Tokenizer(_) => "TokenizerError",
        Error::Resource(_) => "ResourceError",
        Error::Interrupted | Error::Internal(_) => "InternalError",
    };
    Python::attach(|py| make(py, class, &error.to_string()))
}

fn make(py: Python<'_>, class: &str, message: &str) -> PyErr {
    match py.import("tokkit.errors").and_then(|m| m.getattr(class)).and_then(|c| c.call1((message,))) {
        Ok(value) => PyErr::from_value(value),
        Err(_) => PyRuntimeError::new_err(message.to_owned()),
    }
}

/// Runs `f` without the GIL; a core error becomes its exception, a panic becomes `InternalError` instead of crossing.
pub fn detached<T: Send>(py: Python<'_>, f: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    guarded(|| py.detach(f))
}

/// Runs `f` with the GIL held; a core error becomes its exception, a panic becomes `InternalError`.
pub fn guarded<T>(f: impl FnOnce() -> Result<T, Error>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(to_py),
        Err(payload) => Err(to_py(Error::Internal(panic_text(payload.as_ref())))),
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text =
        payload.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| payload.downcast_ref::<String>().cloned());
    format!(
        "panic in the core: {}; please report it with the command and input",
        text.unwrap_or_else(|| "unknown".to_owned())
    )
}
