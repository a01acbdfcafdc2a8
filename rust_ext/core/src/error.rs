//! One error type; each variant is one exit code of the command line.

use std::fmt;

/// What went wrong, in words for the person who asked. No variant is ever a bug report of ours but `Internal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An option or argument has a value that cannot work (exit 2).
    Usage(String),
    /// The input data are bad (exit 3).
    Input(String),
    /// A tokenizer or model is bad or unsupported (exit 4).
    Tokenizer(String),
    /// Memory, disk, permission (exit 5).
    Resource(String),
    /// A signal or a callback asked to stop; the binding re-raises the Python exception that it holds (exit 130/143).
    Interrupted,
    /// A broken invariant of ours (exit 70).
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(m) | Error::Input(m) | Error::Tokenizer(m) | Error::Resource(m) => f.write_str(m),
            Error::Interrupted => f.write_str("interrupted"),
            Error::Internal(m) => write!(f, "internal error: {m}"),
        }
    }
}

impl std::error::Error for Error {}

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;
