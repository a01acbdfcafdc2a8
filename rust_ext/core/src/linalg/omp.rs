//! Batch-OMP: orthogonal matching pursuit of many signals over one set of atoms, exact and in little memory.
//!
//! Rubinstein, Zibulevsky, Elad 2008: with G = A A' the scores A r of a residual are A y - sum_s c_s G[s], so a step
//! costs one row of G for each atom chosen already and no product with all atoms. Signals choose few of the atoms over
//! and over: their rows are made when they are first needed and kept as bytes. What that loses is bounded; all atoms
//! whose coarse score comes within the bound of the best are scored anew from the atoms themselves, in f64. So the
//! choice is that of exact arithmetic, whatever was kept, in whatever order, by however many threads.

use super::screen::{Rows, Start, at_least, combine, largest, padded};
use crate::error::{Error, Result};
use crate::monitor::{Monitor, Silent};
use std::sync::Mutex;

/// Signals handed out at a time.
const BLOCK: usize = 8;
/// What f32 may lose in a score of the screen, as a share of the lengths that were multiplied.
const ROUNDING: f64 = 1e-5;

/// Numbers of atoms and signals: f32, or f64 for few or badly conditioned atoms.
pub trait Real: Copy + Send + Sync {
    /// Below this share of the atom's norm^2 its new part is rounding: the atom depends on those chosen already.
    const DEPENDENT: f64;
    /// A score below this share of both lengths is rounding.
    const NOISE: f64;
    /// The number in f64.
    fn wide(self) -> f64;
}

impl Real for f32 {
    const DEPENDENT: f64 = 1e-7;
    const NOISE: f64 = 1e-6;
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const DEPENDENT: f64 = 1e-14;
    const NOISE: f64 = 1e-13;
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

/// When to stop looking for atoms.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// At most so many atoms for a signal.
    pub k: usize,
    /// Enough when |residual| <= tolerance * |signal|.
    pub tolerance: f64,
}

/// What was found: signal by signal `k` places, of which the first `used` count.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Chosen atoms in order of choice; `u32::MAX` where unused.
    pub atoms: Vec<u32>,
    /// Their coefficients; 0 where unused.
    pub coefficients: Vec<f64>,
    /// Number of atoms of each signal.
    pub used: Vec<u32>,
    /// |residual| / |signal| of each signal, 0 for a zero signal.
    pub residual: Vec<f64>,
}

/// Signals over atoms, step by step: `add` signals; until `missing` says that all are done, `fill` the rows that it
/// names and `step`; `take` what was found.
pub struct Pursuit<R> {
    atoms: Atoms<R>,
    limits: Limits,
    rows: Rows,
    signals: Vec<Signal<R>>,
    active: usize,
    asked: Vec<u64>,
    round: u64,
}

struct Atoms<R> {
    d: usize,
    values: Vec<R>,
    norm2: Vec<f64>,
    longest: f64,
}

impl<R: Real> Atoms<R> {
    #[inline(always)]
    fn row(&self, atom: u32) -> &[R] {
        &self.values[atom as usize * self.d..(atom as usize + 1) * self.d]
    }
}

impl<R: Real> Pursuit<R> {
    /// Over `values`, atoms of `d` numbers each, keeping the Gram rows of at most `rows` atoms (no fewer than k).
    pub fn new(values: Vec<R>, d: usize, rows: usize, limits: Limits) -> Result<Self> {
        let n = values.len().checked_div(d).unwrap_or(0);
        if n == 0 || n * d != values.len() || n >= u32::MAX as usize || limits.k == 0 {
            let shape = format!("{} numbers in rows of {d}, k = {}", values.len(), limits.k);
            return Err(Error::Usage(format!("a pursuit needs whole atoms and k >= 1, got {shape}")));
        }
        let limits = Limits { k: limits.k.min(n), ..limits };
        let norm2: Vec<f64> = values.chunks_exact(d).map(norm2).collect();
        let longest = norm2.iter().fold(0.0_f64, |most, value| most.max(*value)).sqrt();
        let rows = Rows::new(n, rows.max(limits.k));
        let atoms = Atoms { d, values, norm2, longest };
        Ok(Self { atoms, limits, rows, signals: Vec::new(), active: 0, asked: vec![0; n], round: 0 })
    }

    /// Adds signals of `d` numbers each, with their products with all atoms.
    pub fn add(&mut self, wanted: &[R], scores: impl ExactSizeIterator<Item = f32> + Clone) -> Result<()> {
        let (d, n) = (self.atoms.d, self.atoms.norm2.len());
        let signals = wanted.len() / d;
        if wanted.len() != signals * d || scores.len() != signals * n {
            let got = format!("{} numbers and {} scores", wanted.len(), scores.len());
            return Err(Error::Usage(format!("signals of {d} numbers with {n} scores each expected, got {got}")));
        }
        for (place, values) in wanted.chunks_exact(d).enumerate() {
            let start = Start::of(scores.clone().skip(place * n).take(n), n);
            self.signals.push(Signal::new(values.to_vec(), start));
        }
        Ok(())
    }

    /// Atoms whose Gram rows the next step needs and has not, ascending; None when all signals are done.
    ///
    /// Where there is no room for the rows that all signals need, the first ones go ahead.
    pub fn missing(&mut self) -> Option<&[u32]> {
        self.round += 1;
        let (mut needed, mut is_any) = (Vec::new(), false);
        self.active = self.signals.len();
        for (place, signal) in self.signals.iter().enumerate().filter(|(_, signal)| !signal.is_done) {
            let fresh: Vec<u32> =
                signal.chosen.iter().copied().filter(|&atom| self.asked[atom as usize] < self.round).collect();
            if needed.len() + fresh.len() > self.rows.capacity() {
                self.active = place;
                break;
            }
            fresh.iter().for_each(|&atom| self.asked[atom as usize] = self.round);
            needed.extend(fresh);
            is_any = true;
        }
        needed.sort_unstable();
        is_any.then(|| self.rows.need(&needed))
    }

    /// The Gram rows of `atoms`, each a product of the atom with all atoms.
    pub fn fill(&mut self, atoms: &[u32], values: impl ExactSizeIterator<Item = f32>) -> Result<()> {
        let n = self.atoms.norm2.len();
        if values.len() != atoms.len() * n || atoms.iter().any(|&atom| atom as usize >= n) {
            let got = format!("{} numbers for {} atoms", values.len(), atoms.len());
            return Err(Error::Usage(format!("Gram rows of {n} numbers expected, got {got}")));
        }
        let (mut row, mut values) = (Vec::with_capacity(n), values);
        for &atom in atoms {
            row.clear();
            row.extend(values.by_ref().take(n));
            self.rows.fill(atom, &row);
        }
        Ok(())
    }

    /// Every signal that `missing` let go ahead chooses atoms until it is done or lacks a row.
    pub fn step(&mut self, threads: usize, monitor: &mut dyn Monitor) -> Result<()> {
        let (atoms, rows, limits) = (&self.atoms, &self.rows, self.limits);
        let mut open: Vec<&mut Signal<R>> =
            self.signals[..self.active].iter_mut().filter(|signal| !signal.is_done).collect();
        let parts = open.len().div_ceil(BLOCK);
        let queue = Mutex::new(open.chunks_mut(BLOCK));
        let work = |monitor: &mut dyn Monitor| -> Result<()> {
            let mut scratch = Scratch::new(atoms);
            loop {
                let next = queue.lock().map_err(|_| Error::Internal("a worker panicked".into()))?.next();
                let Some(part) = next else { return Ok(()) };
                monitor.poll("pursue", 0, 0)?;
                for signal in part {
                    advance(signal, atoms, rows, limits, &mut scratch);
                    // What a signal's steps need stays in the processor's cache while it runs alone.
                    while !signal.is_done && signal.chosen.last().is_none_or(|&atom| rows.has(atom)) {
                        advance(signal, atoms, rows, limits, &mut scratch);
                    }
                }
            }
        };
        let work = &work;
        std::thread::scope(|scope| {
            let others = threads.min(parts).saturating_sub(1);
            let handles: Vec<_> = (0..others).map(|_| scope.spawn(move || work(&mut Silent))).collect();
            let own = work(monitor);
            handles.into_iter().fold(own, |all, handle| {
                all.and(handle.join().unwrap_or_else(|_| Err(Error::Internal("a worker panicked".into()))))
            })
        })
    }

    /// What was found for the signals added since the last time, in their order; the rows are kept.
    pub fn take(&mut self) -> Found {
        let (k, mut found) = (self.limits.k, Found::default());
        for signal in self.signals.drain(..) {
            let used = signal.chosen.len();
            found.used.push(used as u32);
            found.atoms.extend(signal.chosen);
            found.atoms.resize(found.atoms.len() + k - used, u32::MAX);
            found.coefficients.extend(signal.coefficients);
            found.coefficients.resize(found.coefficients.len() + k - used, 0.0);
            found.residual.push(if signal.norm2 > 0.0 { (signal.left2 / signal.norm2).sqrt() } else { 0.0 });
        }
        found
    }
}

/// `triangle` is the Cholesky factor of the chosen atoms' Gram matrix, row by row; `along` their products with y.
struct Signal<R> {
    wanted: Vec<R>,
    norm2: f64,
    left2: f64,
    start: Start,
    chosen: Vec<u32>,
    triangle: Vec<f64>,
    along: Vec<f64>,
    coefficients: Vec<f64>,
    is_done: bool,
}

impl<R: Real> Signal<R> {
    fn new(wanted: Vec<R>, start: Start) -> Self {
        let norm2 = norm2(&wanted);
        Self {
            wanted,
            norm2,
            left2: norm2,
            start,
            chosen: Vec::new(),
            triangle: Vec::new(),
            along: Vec::new(),
            coefficients: Vec::new(),
            is_done: norm2 <= 0.0 || !norm2.is_finite(),
        }
    }
}

/// One thread's.
struct Scratch {
    scores: Vec<f32>,
    places: Vec<u32>,
    residual: Vec<f64>,
    heads: Vec<f64>,
}

impl Scratch {
    fn new<R>(atoms: &Atoms<R>) -> Self {
        let scores = vec![0.0; padded(atoms.norm2.len())];
        Self { scores, places: Vec::new(), residual: vec![0.0; atoms.d], heads: Vec::new() }
    }
}

/// `advance_body` with the widest vectors of this processor. No fused multiply-add: the same sums on every machine.
fn advance<R: Real>(signal: &mut Signal<R>, atoms: &Atoms<R>, rows: &Rows, limits: Limits, scratch: &mut Scratch) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only thing that the callee asks for.
        return unsafe { advance_avx2(signal, atoms, rows, limits, scratch) };
    }
    advance_body(signal, atoms, rows, limits, scratch);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn advance_avx2<R: Real>(signal: &mut Signal<R>, atoms: &Atoms<R>, rows: &Rows, limits: Limits, scratch: &mut Scratch) {
    advance_body(signal, atoms, rows, limits, scratch);
}

#[inline(always)]
fn advance_body<R: Real>(signal: &mut Signal<R>, atoms: &Atoms<R>, rows: &Rows, limits: Limits, scratch: &mut Scratch) {
    signal.is_done = true;
    residual(signal, atoms, &mut scratch.residual);
    let Some((score, atom)) = best(signal, atoms, rows, scratch) else { return };
    let own = atoms.norm2[atom as usize];
    if score <= R::NOISE * (own * signal.norm2).sqrt() {
        return;
    }
    // L h = (products of the new atom with those chosen): h is the new row of the triangle.
    scratch.heads.clear();
    let (mut new2, row) = (own, atoms.row(atom));
    for (place, &other) in signal.chosen.iter().enumerate() {
        let line = &signal.triangle[place * (place + 1) / 2..][..place + 1];
        let known: f64 = line.iter().zip(&scratch.heads).map(|(a, b)| a * b).sum();
        let head = (product(atoms.row(other), row) - known) / line[place];
        scratch.heads.push(head);
        new2 -= head * head;
    }
    if new2 <= R::DEPENDENT * own || !new2.is_finite() {
        return;
    }
    signal.triangle.extend_from_slice(&scratch.heads);
    signal.triangle.push(new2.sqrt());
    signal.along.push(product(row, &signal.wanted));
    signal.chosen.push(atom);
    solve(signal);
    residual(signal, atoms, &mut scratch.residual);
    signal.left2 = scratch.residual.iter().map(|value| value * value).sum();
    signal.is_done = signal.chosen.len() == limits.k || signal.left2 <= limits.tolerance.powi(2) * signal.norm2;
}

/// The atom with the largest |<r, a>| and that score, the lowest atom among equals; None where all are zero.
#[inline(always)]
fn best<R: Real>(signal: &Signal<R>, atoms: &Atoms<R>, rows: &Rows, scratch: &mut Scratch) -> Option<(f64, u32)> {
    let (mut bound, mut lengths) = (f64::from(signal.start.step) / 2.0, signal.norm2.sqrt());
    let mut weighted = Vec::with_capacity(signal.chosen.len());
    for (&atom, weight) in signal.chosen.iter().zip(&signal.coefficients) {
        let (row, step) = rows.row(atom);
        weighted.push((row, (weight * f64::from(step)) as f32));
        bound += weight.abs() * f64::from(step) / 2.0;
        lengths += weight.abs() * atoms.norm2[atom as usize].sqrt();
    }
    bound += ROUNDING * lengths * atoms.longest;
    combine(&signal.start, &weighted, &mut scratch.scores);
    for &atom in &signal.chosen {
        scratch.scores[atom as usize] = 0.0;
    }
    let least = f64::from(largest(&scratch.scores)) - 2.0 * bound;
    at_least(&scratch.scores, least.max(0.0) as f32, &mut scratch.places);
    let (mut score, mut found) = (0.0, None);
    for &place in scratch.places.iter().take_while(|&&place| (place as usize) < atoms.norm2.len()) {
        let value = against(atoms.row(place), &scratch.residual).abs();
        if value > score && !signal.chosen.contains(&place) {
            (score, found) = (value, Some((value, place)));
        }
    }
    found
}

/// y - sum c a, in f64.
#[inline(always)]
fn residual<R: Real>(signal: &Signal<R>, atoms: &Atoms<R>, out: &mut [f64]) {
    for (out, value) in out.iter_mut().zip(&signal.wanted) {
        *out = value.wide();
    }
    for (&atom, &weight) in signal.chosen.iter().zip(&signal.coefficients) {
        for (out, value) in out.iter_mut().zip(atoms.row(atom)) {
            *out -= weight * value.wide();
        }
    }
}

/// L z = along, L' c = z.
#[inline(always)]
fn solve<R>(signal: &mut Signal<R>) {
    let used = signal.chosen.len();
    let line = |row: usize| row * (row + 1) / 2;
    let (triangle, solution) = (&signal.triangle, &mut signal.coefficients);
    solution.clear();
    for row in 0..used {
        let known: f64 = triangle[line(row)..].iter().zip(solution.iter()).map(|(a, b)| a * b).sum();
        solution.push((signal.along[row] - known) / triangle[line(row) + row]);
    }
    for row in (0..used).rev() {
        let known: f64 = (row + 1..used).map(|later| triangle[line(later) + row] * solution[later]).sum();
        solution[row] = (solution[row] - known) / triangle[line(row) + row];
    }
}

const LANES: usize = 8;

/// The sum over `LANES` partial sums: vectors of any width give the same.
#[inline(always)]
fn sum_of(left: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; LANES];
    for (place, value) in left.enumerate() {
        sums[place % LANES] += value;
    }
    sums.iter().sum()
}

#[inline(always)]
fn product<R: Real>(left: &[R], right: &[R]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, b) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest = sum_of(a.remainder().iter().zip(b.remainder()).map(|(x, y)| x.wide() * y.wide()));
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane].wide() * b[lane].wide();
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[inline(always)]
fn against<R: Real>(left: &[R], right: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, b) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest = sum_of(a.remainder().iter().zip(b.remainder()).map(|(x, y)| x.wide() * y));
    for (a, b) in a.zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane].wide() * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

fn norm2<R: Real>(values: &[R]) -> f64 {
    product(values, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a pursuit the way its caller does; `rows` bounds the Gram rows kept.
    fn pursue<const D: usize>(atoms: &[[f64; D]], signals: &[[f64; D]], k: usize, rows: usize) -> Found {
        let dot = |a: &[f64; D], b: &[f64; D]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() as f32;
        let limits = Limits { k, tolerance: 1e-6 };
        let mut pursuit = Pursuit::new(atoms.as_flattened().to_vec(), D, rows, limits).unwrap();
        let scores: Vec<f32> = signals.iter().flat_map(|y| atoms.iter().map(move |a| dot(a, y))).collect();
        pursuit.add(signals.as_flattened(), scores.iter().copied()).unwrap();
        while let Some(missing) = pursuit.missing() {
            let missing = missing.to_vec();
            let values: Vec<f32> =
                missing.iter().flat_map(|&a| atoms.iter().map(move |b| dot(&atoms[a as usize], b))).collect();
            pursuit.fill(&missing, values.iter().copied()).unwrap();
            pursuit.step(2, &mut Silent).unwrap();
        }
        pursuit.take()
    }

    #[test]
    fn an_atom_of_its_own_is_found_alone() {
        let found = pursue(&[[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]], &[[0.0, 3.0]], 2, 3);
        assert_eq!((found.used[0], found.atoms[0]), (1, 1));
        assert!((found.coefficients[0] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn more_atoms_than_the_rank_are_never_used() {
        let found = pursue(&[[1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.3, 0.7]], &[[0.2, 0.9]], 4, 4);
        assert!(found.used[0] <= 2 && found.residual[0] < 1e-6);
    }

    #[test]
    fn a_zero_signal_needs_no_atom() {
        assert_eq!(pursue(&[[1.0, 0.0], [0.0, 1.0]], &[[0.0, 0.0]], 2, 2).used, [0]);
    }

    #[test]
    fn the_rows_that_there_is_room_for_do_not_matter() {
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1 << 23) as f64 - 1.0
        };
        let atoms: Vec<[f64; 12]> = (0..150).map(|_| std::array::from_fn(|_| draw())).collect();
        let signals: Vec<[f64; 12]> = (0..40).map(|_| std::array::from_fn(|_| draw())).collect();
        let all = pursue(&atoms, &signals, 6, 150);
        assert_eq!(all, pursue(&atoms, &signals, 6, 6));
        assert_eq!(all, pursue(&atoms, &signals, 6, 20));
        assert!(all.used.iter().all(|&used| used == 6));
    }
}
