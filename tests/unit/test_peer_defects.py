"""The defects of mergekit-tokensurgeon 0.1.5 that must not come back here, in the order of the specification (2.3).

Where a golden vector or a fault test covers one already, the name of that test stands at its place.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow.parquet import read_table
from safetensors.numpy import load_file, save_file

from tests import tiny_models
from tests.cli.command import tokkit
from tokkit import artifact
from tokkit import train as tokkit_train
from tokkit.corpus import texts
from tokkit.transplant.base import Pieces
from tokkit.transplant.match import match
from tokkit.transplant.omp import pursue
from tokkit.transplant.pieces import spell
from tokkit.transplant.procrustes import by_padding, by_principal_axes
from tokkit.transplant.vocabulary import CHARACTER_OF_BYTE, Vocabulary, read_vocabulary

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog 12 12\n" * 4
TABLE, HEAD = "model.embed_tokens.weight", "lm_head.weight"
ROPE = {"num_attention_heads": 2, "rope_parameters": {"rope_theta": 500.0}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` and `donor`: models whose configs are as transformers 5 writes them."""
    home = tmp_path_factory.mktemp("defects")
    tiny_models.model(tiny_models.tokenizer(home / "base", TEXT[:66], 270), 270, config=ROPE)
    tiny_models.model(tiny_models.tokenizer(home / "donor", TEXT, 290), 290, width=12, config=ROPE)
    return home


def made(home: Path, out: str, *options: object, base: str = "base") -> dict[str, Any]:
    done = tokkit("transplant", base, "donor", "-o", out, *options, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("method", ["stb", "mp_rope", "mean", "hewitt", "random"])
def test_defects_1_to_3_methods_that_crash_from_the_command_line(home: Path, method: str) -> None:
    """stb, mp_rope with `rope_parameters`, and noise around the mean; `hewitt` is that noise."""
    report = made(home, method, "--method", method, "--donor", "donor")
    assert report["methods"][TABLE].get(method, 0) > 0
    assert np.isfinite(load_file(home / method / "model.safetensors")[TABLE]).all()


@pytest.mark.parametrize("way", [by_principal_axes, by_padding])
def test_defect_4_a_rotation_is_the_minimiser_whatever_the_signs_and_the_batches(way: Any) -> None:
    """Anchors with distinct axes, B = A Q + 5 % noise; golden: test_linear_maps."""
    draw = np.random.default_rng(4)
    anchors = draw.standard_normal((2000, 16)) * np.linspace(1, 3, 16)
    turn = np.linalg.qr(draw.standard_normal((16, 16)))[0]
    base = anchors @ turn + 0.05 * draw.standard_normal((2000, 16))
    wanted = draw.standard_normal((40, 16)) * np.linspace(1, 3, 16)
    found = way(anchors, base, wanted)
    if way is by_principal_axes:
        assert np.linalg.norm(found - wanted @ turn) / np.linalg.norm(wanted @ turn) < 0.02
    flipped = np.where(np.arange(16) % 2, -1.0, 1.0)
    np.testing.assert_allclose(way(anchors * flipped, base, wanted * flipped), found, atol=1e-8)
    np.testing.assert_allclose(np.concatenate([way(anchors, base, wanted[:7]), way(anchors, base, wanted[7:])]), found)


def test_defect_5_more_atoms_than_rank_or_than_anchors_stay_small(home: Path) -> None:
    """Golden: test_more_atoms_than_rank_stay_finite, test_k_beyond_the_number_of_anchors_is_cut."""
    draw = np.random.default_rng(5)
    atoms = draw.standard_normal((30, 3)) @ draw.standard_normal((3, 12))
    found = pursue(atoms, draw.standard_normal((9, 12)), k=20)
    assert (found.used <= 3).all()
    assert np.abs(found.coefficients).max() < 1e3
    made(home, "wide", "--method", "omp", "--donor", "donor", "--k", 4096)


def test_defect_6_what_is_said_of_a_side_happens_to_that_side(home: Path) -> None:
    folder = home / "untied"
    folder.mkdir()
    for path in (home / "base").glob("tokenizer*"):
        (folder / path.name).write_bytes(path.read_bytes())
    draw = np.random.default_rng(6)
    rows = {name: draw.standard_normal((270, 8)).astype(np.float32) for name in (TABLE, HEAD)}
    tiny_models.model(folder, 270, tensors=rows, config={"tie_word_embeddings": False})
    poolings = ("--pooling-in", "first", "--pooling-out", "last")
    made(home, "sides", "--method", "compose", *poolings, base="untied")
    after = load_file(home / "sides" / "model.safetensors")
    new = read_vocabulary(home / "donor").by_data[b" and"]
    pieces = spell(read_vocabulary(folder), [b" and"], rows=270).segments[0]
    assert len(pieces) > 1
    assert (after[TABLE][new] == rows[TABLE][pieces[0]]).all()
    assert (after[HEAD][new] == rows[HEAD][pieces[-1]]).all()


def vocabulary(folder: Path, family: str, tokens: list[str], **more: Any) -> Vocabulary:
    """A tokenizer.json of these tokens in this order, and a tokenizer_config.json whose class says nothing."""
    kinds = {"bytelevel": {"type": "ByteLevel", "add_prefix_space": False}, "spm": {"type": "Metaspace"}}
    unknown = {"unk_token": None, "fuse_unk": False, "byte_fallback": family == "spm"}
    model = {"type": "BPE", "vocab": {token: at for at, token in enumerate(tokens)}, "merges": more.pop("merges", [])}
    added = [
        {"id": tokens.index(token), "content": token, "special": True, "single_word": False}
        | {"lstrip": False, "rstrip": False, "normalized": False}
        for token in more.pop("specials", [])
    ]
    content = {"version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None}
    content |= {"added_tokens": added, "pre_tokenizer": kinds[family], "decoder": None, "model": model | unknown}
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "TokenizersBackend", **more}), encoding="utf-8"
    )
    return read_vocabulary(folder)


def shown(text: str) -> str:
    return "".join(CHARACTER_OF_BYTE[byte] for byte in text.encode())


def test_defects_7_and_8_tokens_match_by_what_they_stand_for(tmp_path: Path) -> None:
    """Superwords, newlines, characters beyond ASCII, single bytes; golden: test_matches_of_all_ordered_pairs."""
    wanted = ["été", " a b", "\n\n", "日本", "\u00ad"]
    ours = vocabulary(tmp_path / "ours", "bytelevel", [*map(shown, wanted), *CHARACTER_OF_BYTE.values()])
    singles = [f"<0x{byte:02X}>" for byte in range(256)]
    theirs = vocabulary(tmp_path / "theirs", "spm", [*singles, *(text.replace(" ", "▁") for text in wanted)])
    assert (ours.family, theirs.family) == ("bytelevel", "spm")
    found = match(ours, theirs).source
    assert found[: len(wanted)].tolist() == [256 + at for at in range(len(wanted))]
    for byte in (0x0A, 0x20, 0x7F, 0x80, 0xAD, 0xFF):
        assert found[ours.by_data[bytes([byte])]] == byte
    text = [CHARACTER_OF_BYTE[byte] for byte in range(256)] + ["<0x41>"]
    literal = vocabulary(tmp_path / "literal", "bytelevel", text)
    assert literal.by_id[256].data == b"<0x41>"


def test_defect_9_a_token_is_spelled_by_its_bytes_without_a_prefix_and_specials_are_not_spelled(tmp_path: Path) -> None:
    tokens = ["<s>", "a", "b", "é", "▁", "▁a", "bos", "_token", "ab"]
    base = vocabulary(tmp_path / "base", "spm", tokens, specials=["<s>"], merges=["▁ a", "a b"])
    found: Pieces = spell(base, [b"a\xc3\xa9", b" ab", "b\u00e9".encode(), b"<s>"], rows=9)
    names = [[tokens[number] for number in row.tolist()] for row in found.segments]
    assert names[0] == ["a", "é"]
    assert names[1] in (["▁a", "b"], ["▁", "ab"])
    assert names[2] == ["b", "é"]
    assert "<s>" not in names[3]


def test_defect_10_no_special_token_loses_its_row(home: Path) -> None:
    """Several of one role, one token of three roles, chat tokens; also test_a_special_without_counterpart."""
    base, target = home / "chat", home / "chatter"
    specials = ("<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>")
    tiny_models.tokenizer(base, TEXT[:66], 275, specials)
    tiny_models.tokenizer(target, TEXT, 292, ("<|im_end|>", "<end>", "<|tool|>", "<begin>"))
    for folder, roles in (
        (base, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "</s>"}),
        (target, {"bos_token": "<begin>", "eos_token": "<end>", "pad_token": "<end>"}),
    ):
        path = folder / "tokenizer_config.json"
        kept = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**kept, **roles}), encoding="utf-8")
    tiny_models.model(base, 275)
    done = tokkit("transplant", "chat", "chatter", "-o", "chatted", cwd=home)
    assert done.returncode == 0, done.stderr
    before, after = (load_file(home / name / "model.safetensors")[TABLE] for name in ("chat", "chatted"))
    ours, theirs = read_vocabulary(base).specials, read_vocabulary(target).specials
    assert after.any(axis=1).all()
    for old, new in (("<s>", "<begin>"), ("</s>", "<end>"), ("<|im_end|>", "<|im_end|>")):
        assert (after[theirs[new]] == before[ours[old]]).all(), new
    mean = before[sorted(ours.values())].mean(axis=0)
    np.testing.assert_allclose(after[theirs["<|tool|>"]], mean, rtol=1e-5)


def test_defects_11_and_12_settings_template_shards_and_code_come_along(home: Path) -> None:
    """Also test_ids_in_nested_and_listed_settings_are_mapped, test_custom_code_is_copied_as_a_file."""
    base = home / "whole"
    base.mkdir()
    for path in (home / "base").glob("tokenizer*"):
        (base / path.name).write_bytes(path.read_bytes())
    tiny_models.model(base, 270, config={"eos_token_id": 269, "auto_map": {"AutoModel": "modeling_own.Own"}})
    (base / "modeling_own.py").write_text("raise SystemExit", encoding="utf-8")
    (base / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    (base / "generation_config.json").write_text(json.dumps({"eos_token_id": [269, 268], "top_k": 7}), encoding="utf-8")
    tensors = load_file(base / "model.safetensors")
    body = {f"model.layers.{layer}.w": np.full((4, 4), layer, np.float32) for layer in range(3)}
    (base / "model.safetensors").unlink()
    parts = [{TABLE: tensors[TABLE]}, {"model.norm.weight": tensors["model.norm.weight"]}, body]
    names = [f"model-0000{place}-of-00003.safetensors" for place in (1, 2, 3)]
    for name, part in zip(names, parts, strict=True):
        save_file(part, base / name, metadata={"format": "pt"})
    weight_map = {tensor: name for name, part in zip(names, parts, strict=True) for tensor in part}
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (base / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    made(home, "moved", base="whole")
    out = home / "moved"
    generation = json.loads((out / "generation_config.json").read_text(encoding="utf-8"))
    specials = read_vocabulary(home / "donor").specials
    assert (generation["eos_token_id"], generation["top_k"]) == ([specials["</s>"], specials["<s>"]], 7)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert (config["eos_token_id"], config["bos_token_id"]) == (specials["</s>"], specials["<s>"])
    assert config["auto_map"] == {"AutoModel": "modeling_own.Own"}
    assert (out / "modeling_own.py").is_file()
    assert (out / "chat_template.jinja").read_text(encoding="utf-8") == "{{ messages }}"
    kept = json.loads((out / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert kept["weight_map"] == weight_map
    for name in names[1:]:
        assert (out / name).read_bytes() == (base / name).read_bytes()


def test_defect_13_every_row_and_every_doubt_is_in_the_report(home: Path) -> None:
    threes = home / "threes"
    model = tokkit_train(texts([TEXT + "77 345 9\n"]), vocab_size=280, special_tokens=("<odd>",), pretokenizer="gpt2@1")
    artifact.save(model, threes)
    done = tokkit("transplant", "base", "threes", "-o", "told", "--method", "mined", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert sum(report["origins"].values()) == 280
    told = " ".join(report["warnings"])
    assert "digits are cut otherwise" in told
    assert "1 special tokens have no counterpart, rows are the mean of the base's: <odd>" in told
    assert "bos_token_id: 268 has no counterpart" in told
    rows = read_table(home / "told" / "transplant.parquet").to_pydict()
    assert len(rows["id"]) == 280
    assert {"residual", "weights_l1", "norm_z", "method", "origin", "base_ids"} <= rows.keys()
    assert np.isfinite(rows["norm_z"]).all()
