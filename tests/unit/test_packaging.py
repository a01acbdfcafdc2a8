"""What a user installs: versions agree, shipped files are whole, the bundle holds what it should."""

import hashlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import tokkit
from tokkit import bundle
from tokkit.errors import InternalError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def backend(monkeypatch) -> ModuleType:
    """The build backend, with a maturin that builds nothing."""
    maturin = ModuleType("maturin")
    for name in (
        "build_editable",
        "build_sdist",
        "build_wheel",
        "get_requires_for_build_editable",
        "get_requires_for_build_sdist",
        "get_requires_for_build_wheel",
        "prepare_metadata_for_build_editable",
        "prepare_metadata_for_build_wheel",
    ):
        setattr(maturin, name, lambda *_arguments: "built")
    monkeypatch.setitem(sys.modules, "maturin", maturin)
    spec = importlib.util.spec_from_file_location("build_backend", ROOT / "rust_ext" / "build_backend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_bundle_holds_recipes_suites_and_data_and_is_gone_afterwards(backend, tmp_path):
    (tmp_path / "tokkit" / "_bundle" / "stale").mkdir(parents=True)
    for name in ("recipes/a/b.toml", "evals/suite.toml", "evals/bench/no.toml", "evals/demo.py", "data/x/y.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with backend.bundle(tmp_path) as folder:
        held = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert held == ["data/x/y.txt", "evals/suite.toml", "recipes/a/b.toml"]
    assert not (tmp_path / "tokkit" / "_bundle").exists()


def test_bundle_is_gone_when_the_build_fails(backend, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text("x")
    with pytest.raises(RuntimeError, match="no compiler"), backend.bundle(tmp_path):
        raise RuntimeError("no compiler")
    assert not (tmp_path / "tokkit" / "_bundle").exists()


def test_wheel_is_built_with_the_bundle_in_place(backend, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(backend, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("x")

    def build(*_arguments):
        seen.append((tmp_path / "tokkit" / "_bundle" / "data" / "README.md").is_file())
        return "tokkit.whl"

    monkeypatch.setattr(sys.modules["maturin"], "build_wheel", build)
    assert backend.build_wheel("dist") == "tokkit.whl"
    assert seen == [True]


def test_shipped_folders_are_found():
    assert (bundle.folder("data") / "udhr" / "eng.txt").is_file()
    with pytest.raises(InternalError, match="nothing: not in this installation"):
        bundle.folder("nothing")  # type: ignore[arg-type]


def test_version_is_the_same_everywhere():
    cargo = tomllib.loads((ROOT / "rust_ext" / "Cargo.toml").read_text(encoding="utf-8"))
    assert cargo["workspace"]["package"]["version"] == tokkit.__version__


def test_shipped_data_are_those_that_the_list_names():
    listed = {}
    for line in (ROOT / "data" / "sha256.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, size, digest = line.split("\t")
        content = (ROOT / "data" / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (int(size), digest), name
        listed[name] = digest
    present = {
        path.relative_to(ROOT / "data").as_posix()
        for path in (ROOT / "data").rglob("*")
        if path.is_file() and path.name not in ("README.md", "sha256.tsv")
    }
    assert present == set(listed)


def test_extras_are_those_that_messages_may_name():
    assert set(PROJECT["optional-dependencies"]) == {
        "report",
        "models",
        "gguf",
        "icu",
        "ray",
        "spark",
        "dask",
        "test",
        "dev",
    }


def test_dependencies_have_lower_bounds_and_no_pins():
    extras = PROJECT["optional-dependencies"]
    for requirement in [
        *PROJECT["dependencies"],
        *extras["report"],
        *extras["models"],
        *extras["gguf"],
        *extras["test"],
    ]:
        assert re.fullmatch(r"[\w.\[\]-]+>=[\d.]+", requirement), requirement


def test_importing_tokkit_imports_no_heavy_package():
    heavy = "{'numpy', 'numba', 'pandas', 'pyarrow', 'pydantic', 'datasets', 'torch', 'transformers', 'tokenizers'}"
    code = f"import sys, tokkit; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"
