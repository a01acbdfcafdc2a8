"""`tokkit doctor`: what tokkit runs on."""

import json
import platform
from pathlib import Path

import click

from tokkit import __version__
from tokkit.amounts import human_size
from tokkit.cli import options
from tokkit.cli.verb import Talk, verb
from tokkit.machine import available_cores, available_memory, total_memory

_PACKAGES = (
    *("click", "pydantic", "numpy", "pyarrow", "rich", "regex", "numba", "pandas", "datasets", "tokenizers"),
    *("sentencepiece", "safetensors", "tiktoken", "transformers", "torch"),
)


@verb("doctor", examples=("tokkit doctor", "tokkit doctor --json"))
@options.json_option
def command(talk: Talk, *, as_json: bool) -> int:
    """Ends with code 1 when something that tokkit needs is missing."""
    facts, faults = _facts()
    if as_json:
        click.echo(json.dumps({"schema": "tokkit.doctor", "version": 1, **facts, "faults": faults}))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            click.echo(f"{name.ljust(width)}  {_shown(name, value)}")
        for fault in faults:
            click.echo(f"error: {fault}", err=True)
    return 1 if faults else 0


def _facts() -> tuple[dict[str, object], list[str]]:
    import unicodedata

    core, faults = _core_version()
    cache, cache_bytes = _cache()
    facts: dict[str, object] = {
        "tokkit": __version__,
        "core": core,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "unicode": unicodedata.unidata_version,
        "cores": available_cores(),
        "memory": total_memory(),
        "memory_available": available_memory(),
        "cache": cache,
        "cache_bytes": cache_bytes,
        "package": str(Path(__file__).resolve().parents[2]),
        "packages": _versions(),
    }
    return facts, faults


def _core_version() -> tuple[str | None, list[str]]:
    try:
        from tokkit import _core
    except ImportError as error:
        return None, [f"the compiled core does not load: {error}"]
    version = str(_core.__version__)
    faults = [] if version == __version__ else [f"the compiled core is of version {version}, the package {__version__}"]
    return version, faults


def _versions() -> dict[str, str | None]:
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _cache() -> tuple[str | None, int]:
    from tokkit.recipe.cache import cache_folder

    folder = cache_folder()
    if folder is None:
        return None, 0
    return str(folder), sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _shown(name: str, value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {version or 'absent'}" for key, version in value.items())
    if value is None:
        return "off" if name == "cache" else "not loaded" if name == "core" else "unknown"
    if isinstance(value, int) and ("memory" in name or "bytes" in name):
        return human_size(value)
    return str(value)
