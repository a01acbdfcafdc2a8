"""Signals of a causal byte-level model of transformers, against one prediction at a time."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import tokkit
from tokkit.bytespan.neural import NeuralByteLm
from tokkit.bytespan.signals_file import read_signals
from tokkit.errors import TokenizerError, UsageError
from tokkit.model.vocab import BYTE_ALPHABET

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.models

DOCUMENTS = [b"the cat sat on the mat, and then it sat there", b"", b"\x00", "états".encode(), b"aaaa" * 13]
N_IDS = 260


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model of 260 ids whose bytes stand in another order."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model")
    config = transformers.LlamaConfig(
        vocab_size=N_IDS, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=32, bos_token_id=None, eos_token_id=258, tie_word_embeddings=True,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
    model.save_pretrained(path, safe_serialization=True)
    vocabulary = {character: N_IDS - 3 - place for place, character in enumerate(BYTE_ALPHABET)}
    (path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), encoding="utf-8")
    return path


def one_at_a_time(folder: Path, text: bytes, window: int, stride: int) -> tuple[list[float], list[float]]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = [258, *(N_IDS - 3 - byte for byte in text)]
    surprisal, entropy = [], []
    for at in range(1, len(ids)):
        # The first window that holds the input of this prediction.
        begin = next(b for b in range(0, len(ids), stride) if b + window >= at)
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids[begin:at]])).logits[0, -1].double()
        p = torch.softmax(logits, -1)
        surprisal.append(-math.log2(p[ids[at]].item()))
        entropy.append(-sum(x * math.log2(x) for x in p.tolist() if x > 0))
    return surprisal, entropy


@pytest.mark.parametrize(("window", "stride", "batch"), [(None, None, 8), (8, 3, 2), (32, 32, 1), (5, 1, 7)])
def test_signals_are_those_of_one_prediction_at_a_time(
    folder: Path, window: int | None, stride: int | None, batch: int
) -> None:
    model = NeuralByteLm(folder, window=window, stride=stride, batch_size=batch, device="cpu")
    assert model.window == (window or 32)
    assert model.stride == (stride or 8)
    surprisal, entropy = model.signals(DOCUMENTS)
    wanted = [one_at_a_time(folder, text, model.window, model.stride) for text in DOCUMENTS]
    assert surprisal == pytest.approx([bits for found, _ in wanted for bits in found], abs=1e-3)
    assert entropy == pytest.approx([bits for _, found in wanted for bits in found], abs=1e-3)
    assert surprisal.std() > 0.1


def test_without_a_start_token_the_first_byte_is_any(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "eos_token_id": None}), encoding="utf-8")
    surprisal, entropy = NeuralByteLm(tmp_path, device="cpu").signals([b"ab", b"c"])
    assert surprisal[[0, 2]].tolist() == entropy[[0, 2]].tolist() == [8.0, 8.0]
    assert surprisal[1] != 8.0


def test_from_text_to_vocabulary_by_the_command_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat\non the mat\n" * 4, encoding="utf-8")
    made = tokkit(
        "signals", "text.txt", "-o", "s.parquet", "--model", folder, "--space-in-front", "--json", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["documents"] == 8
    found = read_signals(tmp_path / "s.parquet", "surprisal")
    assert found.documents[:2] == [b" the cat sat\n", b" on the mat\n"]
    assert np.isfinite(found.signal).all()
    result = tokkit(
        "train", "text.txt", "-o", "out", "--method", "bytespan", "--vocab-size", 265, "--signals", "s.parquet",
        cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_bad_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="not a model folder"):
        NeuralByteLm(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(TokenizerError, match="not JSON"):
        NeuralByteLm(tmp_path)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(TokenizerError, match="cannot load"):
        NeuralByteLm(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04]")
    with pytest.raises(TokenizerError, match="safetensors"):
        NeuralByteLm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(TokenizerError, match="which of the 260 ids"):
        NeuralByteLm(tmp_path)
    assert NeuralByteLm(tmp_path, first_id=2, device="cpu").signals([b"a"])[0][0] > 0
    with pytest.raises(TokenizerError, match="do not fit"):
        NeuralByteLm(tmp_path, first_id=9)


def test_code_of_a_folder_is_never_run(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    code = {**config, "auto_map": {"AutoModelForCausalLM": "evil.Evil"}, "model_type": "evil"}
    (tmp_path / "config.json").write_text(json.dumps(code), encoding="utf-8")
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8")
    with pytest.raises(TokenizerError, match="never run"):
        NeuralByteLm(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("options", [{"window": 33}, {"window": 8, "stride": 9}, {"batch_size": 0}, {"device": "nope"}])
def test_sizes_and_devices_that_cannot_work_are_refused(folder: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        NeuralByteLm(folder, **options)  # type: ignore[arg-type]  # wrong on purpose
