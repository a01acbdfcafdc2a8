//! A word as places, one an atom, where each token is one step from its neighbours.

use super::atoms::Placed;

/// No place.
pub(super) const END: u32 = u32::MAX;
/// Id of a place inside a token.
pub(super) const INNER: u32 = u32::MAX;

/// The token that starts here, and the places where its neighbours start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub id: u32,
    pub previous: u32,
    pub next: u32,
}

/// Lays out the atoms of a word.
pub(super) fn lay_out(word: &[Placed], places: &mut Vec<Place>) {
    let n = word.len() as u32;
    places.clear();
    places.extend(word.iter().zip(0u32..).map(|(placed, at)| Place {
        id: placed.id,
        previous: if at == 0 { END } else { at - 1 },
        next: if at + 1 == n { END } else { at + 1 },
    }));
}

/// Leaves the tokens in `word`, which holds the atoms.
pub(super) fn collect(places: &[Place], word: &mut Vec<Placed>) {
    let (mut kept, mut at) = (0, 0u32);
    while let Some(here) = places.get(at as usize) {
        let last = if here.next == END { places.len() } else { here.next as usize } - 1;
        word[kept] = Placed { id: here.id, start: word[at as usize].start, end: word[last].end };
        kept += 1;
        at = here.next;
    }
    word.truncate(kept);
}
