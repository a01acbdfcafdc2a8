"""Views for the terminal: true, readable without colour, and harmless."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_models import golden_model
from tokkit.errors import TokenizerError
from tokkit.export import EXPORTERS
from tokkit.load import load_tokenizer
from tokkit.model.tokenizer import Tokenizer
from tokkit.report.diff import diff, regions, render_diff
from tokkit.report.info import info, render_info
from tokkit.report.show import merge_trees, render, render_trees, show
from tokkit.report.text import escape, quoted, visible


@pytest.fixture(scope="module")
def small() -> Tokenizer:
    return Tokenizer.from_model(golden_model("p1_byte_v300", "tokkit"))


@pytest.fixture(scope="module")
def large() -> Tokenizer:
    return Tokenizer.from_model(golden_model("p3_byte_v4000", "tokkit"))


@given(st.text())
def test_escaped_text_has_no_character_that_moves_the_terminal(text: str) -> None:
    shown = escape(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in shown)
    assert not any(c in shown for c in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028")


@given(st.binary())
def test_visible_bytes_can_be_told_apart(data: bytes) -> None:
    other = data + b"\x80"
    assert visible(data) != visible(other)
    assert quoted(data).startswith('"')
    assert quoted(data).endswith('"')


def test_bytes_that_are_no_text_are_hexadecimal() -> None:
    assert visible(b"caf\xc3") == "caf\\xc3"
    assert visible("ı\\\n".encode()) == "ı\\\\\\n"


def test_boundaries_are_seen_without_colour(small: Tokenizer) -> None:
    shown = show(small, "the end\nof")
    assert render(shown).replace("│", "").replace("\n", "") == "the end\\nof"
    assert render(shown).count("│") == len(shown.tokens) - 1
    assert "\x1b" not in render(shown)
    assert "·" + str(shown.tokens[0].id) in render(shown, ids=True)


def test_colour_only_adds_escape_sequences_of_its_own(small: Tokenizer) -> None:
    import re

    text = "a\x1b[2Jb\u202ec"
    coloured = render(show(small, text), colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(show(small, text))
    assert "\x1b[2J" not in coloured


def test_cut_character_is_shown_in_bytes(small: Tokenizer) -> None:
    assert render(show(small, "é")) == "\\xc3│\\xa9"


def test_shown_data_are_json(small: Tokenizer) -> None:
    data = json.loads(json.dumps(show(small, "né").to_json()))
    assert [token["bytes"] for token in data["tokens"]] == ["6e", "c3", "a9"]
    assert [token["span"] for token in data["tokens"]] == [[0, 1], [1, 2], [2, 3]]


def test_empty_text_has_no_tokens(small: Tokenizer) -> None:
    assert render(show(small, "")) == ""
    assert merge_trees(small, "") == []


def test_merge_tree_goes_down_to_bytes(small: Tokenizer) -> None:
    (tree,) = merge_trees(small, " the")
    assert tree.token == b" the"
    assert tree.rank is not None

    def leaves(node: object) -> bytes:
        return b"".join(map(leaves, node.children)) if node.children else node.token  # type: ignore[attr-defined]

    assert leaves(tree) == b" the"
    lines = render_trees([tree]).splitlines()
    assert lines[0].startswith(f'" the"  id {tree.id}  merge {tree.rank + 1}')
    assert any(line.startswith("└─ ") for line in lines)


def test_tree_needs_a_log(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="no log"):
        merge_trees(library_tokenizer(tmp_path), "a")


def library_tokenizer(folder: Path):  # type: ignore[no-untyped-def]
    content = {
        "added_tokens": [{"id": 0, "content": "[UNK]", "special": True, "normalized": False}],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"[UNK]": 0, "a": 1, "##a": 2, "ж": 3},
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return load_tokenizer(folder)


def test_difference_of_a_tokenizer_to_itself_is_nothing(large: Tokenizer) -> None:
    found = diff(large, large, ["All human beings", "", "é\n"])
    assert (found.texts, found.same_texts, found.n_regions, found.same_share) == (3, 3, 0, 1.0)


def test_differences_are_the_smallest_stretches_between_common_cuts() -> None:
    left, right = [(0, 3), (3, 4), (4, 8), (8, 9)], [(0, 1), (1, 3), (3, 4), (4, 6), (6, 8), (8, 9)]
    assert regions(left, right, 9) == [
        (0, 3, [(0, 3)], [(0, 1), (1, 3)]),
        (4, 8, [(4, 8)], [(4, 6), (6, 8)]),
    ]


def test_spans_that_overlap_or_leave_gaps_are_aligned() -> None:
    # One side cuts a character and names it whole, twice; the other drops the last byte.
    assert regions([(0, 2), (0, 2), (2, 3)], [(0, 2), (2, 3)], 4) == [(0, 2, [(0, 2), (0, 2)], [(0, 2)])]
    assert regions([(0, 1)], [], 1) == [(0, 1, [(0, 1)], [])]
    assert regions([], [], 0) == []


@given(st.lists(st.text(alphabet="aeionthdr ,\né", max_size=40), max_size=4))
def test_stretches_hold_all_that_differs(texts: list[str]) -> None:
    left = Tokenizer.from_model(golden_model("p1_byte_v300", "tokkit"))
    right = Tokenizer.from_model(golden_model("p1_byte_v500", "tokkit"))
    found = diff(left, right, texts)
    # What each side has within the stretches makes up the whole difference in the number of tokens.
    extra = sum(len(region.left) - len(region.right) for region in found.regions)
    assert extra == found.left_tokens - found.right_tokens
    assert all(b"".join(region.left) == b"".join(region.right) for region in found.regions)
    assert sum(found.common.values()) == found.n_regions == len(found.regions)


def test_difference_is_rendered_with_counts(small: Tokenizer, large: Tokenizer) -> None:
    text = render_diff(diff(small, large, ["function function \x1b"] * 3), ("small", "large"))
    assert "texts          3, cut alike 0" in text
    assert "small | large" in text
    assert "\x1b" not in text


def test_info_of_our_own(small: Tokenizer) -> None:
    facts = info(small)
    assert (facts.vocab_size, facts.n_tokens, facts.n_merges, facts.unit) == (300, 300, 44, "byte")
    assert facts.makeup["part of a character"] == 128
    assert sum(facts.makeup.values()) == 300
    assert "300 tokens" in render_info(facts)
    json.dumps(facts.to_json())


def test_info_of_a_library_tokenizer(tmp_path: Path) -> None:
    facts = info(library_tokenizer(tmp_path))
    assert facts.specials == {"[UNK]": 0}
    assert facts.makeup == {"Latin": 2, "Cyrillic": 1}
    assert "another library: a WordPiece model" in render_info(facts)


def test_specials_of_a_stranger_cannot_move_the_terminal(tmp_path: Path) -> None:
    EXPORTERS.get("hf")(golden_model("p1_byte_v300", "hf"), tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["added_tokens"] = [{"id": 300, "content": "\x1b[2J\u202e", "special": True, "normalized": False}]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    text = render_info(info(load_tokenizer(tmp_path)))
    assert "\x1b" not in text
    assert "\u202e" not in text
