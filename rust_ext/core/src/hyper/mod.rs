//! Hypertokens: LZW over the ids of any base tokenizer (zip2zip, Geng et al. 2025).
//!
//! Phrases of base ids get the codes V, V + 1, ... as they are first met; encoder and decoder build the same book.

mod batch;
mod book;
mod books;
mod decode;
mod edges;
mod encode;
mod freezing;
mod rules;
#[cfg(test)]
mod tests;
mod tolerant;

pub use batch::{Rows, decode_batch, encode_batch};
pub use book::Book;
pub use books::{Books, Spelt, book_of};
pub use decode::Decoder;
pub use encode::Encoder;
pub use rules::{Policy, Rules};
pub use tolerant::TolerantDecoder;
