//! Counting pretokens in parallel, within a memory budget.
