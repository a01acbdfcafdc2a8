"""Save and load the artefact: a folder that holds a tokenizer, what made it and every file's digest."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import tokkit
from tokkit.artifact.card import Facts, model_card
from tokkit.artifact.events_file import read_events, write_events
from tokkit.artifact.lock import folder_lock
from tokkit.artifact.vocab_file import vocab_text
from tokkit.atomic import atomic_folder, refuse_overwrite
from tokkit.errors import ResourceError, TokenizerError, UsageError
from tokkit.export import EXPORTERS, LOSSY
from tokkit.export.fidelity import Fidelity
from tokkit.export.measure import Reading
from tokkit.export.roles import roles_of
from tokkit.model.model import Model
from tokkit.model.vocab import special_ids, vocab_size

FORMAT: Final = 1
MANIFEST: Final = "tokkit.json"
EVENTS: Final = "events.parquet"
VOCAB: Final = "vocab.txt"
CARD: Final = "README.md"
RECIPE: Final = "recipe.lock.toml"
# What decides the bytes that we write; the Python version does not.
_VERSIONED: Final = ("pyarrow", "tokenizers")
_MANIFEST_LIMIT: Final = 64 * 2**20


@dataclass(frozen=True)
class Source:
    """One file or data set that a model was trained on, for the manifest and the card."""

    name: str
    sha256: str | None = None
    size_bytes: int | None = None
    documents: int | None = None


def save(
    model: Model,
    folder: Path,
    *,
    counts_digest: str | None = None,
    recipe_text: str | None = None,
    sources: Sequence[Source] = (),
    command: str | None = None,
    roles: Mapping[str, str] | None = None,
    exports: Sequence[str] = ("hf",),
    fidelity: Mapping[str, Fidelity] | None = None,
    by_products: Mapping[str, bytes] | None = None,
    reading: Reading | None = None,
    overwrite: bool = False,
) -> None:
    """Writes the whole folder or nothing; a folder that is replaced stays whole until the new one is complete.

    The same arguments give the same bytes: nothing in it tells the time, the machine or the folder's name. An export
    that cannot hold the model is left out and the manifest says why. `fidelity` holds measured figures per export,
    `by_products` files that lie in the folder but are no part of the tokenizer (`load` does not read them), `reading`
    what a later change of the inference changed.

    Raises:
        UsageError: the folder exists and `overwrite` is false, or it exists and is not an artefact.
        ResourceError: disk full, no permission, or another process is writing there.
    """
    folder = Path(folder)
    refuse_overwrite(folder, overwrite=overwrite)
    if folder.exists() and not is_artifact(folder) and (not folder.is_dir() or any(folder.iterdir())):
        # Replacing means deleting: never delete what tokkit did not write.
        raise UsageError(f"{folder}: exists and is not a tokenizer of tokkit", hint="give another path")
    if not folder.absolute().parent.is_dir():
        raise ResourceError(f"{folder}: cannot write: no folder {folder.absolute().parent}", hint="make it first")
    target = folder.absolute()
    with folder_lock(target), atomic_folder(target, overwrite=overwrite) as temporary:
        write_events(model, temporary / EVENTS)
        _write(temporary / VOCAB, vocab_text(model))
        if recipe_text is not None:
            _write(temporary / RECIPE, recipe_text)
        outcome = _run_exports(model, temporary, exports, roles, fidelity or {})
        manifest: dict[str, object] = {
            "format": FORMAT,
            "tokkit": tokkit.__version__,
            "method": model.method,
            "inference": model.inference,
            **({} if reading is None else {"reading": reading.to_json()}),
            "unit": model.alphabet.unit,
            "pretokenizer": model.pretokenizer,
            "normalizer": model.normalizer,
            "layout": model.layout if model.ids is None else "given",
            "vocab_size": vocab_size(model),
            "events": len(model.events),
            "exhausted": model.exhausted,
            "specials": special_ids(model),
            "roles": roles_of(model, roles),
            "config": model.config,
            "counts_digest": counts_digest,
            "sources": [vars(source) for source in sources],
            "exports": outcome,
            "versions": {"tokkit": tokkit.__version__, **_versions()},
        }
        facts = Facts(manifest, command=command, has_recipe=recipe_text is not None, longest=_longest(model))
        _write(temporary / CARD, model_card(facts))
        manifest["files"] = {
            path.relative_to(temporary).as_posix(): {"sha256": _sha256(path), "bytes": path.stat().st_size}
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        if by_products:
            manifest["by_products"] = {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                for name, content in sorted(by_products.items())
            }
            for name, content in by_products.items():
                (temporary / name).write_bytes(content)
        _write(temporary / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


def load(folder: Path) -> Model:
    """The model of an artefact, after checking the digest of every file that the manifest lists.

    Raises:
        TokenizerError: no artefact, a newer format, a file missing or changed, or a log that contradicts itself.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    files = manifest.get("files")
    if not isinstance(files, dict) or EVENTS not in files:
        raise TokenizerError(f"{folder / MANIFEST}: lists no {EVENTS}", hint="restore the file")
    for name, entry in files.items():
        path = folder / name
        if "/" in name or "\\" in name or name in {"", ".", ".."}:
            raise TokenizerError(f"{folder / MANIFEST}: file name leaves the folder, got {name!r}")
        if not path.is_file():
            raise TokenizerError(f"{path}: missing, but {MANIFEST} lists it", hint="restore the file, or train again")
        wanted = entry.get("sha256") if isinstance(entry, dict) else None
        if _sha256(path) != wanted:
            raise TokenizerError(
                f"{path}: changed since it was written: sha256 is not the one in {MANIFEST}",
                hint="restore the file, or train again; to change a tokenizer use tokkit extend or prune",
            )
    return read_events(folder / EVENTS)


def read_manifest(folder: Path) -> dict[str, object]:
    """The manifest of an artefact, of this format or an older one.

    Raises:
        TokenizerError: missing, not JSON, or of a newer format.
    """
    path = Path(folder) / MANIFEST
    try:
        if path.stat().st_size > _MANIFEST_LIMIT:
            raise TokenizerError(f"{path}: larger than {_MANIFEST_LIMIT} bytes")
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TokenizerError(f"{folder}: no {MANIFEST}: not a tokenizer folder of tokkit") from error
    except OSError as error:
        raise TokenizerError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{path}: not JSON: {error}", hint="restore the file, or train again") from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise TokenizerError(f"{path}: not a manifest of tokkit: `format` is {found!r}")
    if found > FORMAT:
        raise TokenizerError(f"{path}: format {found} is newer than {FORMAT}, the newest known", hint="upgrade tokkit")
    return dict(manifest)


def is_artifact(folder: Path) -> bool:
    """Whether the folder has a manifest."""
    return (folder / MANIFEST).is_file()


def _run_exports(
    model: Model,
    folder: Path,
    names: Sequence[str],
    roles: Mapping[str, str] | None,
    measured: Mapping[str, Fidelity],
) -> dict[str, object]:
    outcome: dict[str, object] = {}
    for name in names:
        try:
            written = EXPORTERS.get(name)(model, folder, roles=roles)
        except TokenizerError as error:
            outcome[name] = {"files": [], "status": "not possible", "reason": error.message}
            continue
        entry: dict[str, object] = {"files": [path.name for path in written], "status": "exact by construction"}
        if name in LOSSY and model.inference != LOSSY[name]:
            entry["status"] = f"lossy: read as `{LOSSY[name]}`, not measured"
        if name in measured:
            entry["status"] = "exact" if measured[name].is_exact else "lossy"
            entry["fidelity"] = measured[name].to_json()
        outcome[name] = entry
    return outcome


def _longest(model: Model) -> list[bytes]:
    made = range(model.first_made, len(model.tokens))
    present = [model.tokens[token] for token in made if model.present[token]]
    return sorted(present, key=lambda token: (-len(token), token))[:5]


def _versions() -> dict[str, str]:
    found = {}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
