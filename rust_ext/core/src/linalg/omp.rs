//! Batch-OMP on a Gram matrix: orthogonal matching pursuit of many signals over one set of atoms.
//!
//! Rubinstein, Zibulevsky, Elad 2008, in the form of a pivoted Cholesky factorisation: with G = A A', alpha = A y, the
//! chosen atom j gives the row V_t = (G[j] - sum_s V_s[j] V_s) / rho with rho^2 = G[j,j] - sum_s V_s[j]^2, then
//! alpha -= (alpha[j] / rho) V_t. One row of G is read per iteration. The triangle and its solution are f64.

use super::kernel::{Real, TILE, advance};
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Signals handed out at a time.
const BLOCK: usize = 8;

/// The Gram matrix of the atoms, rows padded to whole tiles.
struct Gram<R> {
    n: usize,
    width: usize,
    rows: Vec<R>,
}

/// When to stop looking for atoms.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At most so many atoms for a signal.
    pub k: usize,
    /// Enough when |residual| <= tolerance * |signal|.
    pub tolerance: f64,
}

/// What was found: row by row `k` places, of which the first `used` count.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Chosen atoms in order of choice; `u32::MAX` where unused.
    pub atoms: Vec<u32>,
    /// Their coefficients; 0 where unused.
    pub coefficients: Vec<f64>,
    /// Number of atoms of each signal.
    pub used: Vec<u32>,
    /// |residual|^2 of each signal.
    pub residual2: Vec<f64>,
}

/// A Gram matrix of f32 (half the memory, coefficients good to about 1e-6) or f64 (for few or badly conditioned atoms).
pub struct AnyGram(Width);

enum Width {
    Single(Gram<f32>),
    Double(Gram<f64>),
}

impl AnyGram {
    /// An empty Gram matrix of `n` atoms.
    pub fn new(n: usize, is_double: bool) -> Result<Self> {
        if n == 0 || n > u32::MAX as usize - TILE {
            return Err(Error::Usage(format!("number of atoms must be 1..2^32 - 17, got {n}")));
        }
        Ok(Self(if is_double { Width::Double(Gram::new(n)?) } else { Width::Single(Gram::new(n)?) }))
    }

    /// Appends rows, each `n` little-endian numbers of the matrix's width.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Width::Single(gram) => gram.push(&floats(bytes)?),
            Width::Double(gram) => gram.push(&doubles(bytes)?),
        }
    }

    /// Runs the pursuit; `alpha` is A y, one row of `n` numbers of the matrix's width per signal, `norm2` is |y|^2.
    pub fn pursue(
        &self,
        alpha: &[u8],
        norm2: &[u8],
        limits: Limits,
        threads: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<Found> {
        let norm2 = doubles(norm2)?;
        match &self.0 {
            Width::Single(gram) => gram.pursue(&floats(alpha)?, &norm2, limits, threads, monitor),
            Width::Double(gram) => gram.pursue(&doubles(alpha)?, &norm2, limits, threads, monitor),
        }
    }
}

fn floats(bytes: &[u8]) -> Result<Vec<f32>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::Usage(format!("not a buffer of f32, got {} bytes", bytes.len())));
    }
    Ok(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
}

fn doubles(bytes: &[u8]) -> Result<Vec<f64>> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(Error::Usage(format!("not a buffer of f64, got {} bytes", bytes.len())));
    }
    Ok(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect())
}

impl<R: Real> Gram<R> {
    fn new(n: usize) -> Result<Self> {
        let width = n.div_ceil(TILE) * TILE;
        let mut rows = Vec::new();
        let fits = width.checked_mul(n).is_some_and(|size| rows.try_reserve_exact(size).is_ok());
        if !fits {
            return Err(Error::Resource(format!("no memory for a Gram matrix of {n} x {n}")));
        }
        Ok(Self { n, width, rows })
    }

    fn push(&mut self, values: &[R]) -> Result<()> {
        if !values.len().is_multiple_of(self.n) || self.rows.len() / self.width + values.len() / self.n > self.n {
            return Err(Error::Usage(format!("rows of {} numbers expected, got {} numbers", self.n, values.len())));
        }
        for row in values.chunks_exact(self.n) {
            self.rows.extend_from_slice(row);
            self.rows.resize(self.rows.len() + self.width - self.n, R::ZERO);
        }
        Ok(())
    }

    fn row(&self, atom: usize) -> &[R] {
        &self.rows[atom * self.width..(atom + 1) * self.width]
    }

    fn pursue(
        &self,
        alpha: &[R],
        norm2: &[f64],
        limits: Limits,
        threads: usize,
        monitor: &mut dyn Monitor,
    ) -> Result<Found> {
        let (signals, k) = (norm2.len(), limits.k.min(self.n));
        if alpha.len() != signals * self.n || self.rows.len() != self.n * self.width || k == 0 {
            return Err(Error::Usage(format!(
                "{signals} signals over {} atoms do not fit {} numbers and {} rows, k = {}",
                self.n,
                alpha.len(),
                self.rows.len() / self.width,
                limits.k
            )));
        }
        let limits = Limits { k, ..limits };
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = |monitor: &mut dyn Monitor| -> Result<Vec<(usize, Found)>> {
            let mut pursuit = Pursuit::new(self, limits);
            let mut done = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let first = next.fetch_add(BLOCK, Ordering::Relaxed);
                if first >= signals {
                    break;
                }
                let end = (first + BLOCK).min(signals);
                let mut found = Found::default();
                for signal in first..end {
                    if let Err(error) = monitor.poll("pursue", signal as u64, signals as u64) {
                        stop.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                    pursuit.run(&alpha[signal * self.n..(signal + 1) * self.n], norm2[signal], &mut found);
                }
                done.push((first, found));
            }
            Ok(done)
        };
        let work = &work;
        let others = threads.min(signals.div_ceil(BLOCK)).saturating_sub(1);
        let mut parts = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..others).map(|_| scope.spawn(move || work(&mut Silent))).collect();
            let mut parts = work(monitor);
            for handle in handles {
                let part = handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into())));
                parts = parts.and_then(|mut all| {
                    all.extend(part?);
                    Ok(all)
                });
            }
            parts
        })?;
        parts.sort_unstable_by_key(|part| part.0);
        let mut all = Found::default();
        for (_, mut part) in parts {
            all.atoms.append(&mut part.atoms);
            all.coefficients.append(&mut part.coefficients);
            all.used.append(&mut part.used);
            all.residual2.append(&mut part.residual2);
        }
        Ok(all)
    }
}

/// One thread's scratch.
struct Pursuit<'g, R> {
    gram: &'g Gram<R>,
    limits: Limits,
    basis: Vec<R>,
    alpha: Vec<R>,
    heads: Vec<R>,
    triangle: Vec<f64>,
    along: Vec<f64>,
    chosen: Vec<usize>,
}

impl<'g, R: Real> Pursuit<'g, R> {
    fn new(gram: &'g Gram<R>, limits: Limits) -> Self {
        let k = limits.k;
        Self {
            gram,
            limits,
            basis: vec![R::ZERO; gram.width * k],
            alpha: vec![R::ZERO; gram.width],
            heads: Vec::with_capacity(k),
            triangle: vec![0.0; k * k],
            along: Vec::with_capacity(k),
            chosen: Vec::with_capacity(k),
        }
    }

    fn run(&mut self, alpha: &[R], norm2: f64, found: &mut Found) {
        let k = self.limits.k;
        self.alpha[..alpha.len()].copy_from_slice(alpha);
        self.chosen.clear();
        self.along.clear();
        let mut left2 = norm2;
        let (mut best, mut atom) = self.scan();
        while self.chosen.len() < k && left2 > self.limits.tolerance.powi(2) * norm2 && best > 0.0 {
            let step = self.chosen.len();
            let own = self.gram.row(atom)[atom].wide();
            if best.powi(2) <= R::NOISE.powi(2) * own * norm2 {
                break;
            }
            self.heads.clear();
            let mut new2 = own;
            for row in 0..step {
                let head = self.basis[((atom / TILE) * k + row) * TILE + atom % TILE];
                self.heads.push(head);
                self.triangle[step * k + row] = head.wide();
                new2 -= head.wide().powi(2);
            }
            if new2 <= R::DEPENDENT * own || !new2.is_finite() {
                break;
            }
            let root = new2.sqrt();
            let along = self.alpha[atom].wide() / root;
            self.triangle[step * k + step] = root;
            self.along.push(along);
            self.chosen.push(atom);
            left2 = (left2 - along * along).max(0.0);
            let numbers = (k, R::of(1.0 / root), R::of(along));
            let lanes = advance(self.gram.row(atom), &mut self.basis, &mut self.alpha, &self.heads, numbers);
            (best, atom) = self.next(lanes);
        }
        self.finish(left2, found);
    }

    /// The best of the lanes, the lowest place among equals; chosen atoms are out, whatever rounding left of them.
    fn next(&mut self, (values, tiles): ([R; TILE], [u32; TILE])) -> (f64, usize) {
        for &atom in &self.chosen {
            self.alpha[atom] = R::ZERO;
        }
        let (mut best, mut place) = (-1.0, 0);
        for (lane, (value, tile)) in values.iter().zip(tiles).enumerate() {
            let (value, at) = (value.wide(), tile as usize * TILE + lane);
            if self.chosen.contains(&at) {
                return self.scan();
            }
            if value > best || (value == best && at < place) {
                (best, place) = (value, at);
            }
        }
        (best, place)
    }

    fn scan(&self) -> (f64, usize) {
        let (mut best, mut place) = (R::NONE, 0);
        for (at, value) in self.alpha[..self.gram.n].iter().enumerate() {
            if value.magnitude() > best {
                (best, place) = (value.magnitude(), at);
            }
        }
        (best.wide(), place)
    }

    /// Solves L' x = along from the bottom and files the row.
    fn finish(&self, left2: f64, found: &mut Found) {
        let (k, used) = (self.limits.k, self.chosen.len());
        let mut solution = vec![0.0; k];
        for row in (0..used).rev() {
            let known: f64 = (row + 1..used).map(|later| self.triangle[later * k + row] * solution[later]).sum();
            solution[row] = (self.along[row] - known) / self.triangle[row * k + row];
        }
        found.atoms.extend(self.chosen.iter().map(|&atom| atom as u32));
        found.atoms.resize(found.atoms.len() + k - used, u32::MAX);
        found.coefficients.extend(solution);
        found.used.push(used as u32);
        found.residual2.push(left2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn pursue(atoms: &[[f64; 2]], signal: [f64; 2], k: usize) -> Found {
        let dot = |a: &[f64; 2], b: &[f64; 2]| a[0] * b[0] + a[1] * b[1];
        let mut gram = AnyGram::new(atoms.len(), true).unwrap();
        for atom in atoms {
            gram.push(&bytes(&atoms.iter().map(|other| dot(atom, other)).collect::<Vec<_>>())).unwrap();
        }
        let alpha: Vec<f64> = atoms.iter().map(|atom| dot(atom, &signal)).collect();
        let limits = Limits { k, tolerance: 1e-6 };
        gram.pursue(&bytes(&alpha), &bytes(&[dot(&signal, &signal)]), limits, 2, &mut Silent).unwrap()
    }

    #[test]
    fn an_atom_of_its_own_is_found_alone() {
        let found = pursue(&[[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]], [0.0, 3.0], 2);
        assert_eq!((found.used[0], found.atoms[0]), (1, 1));
        assert!((found.coefficients[0] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn more_atoms_than_the_rank_are_never_used() {
        let found = pursue(&[[1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.3, 0.7]], [0.2, 0.9], 4);
        assert!(found.used[0] <= 2 && found.residual2[0] < 1e-12);
    }

    #[test]
    fn a_zero_signal_needs_no_atom() {
        assert_eq!(pursue(&[[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], 2).used, [0]);
    }
}
