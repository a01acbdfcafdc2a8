"""A real small model with a tokenizer of ours: better initial rows read text better."""

from pathlib import Path

import pytest

import tokkit
from tests.models_folder import models_folder
from tests.oracles.llama import Llama, bits_per_byte
from tokkit import artifact
from tokkit.corpus import texts
from tokkit.model.tokenizer import Tokenizer
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.run import transplant

BASE = models_folder() / "stories260K"
STORIES = (Path(__file__).parents[1] / "data" / "stories.txt").read_text(encoding="utf-8").splitlines()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not BASE.is_dir(), reason="no stories260K here")]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of 640 tokens learnt from the first three stories."""
    model = tokkit.train(texts(STORIES[:3]), vocab_size=640, special_tokens=("<s>", "</s>"))
    folder = tmp_path_factory.mktemp("quality") / "tok"
    artifact.save(model, folder)
    return folder


def judge(folder: Path) -> float:
    tokenizer = Tokenizer.from_pretrained(folder)
    begin = tokenizer.specials["<s>"]
    return bits_per_byte(Llama(folder), STORIES, [[begin, *tokenizer.encode(text)] for text in STORIES])


def test_the_forward_pass_knows_the_model() -> None:
    from tokkit.load import load_tokenizer

    tokenizer = load_tokenizer(BASE)
    # What transformers gives on stories of the model's own kind lies near 0.89.
    assert bits_per_byte(Llama(BASE), STORIES, [[1, *tokenizer.encode(text)] for text in STORIES]) < 1.2


def test_auto_beats_mean_beats_random(target: Path, tmp_path: Path) -> None:
    found = {}
    for method in ("auto", "mean", "random"):
        transplant(BASE, target, tmp_path / method, method=method)
        found[method] = judge(tmp_path / method)
    assert found["auto"] < found["mean"] < found["random"], found


def test_an_output_matrix_of_its_own(target: Path, tmp_path: Path) -> None:
    report = transplant(BASE, target, tmp_path / "untied", config=TransplantConfig(untie=True))
    assert set(report.tensors) >= {"model.embed_tokens.weight"}
    made = Llama(tmp_path / "untied")
    assert made.weights["lm_head.weight"].shape == made.weights["model.embed_tokens.weight"].shape
    assert made.config["tie_word_embeddings"] is False
    transplant(BASE, target, tmp_path / "mean", method="mean")
    assert judge(tmp_path / "untied") < judge(tmp_path / "mean")
