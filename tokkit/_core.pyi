"""The compiled core. Private: use the functions of the `tokkit` package."""

from collections.abc import Callable, Sequence
from typing import TypedDict, final

__version__: str

# --- count

@final
class CountTable:
    """Distinct pretokens with their counts, sorted by bytes. Buffers of numbers are u64, little-endian."""

    @staticmethod
    def from_buffers(blob: bytes, offsets: bytes, counts: bytes, first: bytes | None = None) -> CountTable: ...
    @staticmethod
    def merge(tables: Sequence[CountTable]) -> CountTable: ...
    def blob(self) -> bytes: ...
    def offsets(self) -> bytes: ...
    def counts(self) -> bytes: ...
    def first(self) -> bytes | None: ...
    def __len__(self) -> int: ...

class _CountStats(TypedDict):
    documents: int
    documents_left_out: int
    bytes: int
    pretokens: int
    longest: int
    long_pretokens: int
    runs: int
    specials: list[int]

@final
class Counter:
    """Counts pretokens on threads of its own while Python reads."""

    def __new__(
        cls,
        scheme: str,
        *,
        threads: int,
        memory_bytes: int,
        spill_dir: str | None = None,
        track_first: bool = False,
        specials: Sequence[bytes] = ...,
    ) -> Counter: ...
    def add(self, blob: bytes, offsets: bytes, *, weight: float = 1.0) -> None: ...
    def finish(self, progress: Callable[[str, int, int], object] | None = None) -> tuple[CountTable, _CountStats]: ...

def line_offsets(text: bytes) -> bytes: ...
def invalid_utf8(text: bytes) -> int | None: ...
def invalid_document(blob: bytes, offsets: bytes) -> tuple[int, int] | None: ...
