//! The model as bytes: order, then the n-grams by parent and byte, parents first.

use super::{ByteLm, MAX_ORDER};
use crate::error::{Error, Result};

const MAGIC: &[u8; 8] = b"tokkitLM";
const FORMAT: u32 = 1;
const ROW: usize = 9;

impl ByteLm {
    /// The same bytes for the same counts, whatever the order of the documents.
    pub fn to_bytes(&self) -> Vec<u8> {
        let grams = self.grams();
        let mut first_child = vec![(0_usize, 0_usize); self.n_nodes as usize];
        for (row, gram) in grams.iter().enumerate() {
            let range = &mut first_child[gram.0 as usize];
            *range = if range.1 == 0 { (row, row + 1) } else { (range.0, row + 1) };
        }
        let mut out = Vec::with_capacity(24 + ROW * grams.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.order as u32).to_le_bytes());
        out.extend_from_slice(&(grams.len() as u64).to_le_bytes());
        // Breadth first: numbers in the file depend on the n-grams alone.
        let mut queue = vec![0_u32];
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            let (low, high) = first_child[node as usize];
            for &(_, byte, child, count) in &grams[low..high] {
                out.extend_from_slice(&(at as u32).to_le_bytes());
                out.push(byte);
                out.extend_from_slice(&count.to_le_bytes());
                queue.push(child);
            }
            at += 1;
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
        let mut model = Self::new(order)?;
        let mut depth = vec![0_usize];
        let mut before = None;
        for row in rows.as_chunks::<ROW>().0 {
            let parent = u32::from_le_bytes([row[0], row[1], row[2], row[3]]);
            let count = u32::from_le_bytes([row[5], row[6], row[7], row[8]]);
            let length = depth.get(parent as usize).map_or(usize::MAX, |depth| depth + 1);
            if length > order || count == 0 || before.is_some_and(|before| before >= (parent, row[4])) {
                return Err(bad("an n-gram in the wrong place"));
            }
            before = Some((parent, row[4]));
            model.put(parent, row[4], count)?;
            depth.push(length);
        }
        model.freeze()?;
        Ok(model)
    }
}
