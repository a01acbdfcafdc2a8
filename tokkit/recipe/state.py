"""Which steps of an output folder are finished: `steps.json`, a key and the files' digests for each."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from tokkit.atomic import atomic_file

STATE_FILE = "steps.json"


@dataclass(frozen=True)
class Finished:
    """A finished step: its key, and the SHA-256 of each file it made, by path relative to the folder."""

    key: str
    files: dict[str, str]


@dataclass
class State:
    """The finished steps of one output folder."""

    folder: Path
    steps: dict[str, Finished] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "State":
        """What the folder says of itself; nothing when it has no readable state."""
        try:
            table = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
            steps = {name: Finished(str(step["key"]), dict(step["files"])) for name, step in table["steps"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(folder)
        return cls(folder, steps)

    def is_finished(self, step: str, key: str) -> bool:
        """Whether the step was finished under this very key and its files are as it left them."""
        done = self.steps.get(step)
        return (
            done is not None
            and done.key == key
            and bool(done.files)
            and all(_digest(self.folder / name) == sha256 for name, sha256 in done.files.items())
        )

    def finish(self, step: str, key: str, files: list[Path]) -> None:
        """Records a step and writes the state."""
        digests = {path.relative_to(self.folder).as_posix(): _digest(path) or "" for path in sorted(files)}
        self.steps[step] = Finished(key, digests)
        self.write()

    def write(self) -> None:
        """Writes `steps.json` whole."""
        steps = {name: {"key": step.key, "files": step.files} for name, step in sorted(self.steps.items())}
        with atomic_file(self.folder / STATE_FILE, overwrite=True) as temporary:
            temporary.write_text(json.dumps({"format": 1, "steps": steps}, indent=1) + "\n", encoding="utf-8")


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
