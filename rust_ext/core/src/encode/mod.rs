//! Encoders: one file per inference mode.
