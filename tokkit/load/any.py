"""One door for all tokenizers: finds out what a path or a hub id is and calls its reader."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from tokkit.errors import InputError, TokenizerError, UsageError
from tokkit.load.library import LibraryTokenizer

if TYPE_CHECKING:
    from tokkit.model.tokenizer import Tokenizer

AnyTokenizer: TypeAlias = "Tokenizer | LibraryTokenizer"

# In order of preference: what says most about the tokenizer first.
_FOLDER_NAMES: Final = ("tokenizer.json", "tekken.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
_HUB_ID: Final = re.compile(r"(?:hf://)?([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?")
_CODE: Final = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".npy", ".py")
_PICKY: Final = re.compile(rb'\s*\{\s*"tokens"\s*:\s*\[')
_RANK_LINE: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n")


def load_tokenizer(path: str | Path, *, revision: str | None = None, pattern: str | None = None) -> AnyTokenizer:
    """Loads a tokenizer from a folder, a file or the hub (`owner/name`, `owner/name@revision`, `hf://owner/name`).

    BPE that our encoder says exactly becomes a `tokkit.Tokenizer`; the rest runs in its own library behind the same
    methods. `pattern` names the pre-tokenizer of a `.tiktoken` file. Nothing is executed from the files, ever.

    Raises:
        InputError: no such file.
        TokenizerError: broken, hostile or unsupported.
        NetworkError: the hub cannot be reached, or offline mode forbids it.
    """
    local = Path(path)
    if local.is_dir():
        return _from_folder(local, pattern)
    if local.exists():
        return _from_file(local, pattern)
    named = _HUB_ID.fullmatch(str(path))
    if named is None or (isinstance(path, Path) and not str(path).startswith("hf:")):
        raise InputError(f"{path}: no such file or folder", hint="a tokenizer on the hub is named owner/name")
    if revision is not None and named[2] is not None and revision != named[2]:
        raise UsageError(f"{path}: names a revision, and revision={revision!r} another")
    from tokkit.load.hub import download

    return _from_folder(download(named[1], revision or named[2]), pattern)


def _from_folder(folder: Path, pattern: str | None) -> AnyTokenizer:
    from tokkit import artifact

    if (folder / artifact.MANIFEST).exists():
        return _own(folder)
    if (folder / "adapt.json").is_file():
        from tokkit.model.adapted import load_adapted

        return load_adapted(folder)
    for name in _FOLDER_NAMES:
        if (folder / name).is_file():
            return _from_file(folder / name, pattern)
    ranks = sorted(folder.glob("*.tiktoken"))
    if len(ranks) == 1:
        return _from_file(ranks[0], pattern)
    if ranks:
        raise TokenizerError(f"{folder}: {len(ranks)} .tiktoken files", hint="name one of them")
    raise TokenizerError(
        f"{folder}: no tokenizer found", hint="looked for tokkit.json, *.tiktoken, " + ", ".join(_FOLDER_NAMES)
    )


def _from_file(path: Path, pattern: str | None) -> AnyTokenizer:
    from tokkit import artifact

    suffix = path.suffix.lower()
    if path.name == artifact.MANIFEST:
        return _own(path.parent)
    if suffix in _CODE:
        raise TokenizerError(
            f"{path}: {suffix} files can hold code and are never opened", hint="convert it to tokenizer.json elsewhere"
        )
    if suffix == ".json":
        return _from_json(path)
    if suffix == ".tiktoken" or (suffix == ".model" and _is_ranks(path)):
        from tokkit.load.tiktoken_file import read_tiktoken
        from tokkit.model.tokenizer import Tokenizer

        return Tokenizer.from_model(read_tiktoken(path, pattern=pattern))
    if suffix == ".model":
        from tokkit.load.sentencepiece_file import SentencePieceTokenizer

        return SentencePieceTokenizer(path)
    raise TokenizerError(
        f"{path}: not a kind of tokenizer file that tokkit reads",
        hint="it reads tokenizer.json, tekken.json, .tiktoken, .model",
    )


def _own(folder: Path) -> AnyTokenizer:
    from tokkit import artifact
    from tokkit.model.tokenizer import Tokenizer

    return Tokenizer.from_model(artifact.load(folder))


def _from_json(path: Path) -> AnyTokenizer:
    from tokkit.load.hf_file import read_hf
    from tokkit.load.hf_library import HuggingFaceTokenizer
    from tokkit.load.hf_model import NotExpressibleError, model_of_hf
    from tokkit.load.picky_json import read_picky
    from tokkit.load.tiktoken_file import read_tekken
    from tokkit.model.tokenizer import Tokenizer

    if path.name == "tekken.json":
        return Tokenizer.from_model(read_tekken(path))
    if _is_picky(path):
        return Tokenizer.from_model(read_picky(path))
    file = read_hf(path)
    try:
        own = Tokenizer.from_model(model_of_hf(file))
    except NotExpressibleError as reason:
        return HuggingFaceTokenizer(file, reason=str(reason))
    return own


def _is_picky(path: Path) -> bool:
    """Whether the file starts as picky_bpe's do; tokenizer.json has no list of tokens at its top."""
    with path.open("rb") as file:
        return _PICKY.match(file.read(256)) is not None


def _is_ranks(path: Path) -> bool:
    with path.open("rb") as file:
        return _RANK_LINE.match(file.read(4096)) is not None
