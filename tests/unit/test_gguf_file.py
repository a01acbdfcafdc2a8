"""The container of GGUF: what is written is read back, by us and by its own package."""

from pathlib import Path

import pytest

import tokkit
from tokkit.corpus import texts
from tokkit.export.gguf import metadata
from tokkit.export.gguf_file import ARRAY, GgufTensor, Value, encode, read_header, write_data, write_header

VALUES: dict[str, Value] = {
    "u8": (0, 255),
    "i8": (1, -128),
    "u16": (2, 65535),
    "i16": (3, -32768),
    "u32": (4, 2**32 - 1),
    "i32": (5, -(2**31)),
    "f32": (6, 0.5),
    "bool": (7, True),
    "text": (8, "çok güzel"),
    "nothing": (8, ""),
    "u64": (10, 2**64 - 1),
    "i64": (11, -(2**63)),
    "f64": (12, 0.1),
    "texts": (ARRAY, (8, ["a", "", "ü"])),
    "numbers": (ARRAY, (5, [1, -2, 3])),
    "none": (ARRAY, (8, [])),
}
TENSORS = [GgufTensor("a", (3, 2), 0, 24), GgufTensor("b", (5,), 0, 20)]
SIZES = {0: (1, 4)}


def written(path: Path, alignment: int = 32) -> Path:
    keys = {name: encode(value) for name, value in VALUES.items()}
    if alignment != 32:
        keys["general.alignment"] = encode((4, alignment))
    with path.open("wb") as file:
        write_header(file, keys, TENSORS, alignment=alignment)
        for place, tensor in enumerate(TENSORS):
            write_data(file, tensor, iter([bytes([place + 1]) * tensor.n_bytes]), alignment=alignment)
    return path


@pytest.mark.parametrize("alignment", [8, 32, 128])
def test_what_is_written_is_read_back(tmp_path: Path, alignment: int) -> None:
    read = read_header(written(tmp_path / "a.gguf", alignment), SIZES)
    assert {name: read.keys[name] for name in VALUES} == {name: encode(value) for name, value in VALUES.items()}
    assert read.alignment == alignment
    assert (read.number("i64"), read.number("bool"), read.number("f32"), read.number("gone")) == (
        -(2**63),
        None,
        None,
        None,
    )
    assert (read.text("text"), read.text("nothing"), read.text("u8")) == ("çok güzel", "", None)
    assert [(tensor.name, tensor.dims, tensor.start % alignment) for tensor in read.tensors.values()] == [
        ("a", (3, 2), 0),
        ("b", (5,), 0),
    ]
    assert [b"".join(read.data(tensor, block=7)) for tensor in read.tensors.values()] == [b"\1" * 24, b"\2" * 20]
    assert b"".join(read.data(read.tensors["a"], start=20, size=4)) == b"\1" * 4


def test_its_own_package_reads_the_same(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    reader = gguf.GGUFReader(written(tmp_path / "a.gguf"))
    for name, (kind, value) in VALUES.items():
        wanted = value[1] if kind == ARRAY else value
        assert reader.fields[name].contents() == wanted, name
    assert [(tensor.name, tensor.shape.tolist()) for tensor in reader.tensors] == [("a", [3, 2]), ("b", [5])]
    assert [tensor.data.tobytes() for tensor in reader.tensors] == [b"\1" * 24, b"\2" * 20]


def test_names_of_unused_ids_are_no_tokens() -> None:
    """llama.cpp ends when two ids have one name."""
    model = tokkit.train(texts(["a b"]), vocab_size=259, special_tokens=("[UNUSED259]", "[[UNUSED1]"))
    _, (_, tokens) = metadata(model, rows=262)["tokenizer.ggml.tokens"]
    assert len(tokens) == len(set(tokens)) == 262
