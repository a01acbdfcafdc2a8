//! Supertokens: chunks of words that chance joins, for training only.

use crate::error::Result;
use crate::pretok::Scheme;
use crate::pretok::whole_words::each_text;

/// Walks the pretokens of a text; a boundary is a cut when the next one does not begin with a space, or by chance, or
/// when the chunk is full.
#[derive(Debug)]
pub struct ChanceCuts {
    scheme: Scheme,
    /// A draw of 53 bits below this cuts.
    bound: u64,
    max_words: usize,
    seed: u64,
}

impl ChanceCuts {
    /// `p_cut` is the probability that a space cuts; text number i draws from the seed XOR i.
    ///
    /// # Errors
    /// `Usage`: an unknown scheme.
    pub fn new(scheme: &str, p_cut: f64, max_words: usize, seed: u64) -> Result<Self> {
        let bound = (p_cut.clamp(0.0, 1.0) * (1u64 << 53) as f64).round_ties_even() as u64;
        Ok(Self { scheme: Scheme::by_name(scheme)?, bound, max_words: max_words.max(1), seed })
    }

    /// The chunks of the texts, each as a text of its own: (bytes, offsets); `first` is the number of the first text.
    ///
    /// # Errors
    /// `Input`: a pattern runs into its limits, or offsets that do not fit.
    pub fn cut(&self, blob: &[u8], offsets: &[u64], first: u64) -> Result<(Vec<u8>, Vec<u64>)> {
        let (mut made, mut bounds) = (Vec::with_capacity(blob.len()), vec![0]);
        let mut number = first;
        each_text(blob, offsets, |text| {
            let mut random = SplitMix64(self.seed ^ number);
            number = number.wrapping_add(1);
            let mut n_words = 0;
            let rewritten = self.scheme.rewrite(text);
            let text = rewritten.text.as_ref();
            self.scheme.scan(text, |start, end| {
                let pretoken = &text[start..end];
                // A draw is made at every space but for caps, which shift nothing.
                let is_cut =
                    pretoken.first() != Some(&b' ') || random.next() >> 11 < self.bound || n_words >= self.max_words;
                if is_cut && n_words > 0 {
                    bounds.push(made.len() as u64);
                }
                n_words = if is_cut { 1 } else { n_words + 1 };
                made.extend_from_slice(pretoken);
            })?;
            if n_words > 0 {
                bounds.push(made.len() as u64);
            }
            Ok(())
        })?;
        Ok((made, bounds))
    }
}

/// The generator of Steele, Lea and Flood (2014): 64 bits a step, the same on every machine.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(p_cut: f64, max_words: usize) -> Vec<String> {
        let text = b"of the cat, and of the dog in";
        let cuts = ChanceCuts::new("superbpe-paper-words@1", p_cut, max_words, 0).unwrap();
        let (blob, offsets) = cuts.cut(text, &[0, text.len() as u64], 0).unwrap();
        let part = |two: &[u64]| String::from_utf8(blob[two[0] as usize..two[1] as usize].to_vec()).unwrap();
        offsets.windows(2).map(part).collect()
    }

    #[test]
    fn generator_gives_the_published_numbers() {
        let mut random = SplitMix64(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn spaces_cut_always_or_never_at_the_ends_of_the_scale() {
        assert_eq!(chunks(1.0, 4), ["of", " the", " cat", ",", " and", " of", " the", " dog", " in"]);
        assert_eq!(chunks(0.0, 9), ["of the cat", ", and of the dog in"]);
        assert_eq!(chunks(0.0, 2), ["of the", " cat", ", and", " of the", " dog in"]);
    }
}
