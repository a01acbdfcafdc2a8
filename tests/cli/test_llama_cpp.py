"""llama.cpp itself, where its package xllamacpp is installed: it reads our models and cuts texts as we do."""

import contextlib
import json
import random
import urllib.request
from pathlib import Path

import pytest

from tests.cli.command import tokkit

pytest.importorskip("gguf")
xllamacpp = pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.slow

from tokenizers import Tokenizer  # noqa: E402 # after what may skip the file

from tests import tiny_gguf  # noqa: E402 # wants gguf

TEXT = (Path(__file__).parents[1] / "data" / "stories.txt").read_text(encoding="utf-8")


def asked(server: object, path: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(
        f"{server.listening_address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with contextlib.closing(urllib.request.urlopen(request, timeout=60)) as answer:
        return json.loads(answer.read())


def drawn(draw: random.Random) -> str:
    """Text of the file, or characters from everywhere."""
    if draw.random() < 0.5:
        start = draw.randrange(len(TEXT) - 200)
        return TEXT[start : start + draw.randrange(1, 200)]
    ranges = [(32, 127), (0xA0, 0x500), (0x4E00, 0x9FFF), (0x1F300, 0x1F700), (9, 14)]
    return "".join(chr(draw.randrange(*draw.choice(ranges))) for _ in range(draw.randrange(1, 40)))


@pytest.mark.parametrize("untie", [False, True])
@pytest.mark.parametrize("pretokenizer", ["llama-bpe@1", "qwen2@1"])
def test_llama_cpp_runs_the_model_and_gives_our_ids(tmp_path: Path, pretokenizer: str, untie: bool) -> None:
    tiny_gguf.folder(tmp_path / "base", TEXT, 300)
    tiny_gguf.write(tmp_path / "base.gguf", tmp_path / "base")
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    specials = ("--special-tokens", "<s>", "--special-tokens", "</s>", "--pretokenizer", pretokenizer)
    more = ("--untie",) if untie else ()
    for words in (
        ("train", "a.txt", "-o", "target", "--vocab-size", 600, *specials),
        ("transplant", "base", "target", "-o", "made", "--pad-to-multiple-of", 64, *more),
        ("convert", "made", "--to", "gguf", "--gguf-base", "base.gguf", "-o", "out"),
    ):
        done = tokkit(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(tmp_path / "out" / "model.gguf")
    parameters.n_ctx, parameters.n_parallel, parameters.port, parameters.warmup = 256, 1, 0, False
    parameters.cpuparams.n_threads = 1

    server = xllamacpp.Server(parameters)

    library = Tokenizer.from_file(str(tmp_path / "made" / "tokenizer.json"))
    draw = random.Random(0)
    for text in [*(drawn(draw) for _ in range(300)), "<s>once</s> upon"]:
        body = {"content": text, "add_special": False, "parse_special": True}
        assert asked(server, "/tokenize", body)["tokens"] == library.encode(text, add_special_tokens=False).ids
    answer = asked(server, "/completion", {"prompt": "Once upon a time", "n_predict": 8, "temperature": 0})
    assert answer["tokens_evaluated"] == len(library.encode("Once upon a time").ids)
    assert answer["tokens_predicted"] > 0
