"""Fidelity is measured over pretokens and weighed by their counts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers

from tests.golden_models import golden_model
from tokkit.errors import GateError, TokenizerError
from tokkit.export import EXPORTERS
from tokkit.export.fidelity import Fidelity, fidelity
from tokkit.export.hf import tokenizer_json

WORDS = [(b" the", 60), (b" freedom", 30), (b" xylophone", 9), (b"\xff\xfe", 1)]


def test_plain_export_is_exact(tmp_path: Path) -> None:
    model = golden_model("p1_byte_v500", "tokkit")
    EXPORTERS.get("hf")(model, tmp_path)
    found = fidelity(model, tmp_path / "tokenizer.json", WORDS, min_fidelity=1.0)
    assert found == Fidelity(distinct=4, mass=100, same_distinct=4, same_mass=100)
    assert found.is_exact
    assert found.mass_share == 1.0


def test_pretokens_with_markers_are_not_marked_again(tmp_path: Path) -> None:
    model = golden_model("p1_metaspace_bytefallback_v700")
    EXPORTERS.get("hf")(model, tmp_path)
    rows = [("▁the".encode(), 5), ("▁人".encode(), 2), (b"free", 1)]
    assert fidelity(model, tmp_path / "tokenizer.json", rows).is_exact


def test_character_level_pretoken_that_is_not_text_counts_as_different(tmp_path: Path) -> None:
    model = golden_model("p1_metaspace_bytefallback_v700")
    EXPORTERS.get("hf")(model, tmp_path)
    found = fidelity(model, tmp_path / "tokenizer.json", [(b"\xff", 3), (b"a", 1)])
    assert (found.skipped, found.same_mass, found.mass) == (1, 1, 4)


def test_lossy_file_is_weighed_by_counts_and_named(tmp_path: Path) -> None:
    model = golden_model("p1_byte_v500", "tokkit")
    content = tokenizer_json(model)
    assert isinstance(content["model"], dict)
    content["model"]["merges"] = [pair for pair in content["model"]["merges"] if pair != ["Ġt", "he"]]
    assert len(content["model"]["merges"]) == 243
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    found = fidelity(model, tmp_path / "tokenizer.json", WORDS)
    assert (found.same_distinct, found.same_mass) == (3, 40)
    assert found.examples == (b" the",)
    with pytest.raises(GateError, match=r"40\.0000%") as caught:
        fidelity(model, tmp_path / "tokenizer.json", WORDS, min_fidelity=0.5)
    assert caught.value.exit_code == 1


def test_file_that_the_library_cannot_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError, match="cannot read"):
        fidelity(golden_model("p1_byte_v300"), tmp_path / "tokenizer.json", WORDS)


def test_empty_table_is_exact() -> None:
    model = golden_model("p1_byte_v300")
    library = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(model)))
    assert fidelity(model, library, []).is_exact


def test_specials_are_not_cut_out_of_pretokens() -> None:
    model = golden_model("p3_byte_v1000_mf5_special", "tokkit")
    library = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(model)))
    assert fidelity(model, library, [(b" whether", 1), (b"the", 1)]).is_exact
    assert fidelity(replace(model, pretokenizer="gpt2@1"), library, [(b"other", 1)]).is_exact
