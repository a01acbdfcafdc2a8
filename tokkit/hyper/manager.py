"""The books of a batch while a model generates: codes in, new hypertokens out."""

from collections.abc import Sequence
from typing import Literal

from tokkit.errors import InputError
from tokkit.hyper.codec import Codebook, HypertokenCodec, HypertokenConfig, Ids, Row


class CodebookManager:
    """One decoder state a row. Not to be shared by threads.

    The API of zip2zip's `CodebookManager`. Deviation: a lone padding id clears the phrase at hand, as decoding does;
    there it is ignored, so that the books of manager and decoder drift apart (bug Z2). `ignore_lone_pad` restores it.
    """

    def __init__(
        self,
        config: HypertokenConfig,
        *,
        mode: Literal["strict", "tolerant"] = "tolerant",
        ignore_lone_pad: bool = False,
    ) -> None:
        """Raises UsageError as `HypertokenCodec` does."""
        self.config = config
        self._codec = HypertokenCodec(config)
        self._mode: Literal["strict", "tolerant"] = mode
        self._ignore_lone_pad = ignore_lone_pad
        self._rows: list[Row] = []
        self._known: list[int] = []

    def update_codebooks(self, codes: Sequence[Ids]) -> tuple[list[list[int]], list[list[int]]]:
        """Takes new codes of every row; returns new entries and their places in the codebook, by row.

        A row of entries is flat: each entry padded to max_subtokens, and the row to max_codebook_size entries at the
        first call, to the most new entries of any row at later ones.

        Raises:
            InputError: another number of rows than before, or a code that stands for nothing.
        """
        is_first = not self._rows
        if is_first:
            self._rows = [self._codec.row(self._mode) for _ in codes]
            self._known = [0] * len(codes)
        if len(codes) != len(self._rows):
            raise InputError(f"{len(codes)} rows of codes for {len(self._rows)} codebooks", hint="call reset() first")
        found = [self._step(place, row) for place, row in enumerate(codes)]
        config = self.config
        width = config.max_codebook_size if is_first else max((len(new) for new in found), default=0)
        entries, places = [], []
        for new in found:
            flat: list[int] = []
            for _, ids in new:
                flat += ids + [config.pad_token_id] * (config.max_subtokens - len(ids))
            entries.append(flat + [config.pad_token_id] * (config.max_subtokens * (width - len(new))))
            places.append([code - config.initial_vocab_size for code, _ in new])
        return entries, places

    def _step(self, place: int, codes: Ids) -> list[tuple[int, list[int]]]:
        if self._ignore_lone_pad and len(codes) == 1 and codes[0] == self.config.pad_token_id:
            return []
        row = self._rows[place]
        try:
            row.push(codes)
        except InputError as error:
            raise InputError(f"row {place}: {error.message}", hint=error.hint) from None
        new = row.learnt(self._known[place])
        self._known[place] += len(new)
        return new

    def get_codebooks(self) -> list[Codebook]:
        """The codebook of each row."""
        return [row.codebook() for row in self._rows]

    def get_subtokens(self, code: int, batch_index: int) -> list[int]:
        """The base ids of a hypertoken of a row.

        Raises:
            InputError: no such row or hypertoken.
        """
        if not 0 <= batch_index < len(self._rows):
            raise InputError(f"no row {batch_index}, there are {len(self._rows)}")
        found = self._rows[batch_index].get_subtokens(code)
        if found is None:
            raise InputError(f"row {batch_index}: no hypertoken has the code {code}")
        return found

    def reset(self) -> None:
        """Forgets all rows: the next call begins a new batch."""
        self._rows, self._known = [], []
