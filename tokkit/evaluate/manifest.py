"""What was measured with what: two results can be compared where texts, definitions and flags agree."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from tokkit.metrics.base import Subject
from tokkit.metrics.batch import Batch
from tokkit.metrics.lexical import WordList


class Digest:
    """SHA-256 of a text: of its bytes and of where its documents end, whatever the batches."""

    def __init__(self) -> None:
        self.bytes = hashlib.sha256()
        self.lengths = hashlib.sha256()
        self.empty = 0

    def update(self, batch: Batch) -> None:
        """Takes a batch into account."""
        lengths = np.diff(batch.byte_ends)
        self.bytes.update(batch.data)
        self.lengths.update(lengths.astype("<i8").tobytes())
        self.empty += int((lengths == 0).sum())

    def hex(self) -> str:
        """The digest of both, in hexadecimal digits."""
        return hashlib.sha256(self.bytes.digest() + self.lengths.digest()).hexdigest()


def manifest(
    tokenizers: Mapping[str, Subject],
    texts: Mapping[str, Sequence[str]],
    digests: Mapping[str, Digest],
    *,
    sources: Mapping[str, str],
    flags: Mapping[str, object],
    word_lists: Mapping[str, WordList],
    morpheme_lists: Mapping[str, WordList],
) -> dict[str, object]:
    """Versions, digests and flags. `sources` has the SHA-256 of the file of each tokenizer that has one."""
    import unicodedata

    import tokkit

    return {
        "tokkit": tokkit.__version__,
        "regex": _version("regex"),
        "tokenizers": _version("tokenizers"),
        "numpy": _version("numpy"),
        "unicode": unicodedata.unidata_version,
        **flags,
        "subjects": {
            name: {"vocab_size": tokenizer.vocab_size, "sha256": sources.get(name)}
            for name, tokenizer in tokenizers.items()
        },
        "texts": {
            name: {"documents": len(documents), "empty": digests[name].empty, "sha256": digests[name].hex()}
            for name, documents in texts.items()
        },
        "word_lists": _lists(word_lists),
        "morpheme_lists": _lists(morpheme_lists),
    }


def _lists(lists: Mapping[str, WordList]) -> dict[str, object]:
    return {text: {"name": words.name, "sha256": words.digest} for text, words in lists.items()}


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
