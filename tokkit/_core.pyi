"""The compiled core. Private: use the functions of the `tokkit` package."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypedDict, final

__all__ = [
    "UNICODE_VERSION",
    "ByteLm",
    "ChanceCuts",
    "CountTable",
    "Counter",
    "Encoder",
    "HyperBooks",
    "HyperCodec",
    "HyperRow",
    "HyperRows",
    "NgramCounts",
    "Pretokens",
    "Pursuit",
    "RunTrainer",
    "SpanWords",
    "SuperwordSession",
    "TrainSession",
    "__version__",
    "affixed_atoms",
    "character_counts",
    "count_tokens",
    "fold_documents",
    "increment",
    "invalid_document",
    "invalid_utf8",
    "join_texts",
    "line_offsets",
    "lzw_phrases",
    "merge_tail",
    "nearest_by_edits",
    "pretoken_starts",
    "pretokenize",
    "rewrite",
    "run_picky",
    "run_scaffold",
    "scheme_id",
    "scheme_names",
    "scheme_patterns",
    "sections",
]

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

def sections(
    blob: bytes, offsets: bytes, *, weight: float = 1.0, specials: Sequence[bytes] = ...
) -> tuple[list[tuple[int, bytes, bytes]], list[int], int]: ...
def line_offsets(text: bytes) -> bytes: ...
def invalid_utf8(text: bytes) -> int | None: ...
def invalid_document(blob: bytes, offsets: bytes) -> tuple[int, int] | None: ...

# --- encode

@final
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
        cutter: Pretokens | None = None,
        superwords: bytes | None = None,
        ngrams: bytes | None = None,
    ) -> Encoder: ...
    def encode(self, text: str, allowed: Sequence[int] | None = None, all_allowed: bool = False) -> list[int]: ...
    def encode_bytes(
        self, text: bytes, allowed: Sequence[int] | None = None, all_allowed: bool = False
    ) -> list[int]: ...
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
    def take_apart(self, ids: Sequence[int]) -> bytes: ...

# --- metrics

def join_texts(texts: Sequence[str]) -> tuple[bytes, bytes, int]: ...
def count_tokens(ids: bytes, size: int) -> bytes: ...
def fold_documents(
    data: bytes, byte_ends: bytes, ids: bytes, token_ends: bytes, blob: bytes, lengths: bytes, flags: bytes
) -> bytes | None: ...

# --- pretok

UNICODE_VERSION: str

def pretokenize(text: bytes, scheme: str) -> list[tuple[int, int]]: ...
def rewrite(text: bytes, scheme: str) -> bytes: ...
def scheme_id(spec: str) -> str: ...
def scheme_names() -> list[str]: ...
def scheme_patterns(spec: str) -> list[str]: ...

# --- train

_Merged: TypeAlias = tuple[int, int, int, int, int, bool]
_Hook: TypeAlias = Callable[[int, int, int, int, int, bool], object]
_Progress: TypeAlias = Callable[[str, int, int], object]

def character_counts(counts: CountTable) -> list[tuple[str, int, int]]: ...
def affixed_atoms(
    counts: CountTable, alphabet: Sequence[bytes], *, unit: str, prefix: bytes, suffix: bytes
) -> list[bytes]: ...

@final
class TrainSession:
    """Training in steps over one count table. Merges are (left, right, token, count, replaced, is_growth)."""

    def __new__(
        cls,
        counts: CountTable,
        *,
        keys: Sequence[bytes],
        atom_ids: Sequence[int],
        unit: str = "byte",
        prefix: bytes = ...,
        suffix: bytes = ...,
        block_unknown: bool = False,
        tie: str = "hf",
        max_token_length: int | None = None,
        sentencepiece_rules: tuple[int, bool, bool, bool, bool] | None = None,
        min_frequency: int = 0,
        is_unique: bool = False,
        keeps_specials: bool = False,
        can_split: bool = False,
        progress: _Progress | None = None,
    ) -> TrainSession: ...
    def best(self) -> tuple[int, int, int] | None: ...
    def merge(self, left: int, right: int) -> _Merged: ...
    def run(self, vocab_size: int, *, hook: _Hook | None = None, progress: _Progress | None = None) -> bool: ...
    def replay(self, merges: Sequence[tuple[int, int]], *, progress: _Progress | None = None) -> None: ...
    def veto(self, left: int, right: int) -> None: ...
    def remove(self, token: int) -> list[int]: ...
    def flag(self, token: int) -> None: ...
    def unflag(self, token: int) -> None: ...
    def pieces(self, token: int) -> list[int]: ...
    def frequency(self, token: int) -> int: ...
    def frequencies(self) -> bytes: ...
    def pair_count(self, left: int, right: int) -> int: ...
    def was_seen(self, left: int, right: int) -> bool: ...
    def token_bytes(self, token: int) -> bytes: ...
    def tokens(self) -> list[bytes]: ...
    def length(self, token: int) -> int: ...
    def is_present(self, token: int) -> bool: ...
    def parents(self, token: int) -> tuple[int, int] | None: ...
    @property
    def n_events(self) -> int: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def n_present(self) -> int: ...
    def segmentation(self) -> tuple[bytes, bytes, bytes]: ...
    def events(self) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]: ...

# --- variants

def run_picky(
    session: TrainSession,
    vocab_size: int,
    *,
    threshold: float,
    comparison: str,
    self_pair_ios: str,
    max_events: int,
    progress: _Progress | None = None,
) -> bool: ...
def run_scaffold(
    session: TrainSession, vocab_size: int, *, min_frequency: int = 0, progress: _Progress | None = None
) -> bool: ...

# --- edit distances

def nearest_by_edits(wanted: Sequence[bytes], strings: Sequence[bytes], *, progress: _Progress | None = None) -> bytes:
    """For each wanted word the place (u32) of the nearest string."""

# --- superword

@final
class SuperwordSession:
    """The second stage of superword training. `options` is a mapping with one key for each rule."""

    @staticmethod
    def from_chunks(
        counts: CountTable,
        tokens: Sequence[bytes],
        byte_ids: bytes,
        merges: bytes,
        options: Mapping[str, object],
        *,
        progress: _Progress | None = None,
    ) -> SuperwordSession: ...
    @staticmethod
    def after(
        session: TrainSession, options: Mapping[str, object], *, progress: _Progress | None = None
    ) -> SuperwordSession: ...
    def run(self, vocab_size: int, *, progress: _Progress | None = None) -> bool: ...
    def merges(self) -> tuple[bytes, bytes]: ...
    def tokens(self) -> list[bytes]: ...
    def stats(self) -> dict[str, int]: ...

@final
class RunTrainer:
    """Pair merging by the rule of BoundlessBPE, over pretokens in bytes or over runs of pretokens."""

    @staticmethod
    def over_bytes(
        counts: CountTable, *, can_remove: bool = False, progress: _Progress | None = None
    ) -> RunTrainer: ...
    @staticmethod
    def over_pretokens(
        counts: CountTable, tokens: Sequence[bytes], *, progress: _Progress | None = None
    ) -> RunTrainer: ...
    def best(self) -> tuple[int, int, int] | None: ...
    def merge(self, left: int, right: int) -> tuple[int, int, bool]: ...
    def remove(self, token: int, pieces: Sequence[int]) -> int: ...
    def uses(self, token: int) -> int: ...
    def tokens(self) -> list[bytes]: ...
    def __len__(self) -> int: ...

@final
class Pretokens:
    """Cuts texts as BoundlessBPE does. Offsets are u64, little-endian."""

    def __new__(
        cls, main: str, candidate: str, *, special: str | None = None, scripts: Sequence[str] = ...
    ) -> Pretokens: ...
    def cut(self, text: bytes) -> list[tuple[int, int]]: ...
    def is_candidate(self, pretoken: bytes) -> bool: ...
    def words(self, blob: bytes, offsets: bytes) -> tuple[bytes, bytes]: ...
    def runs(self, blob: bytes, offsets: bytes) -> tuple[bytes, bytes]: ...

@final
class ChanceCuts:
    """Cuts texts into the chunks of supertokens. Offsets are u64, little-endian."""

    def __new__(cls, scheme: str, *, p_cut: float, max_words: int, seed: int) -> ChanceCuts: ...
    def cut(self, blob: bytes, offsets: bytes, first: int) -> tuple[bytes, bytes]: ...

# --- transplant

@final
class Pursuit:
    """Orthogonal matching pursuit of signals over a set of atoms (f32 or f64), step by step."""

    def __new__(
        cls, atoms: bytes, width: int, *, k: int, tolerance: float, rows: int, is_double: bool = False
    ) -> Pursuit: ...
    def add(self, signals: bytes, scores: bytes) -> None: ...
    def missing(self) -> bytes | None: ...
    def fill(self, atoms: bytes, values: bytes) -> None: ...
    def step(self, *, threads: int = 1) -> None: ...
    def take(self) -> tuple[bytes, bytes, bytes, bytes]: ...

# --- hyper

@final
class HyperRows:
    """Numbers u32, offsets u64."""

    def __new__(cls, ids: bytes, offsets: bytes) -> HyperRows: ...
    @staticmethod
    def of(rows: Sequence[object]) -> HyperRows | None: ...
    def __len__(self) -> int: ...
    def ids(self) -> memoryview: ...
    def offsets(self) -> bytes: ...

@final
class HyperBooks:
    """Row: codes u32, offsets u64, ids u32."""

    def __len__(self) -> int: ...
    def row(self, row: int) -> tuple[bytes, bytes, bytes]: ...

@final
class HyperCodec:
    def __new__(cls, base: int, capacity: int, longest: int, disabled: Sequence[int], policy: str) -> HyperCodec: ...
    def encode_batch(
        self, rows: HyperRows, *, limit: int | None = None, with_books: bool, threads: int = 0
    ) -> tuple[HyperRows, HyperBooks]: ...
    def decode_batch(
        self, rows: HyperRows, *, tolerant: bool, with_books: bool, threads: int = 0
    ) -> tuple[HyperRows, HyperBooks]: ...
    def encode_some(self, ids: bytes, limit: int) -> tuple[HyperRows, int, HyperBooks]: ...
    def lists(self, rows: HyperRows) -> list[list[int]]: ...

@final
class HyperRow:
    def __new__(cls, codec: HyperCodec, kind: str) -> HyperRow: ...
    def push(self, ids: bytes) -> bytes: ...
    def finish(self) -> bytes: ...
    def clear(self) -> None: ...
    def book(self) -> HyperBooks: ...
    def learnt(self, start: int) -> list[tuple[int, list[int]]]: ...
    def phrase(self, code: int) -> list[int] | None: ...

# --- lzw

def lzw_phrases(
    blob: bytes,
    offsets: bytes,
    counts: bytes | None,
    *,
    vocab_size: int,
    max_length: int,
    keep: float,
    min_count: int,
    shortest: bool,
    progress: Callable[[str, int, int], object] | None = None,
) -> tuple[list[bytes], bytes, bytes, list[int]]: ...

# --- bytelm

@final
class SpanWords:
    def __new__(
        cls,
        blob: bytes,
        offsets: bytes,
        counts: bytes,
        starts: bytes,
        marks: bytes,
        *,
        progress: Callable[[str, int, int], object] | None = None,
    ) -> SpanWords: ...
    def words(self) -> list[tuple[list[bytes], int]]: ...
    def spans(self, typed: bool) -> list[tuple[bool, bytes, int]]: ...
    def sequences(
        self, known: Sequence[tuple[bool, bytes]], n_base: int, typed: bool
    ) -> tuple[bytes, bytes, bytes]: ...

def pretoken_starts(blob: bytes, offsets: bytes, scheme: str) -> bytes: ...
def merge_tail(
    ids: bytes,
    offsets: bytes,
    counts: bytes,
    *,
    known: list[tuple[bool, bytes]],
    wanted: int,
    lossy: bool,
    progress: Callable[[str, int, int], object] | None = None,
) -> list[tuple[bool, bytes, int]]: ...

@final
class NgramCounts:
    def __new__(cls, order: int) -> NgramCounts: ...
    def add(
        self,
        blob: bytes,
        offsets: bytes,
        times: bytes | None = None,
        progress: Callable[[str, int, int], object] | None = None,
    ) -> None: ...
    def freeze(self, min_count: int = 1) -> ByteLm: ...

@final
class ByteLm:
    @staticmethod
    def from_bytes(data: bytes) -> ByteLm: ...
    def to_bytes(self) -> bytes: ...
    @property
    def order(self) -> int: ...
    def __len__(self) -> int: ...
    def signals(
        self,
        blob: bytes,
        offsets: bytes,
        *,
        surprisal: bool,
        entropy: bool,
        threads: int = 0,
        progress: Callable[[str, int, int], object] | None = None,
    ) -> tuple[bytes, bytes]: ...

def increment(
    blob: bytes,
    offsets: bytes,
    counts: bytes,
    starts: bytes,
    order: bytes,
    *,
    known: list[tuple[bool, bytes]],
    wanted: int,
    min_count: int,
    typed: bool,
    reference: bool,
    progress: Callable[[str, int, int], object] | None = None,
) -> tuple[list[tuple[bool, bytes, int]], list[tuple[int, int]]]: ...
