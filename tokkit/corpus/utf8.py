"""What happens to texts that are not UTF-8: stop with the place, replace, leave out, or keep the bytes."""

from collections.abc import Callable

from tokkit import _core
from tokkit.corpus.batch import Batch
from tokkit.corpus.report import CorpusReport
from tokkit.corpus.spec import InvalidUtf8
from tokkit.errors import InputError

# Says where a text of the batch lies: (index of the text, byte in it) -> "file:line:byte".
Locate = Callable[[int, int], str]

HINT = "give --invalid-utf8 replace, skip or bytes to read on, or convert the file to UTF-8"


def apply_policy(batch: Batch, policy: InvalidUtf8, locate: Locate, report: CorpusReport) -> Batch:
    """The batch with its bad texts treated as `policy` says; what was done is counted in the report.

    Raises:
        InputError: policy "error" and a text is not UTF-8; names file, line and byte.
    """
    found = _core.invalid_document(batch.blob, batch.offsets)
    if found is None:
        return batch
    if policy == "error":
        index, byte = found
        value = next(text for i, text in enumerate(batch.texts()) if i == index)[byte]
        raise InputError(f"{locate(index, byte)}: invalid UTF-8, got byte 0x{value:02x}", hint=HINT)
    kept: list[bytes] = []
    for text in batch.texts():
        if _core.invalid_utf8(text) is None:
            kept.append(text)
        elif policy == "replace":
            kept.append(text.decode("utf-8", "replace").encode())
            report.changed["texts with invalid UTF-8 replaced by U+FFFD"] += 1
        elif policy == "bytes":
            kept.append(text)
            report.changed["texts with invalid UTF-8 kept as bytes"] += 1
        else:
            report.skipped["invalid UTF-8"] += 1
    return Batch.of(kept, batch.weight)


def encode(text: str, policy: InvalidUtf8, where: str, report: CorpusReport) -> bytes | None:
    """The UTF-8 of a str; None when it is left out. A lone surrogate is what a str can have wrong.

    Raises:
        InputError: policy "error" and the text holds a lone surrogate.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        if policy == "error":
            code = ord(text[error.start])
            raise InputError(
                f"{where}: lone surrogate U+{code:04X} at character {error.start}",
                hint="the text was decoded badly; give invalid_utf8 replace or skip to read on",
            ) from None
    if policy == "skip":
        report.skipped["lone surrogate"] += 1
        return None
    report.changed["texts with lone surrogates"] += 1
    if policy == "bytes":
        return _as_bytes(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _as_bytes(text: str) -> bytes:
    """The bytes that `surrogateescape` smuggled into a str; other lone surrogates as UTF-8 would spell them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
