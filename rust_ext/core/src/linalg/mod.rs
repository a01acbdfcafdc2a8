//! Small dense linear algebra that numpy has no fast call for.

pub mod omp;
mod screen;
