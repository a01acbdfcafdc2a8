//! Progress and signals: the core polls, Python is asked at most ten times a second.

use pyo3::prelude::*;
use std::time::{Duration, Instant};
use tokkit_core::{Error, Monitor, Result};

const INTERVAL: Duration = Duration::from_millis(100);

/// Calls `callback(stage, done, total)` and checks signals, at most once per 100 ms.
///
/// An exception (a signal handler's or the callback's) is kept in `raised` for `finish` and ends the loop.
pub struct PyMonitor {
    callback: Option<Py<PyAny>>,
    last: Instant,
    raised: Option<PyErr>,
}

impl PyMonitor {
    /// A monitor for one call; without a callback it only checks signals.
    pub fn new(callback: Option<Py<PyAny>>) -> Self {
        Self { callback, last: Instant::now(), raised: None }
    }

    /// Turns `Interrupted` back into the exception that caused it.
    pub fn finish<T>(self, result: PyResult<T>) -> PyResult<T> {
        match self.raised {
            Some(error) => Err(error),
            None => result,
        }
    }

    fn ask_python(&mut self, stage: &'static str, done: u64, total: u64) -> Result<()> {
        let outcome = Python::attach(|py| {
            py.check_signals()?;
            match &self.callback {
                Some(callback) => callback.call1(py, (stage, done, total)).map(|_| ()),
                None => Ok(()),
            }
        });
        outcome.map_err(|error| {
            self.raised = Some(error);
            Error::Interrupted
        })
    }
}

impl Monitor for PyMonitor {
    fn poll(&mut self, stage: &'static str, done: u64, total: u64) -> Result<()> {
        if self.last.elapsed() < INTERVAL {
            return Ok(());
        }
        self.last = Instant::now();
        self.ask_python(stage, done, total)
    }
}
