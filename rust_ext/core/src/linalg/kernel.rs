//! The inner loop of Batch-OMP over tiles of columns, for f32 and f64.

use std::ops::{Mul, Sub};

/// Columns of one tile: the accumulator of a tile stays in registers.
pub(super) const TILE: usize = 16;

/// The two widths that the kernel works in.
pub(super) trait Real:
    Copy + Default + PartialOrd + Send + Sync + Mul<Output = Self> + Sub<Output = Self>
{
    const ZERO: Self;
    const NONE: Self;
    /// Below this share of the atom's norm^2 its new part is rounding: the atom depends on those chosen already.
    const DEPENDENT: f64;
    /// A correlation below this share of both norms is rounding.
    const NOISE: f64;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    fn magnitude(self) -> Self;
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const NONE: Self = -1.0;
    const DEPENDENT: f64 = 1e-7;
    const NOISE: f64 = 1e-6;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const NONE: Self = -1.0;
    const DEPENDENT: f64 = 1e-14;
    const NOISE: f64 = 1e-13;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }
}

/// One step: the new orthonormal row `(gram - sum_s heads[s] V_s) * inverse` is written as row `step` of every tile of
/// `basis`, `alpha` loses `weight` times it. Returns the best |alpha| of each lane and its tile.
///
/// `basis` holds, tile by tile, `k` rows of `TILE` columns.
#[inline(always)]
fn advance_body<R: Real>(
    gram: &[R],
    basis: &mut [R],
    alpha: &mut [R],
    heads: &[R],
    (k, inverse, weight): (usize, R, R),
) -> ([R; TILE], [u32; TILE]) {
    let step = heads.len();
    let (mut best, mut at) = ([R::NONE; TILE], [0u32; TILE]);
    let tiles = gram.chunks_exact(TILE).zip(basis.chunks_exact_mut(k * TILE)).zip(alpha.chunks_exact_mut(TILE));
    for (number, ((gram, basis), alpha)) in tiles.enumerate() {
        let mut sum = [R::ZERO; TILE];
        sum.copy_from_slice(gram);
        for (&head, row) in heads.iter().zip(basis.chunks_exact(TILE)) {
            for (sum, &value) in sum.iter_mut().zip(row) {
                *sum = *sum - head * value;
            }
        }
        let Some(row) = basis.chunks_exact_mut(TILE).nth(step) else { break };
        for lane in 0..TILE {
            let value = sum[lane] * inverse;
            row[lane] = value;
            let left = alpha[lane] - weight * value;
            alpha[lane] = left;
            if left.magnitude() > best[lane] {
                best[lane] = left.magnitude();
                at[lane] = number as u32;
            }
        }
    }
    (best, at)
}

/// `advance_body` with the widest vectors of this processor. No fused multiply-add: the same sums on every machine.
pub(super) fn advance<R: Real>(
    gram: &[R],
    basis: &mut [R],
    alpha: &mut [R],
    heads: &[R],
    numbers: (usize, R, R),
) -> ([R; TILE], [u32; TILE]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only thing that the callee asks for.
        return unsafe { advance_avx2(gram, basis, alpha, heads, numbers) };
    }
    advance_body(gram, basis, alpha, heads, numbers)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn advance_avx2<R: Real>(
    gram: &[R],
    basis: &mut [R],
    alpha: &mut [R],
    heads: &[R],
    numbers: (usize, R, R),
) -> ([R; TILE], [u32; TILE]) {
    advance_body(gram, basis, alpha, heads, numbers)
}
