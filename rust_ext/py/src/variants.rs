//! Binding of `tokkit_core::train::variants`: the policies that run a session without Python in the loop.

use pyo3::prelude::*;
use tokkit_core::train::variants::{Comparison, Picky, Policy, Scaffold, SelfPair, run};
use tokkit_core::{Error, Result};

use crate::errors::{detached, to_py};
use crate::monitor::PyMonitor;
use crate::train::TrainSession;

/// Adds this topic's names to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(run_picky, module)?)?;
    module.add_function(wrap_pyfunction!(run_scaffold, module)?)
}

fn run_policy(
    py: Python<'_>,
    session: &mut TrainSession,
    policy: &mut (dyn Policy + Send),
    vocab_size: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<bool> {
    let mut monitor = PyMonitor::new(progress);
    let session = &mut session.session;
    let result = detached(py, || run(session, policy, vocab_size, &mut monitor));
    monitor.finish(result)
}

fn picky_of(threshold: f64, comparison: &str, self_pair_ios: &str, max_events: usize) -> Result<Picky> {
    let comparison = match comparison {
        ">" => Comparison::Above,
        ">=" => Comparison::AtLeast,
        _ => return Err(Error::Usage(format!("comparison must be > or >=, got {comparison}"))),
    };
    let self_pair = match self_pair_ios {
        "reference" => SelfPair::Reference,
        "paper" => SelfPair::Paper,
        _ => return Err(Error::Usage(format!("self_pair_ios must be reference or paper, got {self_pair_ios}"))),
    };
    Ok(Picky { threshold, comparison, self_pair, max_events })
}

/// Picky BPE until the vocabulary has `vocab_size` tokens; False when no pair was left before.
#[pyfunction]
#[pyo3(signature = (session, vocab_size, *, threshold, comparison, self_pair_ios, max_events, progress = None))]
#[allow(clippy::too_many_arguments, reason = "one keyword each, as the options are named")]
fn run_picky(
    py: Python<'_>,
    mut session: PyRefMut<'_, TrainSession>,
    vocab_size: usize,
    threshold: f64,
    comparison: &str,
    self_pair_ios: &str,
    max_events: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<bool> {
    let mut policy = picky_of(threshold, comparison, self_pair_ios, max_events).map_err(to_py)?;
    run_policy(py, &mut session, &mut policy, vocab_size, progress)
}

/// Scaffold-BPE until `vocab_size` tokens have no flag; False when the queue ran out before.
#[pyfunction]
#[pyo3(signature = (session, vocab_size, *, min_frequency = 0, progress = None))]
fn run_scaffold(
    py: Python<'_>,
    mut session: PyRefMut<'_, TrainSession>,
    vocab_size: usize,
    min_frequency: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<bool> {
    run_policy(py, &mut session, &mut Scaffold::new(min_frequency), vocab_size, progress)
}
