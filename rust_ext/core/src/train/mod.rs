//! Training kernel and session.
