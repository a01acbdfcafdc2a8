"""A full disk, a second writer or a kill never harms the artefact that stood there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.golden_models import folder_digest, golden_model
from tokkit import artifact
from tokkit.artifact import folder as folder_module
from tokkit.artifact.lock import folder_lock
from tokkit.errors import ResourceError

_PROJECT = Path(__file__).resolve().parents[2]
_LIMITED_SAVE = """
import resource, sys
from pathlib import Path
from tests.golden_models import golden_model
from tokkit import artifact
from tokkit.errors import TokkitError

model = golden_model("p3_byte_v4000", "tokkit")
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    artifact.save(model, Path(sys.argv[1]), overwrite=True, recipe_text="recipe = 1\\n")
except TokkitError as error:
    print(error)
    sys.exit(error.exit_code)
"""
_HOLD_LOCK = """
import sys, time
from pathlib import Path
from tokkit.artifact.lock import folder_lock

with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=_PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    artifact.save(golden_model("p1_byte_v300", "tokkit"), tmp_path / "tok")
    return tmp_path / "tok"


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 1000, 40_000, 100_000])
def test_no_space_leaves_the_old_folder_as_it_was(saved: Path, limit: int) -> None:
    before = folder_digest(saved)
    process = start(_LIMITED_SAVE, str(saved), str(limit))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 5, err
    assert str(saved) in out
    assert "Traceback" not in err
    assert folder_digest(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == ["tok"]
    artifact.load(saved)


@pytest.mark.slow
def test_enough_space_is_no_fault(saved: Path) -> None:
    process = start(_LIMITED_SAVE, str(saved), "10000000")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(artifact.load(saved).tokens) == 4000


@pytest.mark.parametrize("name", ["VOCAB", "CARD", "RECIPE", "MANIFEST"])
def test_full_device_at_any_file_leaves_the_old_folder_as_it_was(
    saved: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    before = folder_digest(saved)
    monkeypatch.setattr(folder_module, name, "/dev/full")
    monkeypatch.setattr(folder_module, "is_artifact", lambda _: True)
    with pytest.raises(ResourceError, match="No space left") as caught:
        artifact.save(golden_model("p1_byte_v500"), saved, overwrite=True, recipe_text="recipe = 1\n")
    assert caught.value.exit_code == 5
    assert folder_digest(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == ["tok"]


def test_failure_in_the_middle_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder_module, "vocab_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "tok")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ResourceError, match="closed"):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "closed" / "tok")


def test_second_writer_is_refused_with_the_pid_of_the_first(saved: Path) -> None:
    before = folder_digest(saved)
    with folder_lock(saved), pytest.raises(ResourceError, match=f"pid {os.getpid()}"):
        artifact.save(golden_model("p1_byte_v500"), saved, overwrite=True)
    assert folder_digest(saved) == before
    artifact.save(golden_model("p1_byte_v500"), saved, overwrite=True)
    assert [path.name for path in saved.parent.iterdir()] == ["tok"]


def test_other_folders_are_not_locked(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "one"):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "two", exports=())


@pytest.mark.slow
def test_lock_of_a_killed_process_does_not_stay(tmp_path: Path) -> None:
    process = start(_HOLD_LOCK, str(tmp_path / "tok"))
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(ResourceError, match=f"pid {process.pid}"):
        artifact.save(golden_model("p1_byte_v300"), tmp_path / "tok", exports=())
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    process.stderr.close()
    deadline = time.monotonic() + 60
    while True:
        try:
            artifact.save(golden_model("p1_byte_v300"), tmp_path / "tok", exports=())
            break
        except ResourceError:
            assert time.monotonic() < deadline
    artifact.load(tmp_path / "tok")
