//! Coarse scores of all atoms: rows of the Gram matrix as one byte a number, with a bound of what that loses.

/// Columns of one tile: its sums stay in registers.
const TILE: usize = 64;
const NOWHERE: u32 = u32::MAX;

/// The length of a row of `n` numbers, filled up to whole tiles.
pub(super) fn padded(n: usize) -> usize {
    n.div_ceil(TILE) * TILE
}

/// Gram rows of atoms used lately, at most `capacity` of them; `step` is what one unit of a row's bytes is worth.
pub(super) struct Rows {
    width: usize,
    capacity: usize,
    values: Vec<i8>,
    step: Vec<f32>,
    atom: Vec<u32>,
    stamp: Vec<u64>,
    place: Vec<u32>,
    now: u64,
    pending: Vec<u32>,
}

impl Rows {
    /// Room for rows of `n` atoms, of which it never holds more than `capacity`.
    pub(super) fn new(n: usize, capacity: usize) -> Self {
        Self {
            width: padded(n),
            capacity: capacity.min(n),
            values: Vec::new(),
            step: Vec::new(),
            atom: Vec::new(),
            stamp: Vec::new(),
            place: vec![NOWHERE; n],
            now: 0,
            pending: Vec::new(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Begins a step that needs these atoms, no more than there is room for; returns those whose rows must be filled.
    pub(super) fn need(&mut self, atoms: &[u32]) -> &[u32] {
        self.now += 1;
        self.pending.clear();
        for &atom in atoms {
            match self.place[atom as usize] {
                NOWHERE => self.pending.push(atom),
                slot => self.stamp[slot as usize] = self.now,
            }
        }
        let mut idle: Vec<u32> = (0..self.atom.len() as u32).filter(|&s| self.stamp[s as usize] < self.now).collect();
        // Those unused for the longest time go first; the slot decides among equals.
        idle.sort_unstable_by_key(|&slot| (self.stamp[slot as usize], slot));
        let free = self.capacity - self.atom.len();
        let mut evicted = idle.into_iter();
        for (number, &atom) in self.pending.iter().enumerate() {
            let slot = if number < free {
                self.values.resize(self.values.len() + self.width, 0);
                self.atom.push(atom);
                self.step.push(0.0);
                self.stamp.push(self.now);
                self.atom.len() as u32 - 1
            } else if let Some(slot) = evicted.next() {
                self.place[self.atom[slot as usize] as usize] = NOWHERE;
                self.atom[slot as usize] = atom;
                self.stamp[slot as usize] = self.now;
                slot
            } else {
                break;
            };
            self.place[atom as usize] = slot;
        }
        &self.pending
    }

    /// Files the row of one of the pending atoms; the atom's own column is left out, it is never looked at.
    pub(super) fn fill(&mut self, atom: u32, row: &[f32]) {
        let slot = self.place[atom as usize] as usize;
        let own = atom as usize;
        let most = |part: &[f32]| part.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let largest = most(&row[..own]).max(most(&row[own + 1..]));
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let bytes = &mut self.values[slot * self.width..(slot + 1) * self.width];
        for (byte, value) in bytes.iter_mut().zip(row) {
            *byte = rounded(value * inverse) as i8;
        }
        bytes[own] = 0;
        self.step[slot] = largest / 127.0;
    }

    /// Whether the row of an atom is there.
    pub(super) fn has(&self, atom: u32) -> bool {
        self.place[atom as usize] != NOWHERE
    }

    /// (bytes, worth of one unit) of an atom's row.
    pub(super) fn row(&self, atom: u32) -> (&[i8], f32) {
        let slot = self.place[atom as usize] as usize;
        (&self.values[slot * self.width..(slot + 1) * self.width], self.step[slot])
    }
}

/// The nearest whole number; the library's own call is slow where the processor's instruction cannot be assumed.
#[inline(always)]
fn rounded(value: f32) -> i32 {
    (value + 0.5_f32.copysign(value)) as i32
}

/// Scores of a signal at the start, in units of `step`.
pub(super) struct Start {
    pub(super) values: Vec<i16>,
    pub(super) step: f32,
}

impl Start {
    /// From `n` scores.
    pub(super) fn of(scores: impl Iterator<Item = f32> + Clone, n: usize) -> Self {
        let largest = scores.clone().fold(0.0_f32, |most, value| most.max(value.abs()));
        let inverse = if largest > 0.0 { 32767.0 / largest } else { 0.0 };
        let mut values: Vec<i16> = Vec::with_capacity(padded(n));
        values.extend(scores.map(|value| rounded(value * inverse) as i16));
        values.resize(padded(n), 0);
        Self { values, step: largest / 32767.0 }
    }
}

/// `out = start - sum weight * row`, tile by tile.
#[inline(always)]
pub(super) fn combine(start: &Start, rows: &[(&[i8], f32)], out: &mut [f32]) {
    for (number, (out, from)) in out.chunks_exact_mut(TILE).zip(start.values.chunks_exact(TILE)).enumerate() {
        let mut sum = [0.0_f32; TILE];
        for (sum, &value) in sum.iter_mut().zip(from) {
            *sum = f32::from(value) * start.step;
        }
        for (row, weight) in rows {
            for (sum, &value) in sum.iter_mut().zip(&row[number * TILE..(number + 1) * TILE]) {
                *sum -= f32::from(value) * weight;
            }
        }
        out.copy_from_slice(&sum);
    }
}

/// The largest magnitude.
#[inline(always)]
pub(super) fn largest(scores: &[f32]) -> f32 {
    let mut most = [0.0_f32; TILE];
    for tile in scores.chunks_exact(TILE) {
        for (most, value) in most.iter_mut().zip(tile) {
            *most = if value.abs() > *most { value.abs() } else { *most };
        }
    }
    most.into_iter().fold(0.0, f32::max)
}

/// Places of all magnitudes of at least `least`, ascending.
#[inline(always)]
pub(super) fn at_least(scores: &[f32], least: f32, places: &mut Vec<u32>) {
    places.clear();
    for (number, tile) in scores.chunks_exact(TILE).enumerate() {
        let mut any = false;
        for value in tile {
            any |= value.abs() >= least;
        }
        if any {
            let first = (number * TILE) as u32;
            places.extend((first..).zip(tile).filter(|(_, value)| value.abs() >= least).map(|(place, _)| place));
        }
    }
}
