from collections.abc import Sequence

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
