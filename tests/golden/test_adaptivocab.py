"""N-grams for a domain against the golden files, which an oracle made from reading the authors' code."""

import json
from pathlib import Path

import pytest

from tests.golden_folder import golden_folder
from tokkit.trainers.ngrams import choose_ngrams, join_ngrams

FOLDER = golden_folder() / "trainers2" / "adaptivocab"


def files() -> list[Path]:
    found = sorted(FOLDER.glob("*.json"))
    assert found, f"no golden files in {FOLDER}"
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_chosen_ngrams_and_encodings_equal_the_golden(path: Path) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    params = entry["params"]

    def is_wanted(ngram: tuple[str, ...]) -> bool:
        crosses = any(token.startswith("▁") for token in ngram[1:])
        is_odd = any("<0x" in token or "\xa0" in token for token in ngram)
        return (params["allow_cross_word"] or not crosses) and not is_odd and not all(t.isdigit() for t in ngram)

    chosen = choose_ngrams(
        entry["token_texts"],
        n_new=params["n_new"],
        max_n=params["max_n"],
        n_candidates=params["top_ngrams"],
        is_wanted=is_wanted,
        min_overlap=params["min_freq_affected"],
        is_saving=False,
    )

    assert [[list(ngram), count] for ngram, count in chosen] == entry["selected"]
    ranked = {ngram: rank for rank, (ngram, _) in enumerate(chosen)}
    for case in entry["encodings"]:
        joined = join_ngrams(case["tokens"], ranked, params["max_n"])
        assert [list(ngram) for ngram in joined] == case["encoded"]
