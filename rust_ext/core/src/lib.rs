//! The loops of tokkit over corpora and vocabularies. This crate knows no Python.

pub mod bytelm;
pub mod corpus;
pub mod count;
pub mod edits;
pub mod encode;
pub mod error;
pub mod fold;
pub mod hyper;
pub mod linalg;
pub mod monitor;
pub mod pretok;
pub mod table;
pub mod train;

pub use error::{Error, Result};
pub use monitor::{Monitor, Silent};
