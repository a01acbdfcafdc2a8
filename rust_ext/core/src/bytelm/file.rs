//! The model as bytes: order, then the n-grams by parent and byte, parents first.

use super::MAX_ORDER;
use super::model::{ByteLm, Row};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"tokkitLM";
const FORMAT: u32 = 1;
const ROW: usize = 9;

impl ByteLm {
    /// The same bytes for the same counts, whatever the order of the documents.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + ROW * self.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.order as u32).to_le_bytes());
        out.extend_from_slice(&(self.len() as u64).to_le_bytes());
        for context in 0..self.n_contexts() as u32 {
            for gram in self.kids(context) {
                out.extend_from_slice(&context.to_le_bytes());
                out.push(self.bytes[gram]);
                out.extend_from_slice(&self.grams[gram].count.to_le_bytes());
            }
        }
        out
    }

    /// Reads what `to_bytes` wrote.
    ///
    /// # Errors
    /// `Input`: another kind of file, a newer format, or content that contradicts itself.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |what: &str| Error::Input(format!("not a byte language model: {what}"));
        let (head, rows) = bytes.split_at_checked(24).ok_or_else(|| bad("too short"))?;
        if head[..8] != *MAGIC {
            return Err(bad("another kind of file"));
        }
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if number(8) != FORMAT {
            return Err(Error::Input(format!(
                "byte language model: format {} is not known to this version",
                number(8)
            )));
        }
        let order = number(12) as usize;
        let n_rows = u64::from(number(16)) | u64::from(number(20)) << 32;
        if rows.len() % ROW != 0 || n_rows != (rows.len() / ROW) as u64 || !(1..=MAX_ORDER).contains(&order) {
            return Err(bad("its length contradicts its head"));
        }
        let rows: Vec<Row> = rows
            .as_chunks::<ROW>()
            .0
            .iter()
            .map(|row| Row {
                parent: u32::from_le_bytes([row[0], row[1], row[2], row[3]]),
                byte: row[4],
                count: u32::from_le_bytes([row[5], row[6], row[7], row[8]]),
            })
            .collect();
        Self::from_rows(order, &rows)
    }
}
