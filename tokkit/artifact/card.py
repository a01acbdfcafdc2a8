"""README.md of an artefact: what the tokenizer is, what it was trained on, how to use it and what it cannot do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from tokkit.report.text import quoted

_USE: Final = """```python
import tokkit

tokenizer = tokkit.Tokenizer.from_pretrained("this-folder")
tokenizer.encode("text")
```
"""
_USE_LOADER: Final = """Without tokkit, by the code that the folder carries (`tokenization_tokkit.py`, plain Python):

```python
from transformers import AutoTokenizer

AutoTokenizer.from_pretrained("this-folder", trust_remote_code=True)
```
"""


@dataclass(frozen=True)
class Facts:
    """What the card is made of: the manifest (without `files`), the command if known, and a few tokens."""

    manifest: Mapping[str, object]
    command: str | None = None
    has_recipe: bool = False
    longest: list[bytes] = field(default_factory=list)


def model_card(facts: Facts) -> str:
    """The card as Markdown; deterministic. Text from data stands in code spans, so that it cannot act as markup."""
    manifest = facts.manifest
    parts = [
        "---\nlibrary_name: tokkit\ntags:\n- tokenizer\n---\n",
        "# Tokenizer\n",
        _summary(manifest),
        _table(
            {
                "method": manifest["method"],
                "inference": manifest["inference"],
                "pre-tokenizer": manifest["pretokenizer"],
                "normalizer": manifest["normalizer"] or "none",
                "vocabulary": manifest["vocab_size"],
                "events in the log": manifest["events"],
                "ran out of pairs": "yes" if manifest["exhausted"] else "no",
                "count table sha256": manifest["counts_digest"] or "not given",
            }
        ),
        "## Parameters\n",
        _table({key: json.dumps(value, ensure_ascii=False) for key, value in _mapping(manifest["config"]).items()})
        or "None recorded.\n",
        "## Special tokens\n",
        _specials(manifest),
        "## Training data\n",
        _sources(manifest),
        "## How to reproduce it\n",
        _reproduce(facts),
        "## How to use it\n",
        _USE,
        _USE_LOADER if "tokenization_tokkit.py" in json.dumps(manifest["exports"]) else "",
        _exports(manifest),
        "## Known limits\n",
        _limits(facts),
    ]
    return "\n".join(part for part in parts if part)


def code(text: str) -> str:
    """A Markdown code span of any text, safe in a table cell."""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|").replace("\n", " ")


def _summary(manifest: Mapping[str, object]) -> str:
    what = f"A {manifest['unit']}-level `{manifest['method']}` tokenizer"
    return f"{what} of {manifest['vocab_size']:,} ids, made by tokkit {manifest['tokkit']}.\n"


def _table(rows: Mapping[str, object]) -> str:
    if not rows:
        return ""
    lines = ["| | |", "|---|---|", *(f"| {key} | {code(str(value))} |" for key, value in rows.items())]
    return "\n".join(lines) + "\n"


def _specials(manifest: Mapping[str, object]) -> str:
    specials = _mapping(manifest["specials"])
    if not specials:
        return "None.\n"
    roles = {text: role for role, text in _mapping(manifest["roles"]).items()}
    lines = ["| token | id | role |", "|---|---|---|"]
    lines += [
        f"| {code(quoted(text.encode()))} | {number} | {roles.get(text, '')} |" for text, number in specials.items()
    ]
    return "\n".join(lines) + "\n\nIn text they are ordinary text unless the caller allows them.\n"


def _sources(manifest: Mapping[str, object]) -> str:
    sources = cast("list[dict[str, object]]", manifest["sources"])
    if not sources:
        return "Not recorded.\n"
    lines = ["| source | bytes | documents | sha256 |", "|---|---|---|---|"]
    for source in sources:
        cells = [source["size_bytes"], source["documents"], source["sha256"]]
        shown = " | ".join("" if cell is None else str(cell) for cell in cells)
        lines.append(f"| {code(str(source['name']))} | {shown} |")
    return "\n".join(lines) + "\n"


def _reproduce(facts: Facts) -> str:
    lines = []
    if facts.command:
        lines.append(f"```sh\n{facts.command}\n```\n")
    if facts.has_recipe:
        lines.append("```sh\ntokkit run recipe.lock.toml\n```\n")
    return "\n".join(lines) or "Neither command nor recipe was recorded.\n"


def _exports(manifest: Mapping[str, object]) -> str:
    exports = _mapping(manifest["exports"])
    if not exports:
        return ""
    lines = ["| export | files | same as this tokenizer |", "|---|---|---|"]
    for name, value in exports.items():
        entry = cast("dict[str, object]", value)
        status = str(entry["status"])
        if "reason" in entry:
            status += f": {entry['reason']}"
        if "fidelity" in entry:
            figures = cast("dict[str, float]", entry["fidelity"])
            status += (
                f", {figures['mass_share']:.4%} of the mass has identical ids in the {figures['distinct']:,} of "
                f"{figures['of_distinct']:,} distinct pre-tokens that were checked"
            )
        files = ", ".join(code(file) for file in cast("list[str]", entry["files"]))
        lines.append(f"| {name} | {files} | {status} |")
    return "\n".join(lines) + "\n"


def _limits(facts: Facts) -> str:
    lines = []
    if facts.manifest["unit"] == "char":
        lines.append("- Character level: see the parameters for what becomes of characters outside the alphabet.")
    if facts.manifest["normalizer"]:
        lines.append("- Text is normalised first, so decoding does not always give the input back.")
    if facts.longest:
        lines.append("- Longest tokens: " + ", ".join(code(quoted(token[:80])) for token in facts.longest) + ".")
    if "reading" in facts.manifest:
        lines.append(_reading(facts.manifest))
    lines.append("- Fertility on your own text: `tokkit eval`.")
    return "\n".join(lines) + "\n"


def _reading(manifest: Mapping[str, object]) -> str:
    reading = _mapping(manifest["reading"])
    changed = f"- Read by `{manifest['inference']}`, made to be read by `{reading['before']}`: "
    if reading["fidelity"] is None:
        return changed + "how many ids that changes is not measured."
    figures = cast("dict[str, float]", reading["fidelity"])
    return changed + f"{figures['mass_share']:.4%} of the mass of {figures['distinct']:,} pre-tokens keeps its ids."


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value)
