"""GGUF files that are broken or of another model, folders that none can be made for: one line, nothing written."""

import json
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cli.command import tokkit
from tokkit.errors import InputError
from tokkit.export.gguf_file import read_header

gguf = pytest.importorskip("gguf")

from tests import tiny_gguf  # noqa: E402 # wants gguf
from tests.tiny_gguf import EMBED  # noqa: E402 # wants gguf

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog\n" * 4
SIZES = {int(kind): (int(n), int(size)) for kind, (n, size) in gguf.GGML_QUANT_SIZES.items()}
NORM, DOWN = "output_norm.weight", "blk.1.ffn_down.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` and its transplant `made`, another model `other` of the same shape; `base.gguf`."""
    home = tmp_path_factory.mktemp("gguf")
    tiny_gguf.folder(home / "base", TEXT[:66], 270)
    tiny_gguf.folder(home / "other", TEXT[:66], 271)
    tiny_gguf.tiny_models.tokenizer(home / "target", TEXT + "the lazy foxes sleep " * 9, 290)
    for base, made in (("base", "made"), ("other", "stranger")):
        assert tokkit("transplant", base, "target", "-o", made, cwd=home).returncode == 0
    tiny_gguf.write(home / "base.gguf", home / "base")
    return home


def refused(
    home: Path, code: int, words: str, *, made: str = "made", base: str = "base.gguf", more: tuple = ()
) -> None:
    """The command ends with this code and one line that says these words; it leaves nothing."""
    before = sorted(path.name for path in home.iterdir())
    done = tokkit("convert", made, "--to", "gguf", "--gguf-base", base, "-o", "out", *more, cwd=home)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.returncode, len(errors), words in errors[0]) == (code, 1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in home.iterdir()) == before


def rope(width: int, kind: int) -> bytes:
    """How a file lists the tensor of eight numbers."""
    return b"rope_freqs.weight" + struct.pack("<IQI", 1, width, kind)


Break = Callable[[bytes], bytes]
BROKEN: dict[str, tuple[Break, str]] = {
    "empty": (lambda _: b"", "is empty"),
    "magic": (lambda data: b"PK\3\4" + data[4:], "not a GGUF file"),
    "version": (lambda data: data[:4] + struct.pack("<I", 1) + data[8:], "is version 1"),
    "big-endian": (lambda data: data[:4] + struct.pack(">I", 3) + data[8:], "is big-endian"),
    "header": (lambda data: data[:300], "ends at byte 300"),
    "data": (lambda data: data[:-40], "lies beyond its"),
    "keys": (lambda data: data[:16] + struct.pack("<Q", 2**62) + data[24:], "broken.gguf: "),
    "name": (lambda data: data[:24] + struct.pack("<Q", 2**63) + data[32:], "ends at byte"),
    "array": (lambda data: data.replace(struct.pack("<IQ", 8, 270), struct.pack("<IQ", 0, 2**63)), "ends at byte"),
    "type": (lambda data: data.replace(rope(8, 0), rope(8, 99)), "type 99"),
    "shape": (lambda data: data.replace(rope(8, 0), rope(0, 0)), "shape [0]"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_files_are_told_in_one_line(home: Path, fault: str) -> None:
    change, words = BROKEN[fault]
    data = (home / "base.gguf").read_bytes()
    assert change(data) != data
    (home / "broken.gguf").write_bytes(change(data))
    refused(home, 3, words, base="broken.gguf")


def test_a_file_cut_anywhere_is_an_input_error(home: Path) -> None:
    data, path = (home / "base.gguf").read_bytes(), home / "cut.gguf"
    header = data.index(b"rope_freqs.weight") + 64
    assert len(read_header(home / "base.gguf", SIZES).tensors) == 21
    for size in [*range(0, header, 97), len(data) - 32]:
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match=r"cut\.gguf"):
            read_header(path, SIZES)


def test_a_changed_byte_never_is_another_error(home: Path) -> None:
    data, path = bytearray((home / "base.gguf").read_bytes()), home / "flipped.gguf"
    draw, n_errors = np.random.default_rng(0), 0
    for place in draw.integers(0, data.index(b"rope_freqs.weight") + 40, 200).tolist():
        flipped = bytearray(data)
        flipped[place] ^= int(draw.integers(1, 256))
        path.write_bytes(flipped)
        try:
            read_header(path, SIZES)
        except InputError:
            n_errors += 1
    assert n_errors > 20


@pytest.mark.parametrize(
    ("keys", "changed", "words"),
    [
        ({}, {"token_embd.weight": None}, "no token_embd.weight"),
        ({"llama.block_count": 3}, {}, "it has 3 blocks"),
        ({"split.count": 2}, {}, "one part of several"),
        ({}, {"token_embd.weight": np.ones((270, 32), np.float32)}, "32 wide"),
        ({}, {"token_embd.weight": np.ones((270, 64), np.float32)}, "rows of token_embd.weight differ"),
        ({}, {"token_embd.weight": np.full((270, 64), np.nan, np.float32)}, "rows of token_embd.weight differ"),
        ({}, {NORM: np.ones(64, np.float32)}, f"{NORM} differs"),
        ({}, {DOWN: np.ones((64, 96), np.float32)}, f"{DOWN} differs"),
    ],
)
def test_files_of_something_else_are_refused(home: Path, keys: dict, changed: dict, words: str) -> None:
    tiny_gguf.write(home / "odd.gguf", home / "base", keys=keys, changed=changed)
    refused(home, 3, words, base="odd.gguf")


def test_a_model_of_the_same_shape_is_another(home: Path) -> None:
    refused(home, 3, "is the GGUF of another model", made="stranger")


def test_a_table_without_a_place_is_refused(home: Path) -> None:
    changed = {"blk.2.nextn.embed_tokens.weight": np.ones((270, 64), np.float32)}
    tiny_gguf.write(home / "nextn.gguf", home / "base", changed=changed)
    refused(home, 4, "nextn.embed_tokens.weight has a row for each token", base="nextn.gguf")
    tiny_gguf.write(home / "biased.gguf", home / "base", changed={"output.bias": np.ones(270, np.float32)})
    refused(home, 4, "biases", base="biased.gguf")


def test_an_architecture_without_output_matrix_gets_none(home: Path) -> None:
    assert tokkit("transplant", "base", "target", "-o", "untied", "--untie", cwd=home).returncode == 0
    tiny_gguf.write(home / "gemma.gguf", home / "base", architecture="gemma")
    refused(home, 4, "no output matrix", made="untied", base="gemma.gguf")


@pytest.mark.parametrize(("base", "words"), [("none.gguf", "no such file"), ("base", "is a folder")])
def test_a_missing_file_is_told(home: Path, base: str, words: str) -> None:
    refused(home, 3, words, base=base)


def test_parts_and_vocabularies_are_no_model(home: Path) -> None:
    shutil.copyfile(home / "base.gguf", home / "base-00001-of-00003.gguf")
    refused(home, 3, "one part of several", base="base-00001-of-00003.gguf")
    assert tokkit("convert", "base", "--to", "gguf", "-o", "vocab", cwd=home).returncode == 0
    refused(home, 3, "only a vocabulary", base="vocab/vocab.gguf")


def test_a_folder_without_provenance_is_refused(home: Path) -> None:
    refused(home, 3, "has no transplant.parquet", made="base")
    refused(home, 3, "config.json", made="target")
    shutil.copytree(home / "made", home / "cut")
    config = json.loads((home / "cut" / "config.json").read_text(encoding="utf-8"))
    rows = load_file(home / "cut" / "model.safetensors") | {EMBED: np.ones((280, 64), np.float32)}
    tiny_gguf.tiny_models.model(home / "cut", 280, config=config, tensors=rows)
    refused(home, 3, "tells of 290 rows", made="cut")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_body_that_was_trained_since_is_refused(home: Path, dtype: type) -> None:
    folder = home / f"trained-{np.dtype(dtype).name}"
    shutil.copytree(home / "made", folder)
    tensors = {name: values.astype(dtype) for name, values in load_file(folder / "model.safetensors").items()}
    name = "model.layers.1.self_attn.q_proj.weight" if dtype is np.float32 else "model.layers.1.mlp.down_proj.weight"
    tensors[name] = tensors[name] * dtype(1.01)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tiny_gguf.tiny_models.model(folder, 290, config=config, tensors=tensors)
    words = "q_proj.weight was changed after" if dtype is np.float32 else f"{DOWN} differs"
    refused(home, 3, words, made=folder.name)


def test_rows_that_fit_no_half_precision_are_told(home: Path) -> None:
    shutil.copytree(home / "made", home / "huge")
    tensors = load_file(home / "huge" / "model.safetensors")
    tensors[EMBED][285] = 1e6
    config = json.loads((home / "huge" / "config.json").read_text(encoding="utf-8"))
    tiny_gguf.tiny_models.model(home / "huge", 290, config=config, tensors=tensors)
    tiny_gguf.write(home / "half.gguf", home / "base", kind=gguf.GGMLQuantizationType.F16)
    refused(home, 4, "row 285 of model.embed_tokens.weight does not fit F16", made="huge", base="half.gguf")


def test_options_that_cannot_work_are_usage_errors(home: Path) -> None:
    refused(home, 2, "--gguf-base", more=("--to", "tokkit"))
    done = tokkit("convert", "made", "--to", "tiktoken", "--gguf-base", "base.gguf", "-o", "out", cwd=home)
    assert (done.returncode, "is for `--to gguf`" in done.stderr) == (2, True), done.stderr
    refused(home, 2, "not a special token", more=("--role", "eos=the"))


def test_a_tokenizer_that_llama_cpp_lacks_is_refused(home: Path) -> None:
    (home / "a.txt").write_text(TEXT, encoding="utf-8")
    words = ("--method", "superbpe", "--generation", "head", "--vocab-size", "280", "--transition", "0.9")
    assert tokkit("train", "a.txt", "-o", "super", *words, cwd=home).returncode == 0
    assert tokkit("transplant", "base", "super", "-o", "super-made", cwd=home).returncode == 0
    refused(home, 4, "no pre-tokenizer like `superbpe-head@1`", made="super-made")


def test_a_full_disk_is_told_before_anything_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    refused(home, 5, "MB are needed")


def test_without_the_package_the_extra_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    refused(home, 2, "gguf is needed")
