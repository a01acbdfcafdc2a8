//! The Python face of tokkit-core: flat buffers in, flat buffers out; one file per topic.

mod bytelm;
mod count;
mod encode;
mod errors;
mod hyper;
mod increment;
mod lzw;
mod metrics;
mod monitor;
mod pretok;
mod superword;
mod train;
mod transplant;
mod variants;

use pyo3::prelude::*;

/// The compiled core of tokkit. Private: use the functions of the `tokkit` package.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    pretok::register(module)?;
    count::register(module)?;
    train::register(module)?;
    variants::register(module)?;
    superword::register(module)?;
    encode::register(module)?;
    transplant::register(module)?;
    hyper::register(module)?;
    metrics::register(module)?;
    lzw::register(module)?;
    bytelm::register(module)?;
    increment::register(module)?;
    Ok(())
}
