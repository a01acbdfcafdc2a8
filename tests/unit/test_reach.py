"""Reachability of WordPiece's `##` tokens, against all words that there are."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.metric_files import tokenizer
from tokkit.evaluate import evaluate
from tokkit.load import load_tokenizer
from tokkit.metrics.health import health

PIECES = ["".join(letters) for size in (1, 2, 3) for letters in product("ab", repeat=size)]


def wordpiece(folder, names):
    vocabulary = {name: place for place, name in enumerate(["[UNK]", *names])}
    content = {
        "version": "1.0",
        "added_tokens": [
            {
                "id": 0,
                "content": "[UNK]",
                "special": True,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_tokenizer(path), vocabulary


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(PIECES), min_size=1), st.sets(st.sampled_from(PIECES), min_size=1))
def test_continuations_said_to_be_dead_are_in_no_word(tmp_path_factory, starts, inner):
    names = [*sorted(starts), *(f"##{piece}" for piece in sorted(inner))]
    subject, vocabulary = wordpiece(tmp_path_factory.mktemp("w"), names)
    words = ["".join(letters) for size in range(1, 8) for letters in product("ab", repeat=size)]
    used = set(subject.encode_batch(words).ids.tolist())
    dead = set(health(subject).continuation_unreachable)
    assert not dead & used
    for name in names:
        x = name.removeprefix("##")
        # What follows a beginning of a word directly is surely used.
        if name != x and any(not any(q + x[:end] in starts for end in range(1, len(x) + 1)) for q in starts):
            assert vocabulary[name] in used
            assert vocabulary[name] not in dead


def test_continuation_that_the_pretokenizer_cuts_off_is_dead(tmp_path):
    subject, vocabulary = wordpiece(tmp_path, ["a", ".", "##.", "##a", "##b", "ab"])
    found = health(subject)
    # A full stop is a word of its own; `##b` is after `##a`, though never after `a`.
    assert found.continuation_unreachable == [vocabulary["##."]]
    assert vocabulary["##."] in found.unreachable
    rows = evaluate({"w": subject}, {}, ["health.continuation_unreachable", "health.model_unreachable"])
    assert [row.value for row in rows.rows] == [1.0, None]


@pytest.mark.parametrize("name", ["bbpe_4k", "unigram_unk_2k"])
def test_tokenizer_without_continuations_says_so(name):
    found = health(tokenizer(name))
    assert found.continuation_unreachable is None
    said = {finding.check: finding.message for finding in found.findings if finding.severity == "not_applicable"}
    assert "no tokens that continue a word" in said["continuations"]
    assert "no byte tokens" in said["byte_tokens"]
