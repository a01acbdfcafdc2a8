"""A tokenizer specialised to a domain: rare tokens gave their ids to n-grams of others."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokkit import _core
from tokkit.atomic import atomic_folder
from tokkit.errors import TokenizerError
from tokkit.model.program import JOIN, SPLIT, Program
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer, build_encoder

FILE: Final = "adapt.json"
BASE: Final = "base"
FORMAT: Final = 1


@dataclass(frozen=True)
class NewToken:
    """An n-gram with the id that it took over; `pieces` are ids of the base tokenizer, none of them removed."""

    id: int
    pieces: tuple[int, ...]
    count: int


class AdaptedTokenizer(Tokenizer):
    """Encodes by the base tokenizer, takes removed tokens apart, then joins n-grams (AdaptiVocab, Nakash et al., 2025).

    At each place the n-gram chosen first that matches wins, not the longest. Every token that was not removed keeps its
    id; `new_tokens` and `removed` are the map that moving a model's embeddings needs.
    """

    def __init__(self, base: Tokenizer, removed: Mapping[int, tuple[int, ...]], new_tokens: Sequence[NewToken]) -> None:
        self.base = base
        self.removed = dict(removed)
        self.new_tokens = tuple(new_tokens)
        self._check()
        super().__init__(base.tables, model=base.model)
        self._tokens = {
            **{token: spelled for token, spelled in self._tokens.items() if token not in self.removed},
            **{made.id: b"".join(map(base.token_bytes, made.pieces)) for made in self.new_tokens},
        }

    def _encoder(self, tables: EncoderTables) -> "_core.Encoder":
        splits = [(SPLIT, token, pieces) for token, pieces in sorted(self.removed.items())]
        joins = [(JOIN, made.id, made.pieces) for made in self.new_tokens]
        rows = Program(np.zeros((0, 3), np.uint32), (*splits, *joins)).flat()
        return build_encoder(tables, ngrams=rows.tobytes())

    def _check(self) -> None:
        known = set(self.base.ids)
        for token, pieces in self.removed.items():
            if token not in known or not pieces or not known.issuperset(pieces) or self.removed.keys() & set(pieces):
                raise TokenizerError(f"adapted tokenizer: token {token} cannot be taken apart into {pieces}")
        for made in self.new_tokens:
            if len(made.pieces) < 2 or not known.issuperset(made.pieces) or self.removed.keys() & set(made.pieces):
                raise TokenizerError(f"adapted tokenizer: token {made.id} cannot be made of {made.pieces}")
            if made.id in known and made.id not in self.removed:
                raise TokenizerError(f"adapted tokenizer: id {made.id} is that of a token that was not removed")
        if len({made.id for made in self.new_tokens}) != len(self.new_tokens):
            raise TokenizerError("adapted tokenizer: two new tokens have one id")

    @property
    def inference(self) -> str:
        """See `Tokenizer.inference`."""
        return "adapted"

    @property
    def ids(self) -> list[int]:
        """See `Tokenizer.ids`."""
        return sorted(self._tokens)

    def decode_bytes(self, ids: Sequence[int] | NDArray[np.integer]) -> bytes:
        """See `Tokenizer.decode_bytes`."""
        numbers: Sequence[int] = ids.tolist() if isinstance(ids, np.ndarray) else ids
        try:
            plain = self._core.take_apart(numbers)
        except (OverflowError, TypeError):
            self._refuse_unknown(ids)
            raise
        return self.base.decode_bytes(np.frombuffer(plain, np.uint32))

    def save(self, folder: Path, *, source: Path | None = None, overwrite: bool = False) -> None:
        """Writes `adapt.json` and the base tokenizer: from its model, or as a copy of the file or folder `source`.

        Raises:
            TokenizerError: the base has no model and no source is given. UsageError: the folder exists.
        """
        from tokkit import artifact

        with atomic_folder(Path(folder).absolute(), overwrite=overwrite) as temporary:
            if source is not None and source.is_dir():
                shutil.copytree(source, temporary / BASE)
            elif source is not None:
                (temporary / BASE).mkdir()
                shutil.copy(source, temporary / BASE / source.name)
            elif self.model is not None:
                artifact.save(self.model, temporary / BASE)
            else:
                raise TokenizerError("the base tokenizer was made from tables: say which file it is from")
            (temporary / FILE).write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def to_json(self) -> dict[str, object]:
        """The map between both vocabularies; tokens are given as hexadecimal bytes."""
        return {
            "format": FORMAT,
            "method": "adaptivocab",
            "removed": [
                {"id": token, "token": self.base.token_bytes(token).hex(), "pieces": list(pieces)}
                for token, pieces in sorted(self.removed.items())
            ],
            "new": [
                {
                    "id": made.id,
                    "token": self.token_bytes(made.id).hex(),
                    "pieces": list(made.pieces),
                    "count": made.count,
                }
                for made in self.new_tokens
            ],
        }


def load_adapted(folder: Path) -> AdaptedTokenizer:
    """Reads what `AdaptedTokenizer.save` wrote.

    Raises:
        TokenizerError: damaged, of a newer format, or on a base that needs another library.
    """
    from tokkit.load import load_tokenizer

    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise TokenizerError(f"{path}: format {content['format']} is not {FORMAT}", hint="upgrade tokkit")
        removed = {int(entry["id"]): tuple(map(int, entry["pieces"])) for entry in content["removed"]}
        new = [
            NewToken(int(entry["id"]), tuple(map(int, entry["pieces"])), int(entry["count"]))
            for entry in content["new"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TokenizerError(f"{path}: not a map of adapted tokens: {error}", hint="adapt again") from error
    files = list((folder / BASE).iterdir()) if (folder / BASE).is_dir() else []
    base = load_tokenizer(files[0] if len(files) == 1 else folder / BASE)
    if not isinstance(base, Tokenizer):
        raise TokenizerError(f"{folder / BASE}: needs another library to encode", hint="convert it first")
    return AdaptedTokenizer(base, removed, new)
