//! Small dense linear algebra that numpy has no fast call for.

mod kernel;
pub mod omp;
