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

# --- encode

class Encoder:
    def __new__(
        cls,
        tokens: bytes,
        offsets: bytes,
        ids: bytes,
        *,
        merges: bytes,
        scheme: str | None,
        unit: str,
        mode: str,
        unk_id: int | None,
        fuse_unk: bool,
        byte_ids: bytes | None,
        prefix: bytes,
        suffix: bytes,
        ignore_merges: bool,
        scores: bytes | None,
        specials: Sequence[tuple[bytes, int]],
        log: bytes | None = None,
    ) -> Encoder: ...
    def encode(self, text: str, allowed: Sequence[int] | None = None, all_allowed: bool = False) -> list[int]: ...
    def encode_bytes(self, text: bytes, allowed: Sequence[int] | None = None, all_allowed: bool = False) -> list[int]: ...
    def encode_with_dropout(
        self, text: str, p: float, seed: int, allowed: Sequence[int] | None = None, all_allowed: bool = False
    ) -> list[int]: ...
    def encode_batch(
        self, texts: Sequence[str], allowed: Sequence[int] | None = None, all_allowed: bool = False, threads: int = 0
    ) -> tuple[bytes, bytes]: ...
    def encode_located(
        self, text: str, allowed: Sequence[int] | None = None, all_allowed: bool = False
    ) -> tuple[bytes, bytes, bytes]: ...
    def decode(self, ids: Sequence[int]) -> bytes: ...
    def decode_buffer(self, ids: bytes) -> bytes: ...
# --- pretok

UNICODE_VERSION: str

def pretokenize(text: bytes, scheme: str) -> list[tuple[int, int]]: ...
def rewrite(text: bytes, scheme: str) -> bytes: ...
def scheme_id(spec: str) -> str: ...
def scheme_names() -> list[str]: ...
def scheme_patterns(spec: str) -> list[str]: ...
