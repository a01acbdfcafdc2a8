"""The event log: the total-ordered list of what training did. It is the tokenizer; the rest is a projection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Kind(IntEnum):
    """What an event does. The numbers are part of the file format: never renumber."""

    MERGE = 0  # left + right -> token, everywhere, left to right
    SPLIT = 1  # token leaves the vocabulary; every occurrence becomes `pieces`
    ADMIT = 2  # token enters the vocabulary without a merge (spans, phrases, given vocabularies)
    FLAG = 3  # token stays for merging but never leaves the encoder (scaffold)
    UNFLAG = 4  # the flag is taken back
    KNOCKOUT = 5  # token leaves the vocabulary; merges that use it take its `pieces` at the same rank


@dataclass(frozen=True)
class Event:
    """One event, unpacked. `left` and `right` are meant for MERGE only, `pieces` for SPLIT and KNOCKOUT."""

    kind: Kind
    token: int
    left: int
    right: int
    count: int
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class Events:
    """The log in columns, one row an event, in order. All token numbers are internal ids.

    kind: uint8 [n]; token, left, right: uint32 [n]; count: uint64 [n], the weight that decided (pair count for
    MERGE, frequency else); pieces: uint32 [m] with piece_offsets uint64 [n + 1].
    """

    kind: NDArray[np.uint8]
    token: NDArray[np.uint32]
    left: NDArray[np.uint32]
    right: NDArray[np.uint32]
    count: NDArray[np.uint64]
    pieces: NDArray[np.uint32]
    piece_offsets: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, index: int) -> Event:
        low, high = int(self.piece_offsets[index]), int(self.piece_offsets[index + 1])
        return Event(
            kind=Kind(int(self.kind[index])),
            token=int(self.token[index]),
            left=int(self.left[index]),
            right=int(self.right[index]),
            count=int(self.count[index]),
            pieces=tuple(self.pieces[low:high].tolist()),
        )

    def __iter__(self) -> Iterator[Event]:
        return (self[index] for index in range(len(self)))

    def merges(self) -> NDArray[np.uint32]:
        """The (left, right, token) rows of all MERGE events in order; uint32 [k, 3]."""
        is_merge = self.kind == Kind.MERGE
        return np.stack([self.left[is_merge], self.right[is_merge], self.token[is_merge]], axis=1)

    def followed_by(self, other: "Events") -> "Events":
        """This log with the events of `other` behind it."""
        return Events(
            kind=np.concatenate([self.kind, other.kind]),
            token=np.concatenate([self.token, other.token]),
            left=np.concatenate([self.left, other.left]),
            right=np.concatenate([self.right, other.right]),
            count=np.concatenate([self.count, other.count]),
            pieces=np.concatenate([self.pieces, other.pieces]),
            piece_offsets=np.concatenate([self.piece_offsets, other.piece_offsets[1:] + self.piece_offsets[-1]]),
        )

    @classmethod
    def from_merges(cls, merges: NDArray[np.uint32], counts: NDArray[np.uint64]) -> "Events":
        """A log of merges only; `merges` is (left, right, token) uint32 [n, 3], `counts` uint64 [n]."""
        n = len(merges)
        rows = np.ascontiguousarray(merges, dtype=np.uint32).reshape(n, 3)
        return cls(
            kind=np.zeros(n, np.uint8),
            token=rows[:, 2].copy(),
            left=rows[:, 0].copy(),
            right=rows[:, 1].copy(),
            count=np.asarray(counts, np.uint64),
            pieces=np.zeros(0, np.uint32),
            piece_offsets=np.zeros(n + 1, np.uint64),
        )

    @classmethod
    def from_list(cls, events: Sequence[Event]) -> "Events":
        """The columns of a list of events."""
        offsets = np.zeros(len(events) + 1, np.uint64)
        np.cumsum([len(event.pieces) for event in events], out=offsets[1:])
        return cls(
            kind=np.array([event.kind for event in events], np.uint8),
            token=np.array([event.token for event in events], np.uint32),
            left=np.array([event.left for event in events], np.uint32),
            right=np.array([event.right for event in events], np.uint32),
            count=np.array([event.count for event in events], np.uint64),
            pieces=np.array([piece for event in events for piece in event.pieces], np.uint32),
            piece_offsets=offsets,
        )
