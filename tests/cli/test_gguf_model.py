"""`tokkit convert MADE --to gguf --gguf-base BASE`: a transplanted model for llama.cpp."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cli.command import tokkit

gguf = pytest.importorskip("gguf")

from tests import tiny_gguf  # noqa: E402 # wants gguf
from tests.tiny_gguf import EMBED, HEAD  # noqa: E402 # wants gguf

TEXT = "the quick brown fox jumps over the lazy dog, the fox and the dog\n" * 4
KIND = gguf.GGMLQuantizationType


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base` (tied) and `loose` (untied), their transplants `made` and `parted` with 290 tokens in 320 rows, GGUFs."""
    home = tmp_path_factory.mktemp("gguf")
    tiny_gguf.folder(home / "base", TEXT[:66], 270)
    tiny_gguf.folder(home / "loose", TEXT[:66], 270, is_tied=False)
    tiny_gguf.tiny_models.tokenizer(home / "target", TEXT + "the lazy foxes sleep " * 9, 290)
    (home / "base" / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    for base, made in (("base", "made"), ("loose", "parted")):
        done = tokkit("transplant", base, "target", "-o", made, "--pad-to-multiple-of", 64, cwd=home)
        assert done.returncode == 0, done.stderr
    tiny_gguf.write(home / "base.gguf", home / "base")
    tiny_gguf.write(home / "loose.gguf", home / "loose")
    return home


def convert(home: Path, made: str, base: str, name: str, *more: object) -> Path:
    done = tokkit("convert", made, "--to", "gguf", "--gguf-base", base, "-o", name, *more, cwd=home)
    assert done.returncode == 0, done.stderr
    return home / name / "model.gguf"


def test_the_body_stays_byte_for_byte_and_the_rows_are_the_folders(home: Path) -> None:
    path = convert(home, "made", "base.gguf", "one")
    before, after = tiny_gguf.tensors(home / "base.gguf"), tiny_gguf.tensors(path)
    assert list(after) == list(before)
    assert {name for name in before if before[name] != after[name]} == {"token_embd.weight"}
    made = load_file(home / "made" / "model.safetensors")[EMBED]
    assert made.shape == (320, tiny_gguf.WIDTH)
    assert (tiny_gguf.matrix(path, "token_embd.weight") == made).all()
    assert [item.name for item in path.parent.iterdir()] == ["model.gguf"]


def test_the_keys_are_the_new_tokenizers(home: Path) -> None:
    before = tiny_gguf.contents(home / "base.gguf")
    after = tiny_gguf.contents(convert(home, "made", "base.gguf", "keys"))
    ours = {name for name in after if name.startswith("tokenizer.")} | {"llama.vocab_size"}
    assert {name: after[name] for name in after if name not in ours} == {
        name: before[name] for name in before if name not in ours
    }
    config = json.loads((home / "made" / "config.json").read_text(encoding="utf-8"))
    tokens, kinds = after["tokenizer.ggml.tokens"], after["tokenizer.ggml.token_type"]
    assert len(tokens) == len(set(tokens)) == len(kinds) == 320 == after["llama.vocab_size"]
    assert set(kinds[290:]) == {int(gguf.TokenType.UNUSED)}
    assert int(gguf.TokenType.UNUSED) not in kinds[:290]
    assert (after["tokenizer.ggml.pre"], after["tokenizer.ggml.model"]) == ("llama-bpe", "gpt2")
    assert after["tokenizer.ggml.eos_token_id"] == config["eos_token_id"] == tokens.index("</s>")
    assert after["tokenizer.ggml.bos_token_id"] == config["bos_token_id"] == tokens.index("<s>")
    assert after["tokenizer.ggml.eot_token_id"] == tokens.index("</s>"), "the base's token where it is now"
    assert after["tokenizer.ggml.add_bos_token"] is after["tokenizer.ggml.add_eos_token"] is False
    assert after["tokenizer.chat_template"] == "{{ messages }}"


@pytest.mark.parametrize(("made", "base", "has_output"), [("parted", "loose.gguf", True), ("made", "base.gguf", False)])
def test_the_output_matrix_is_there_when_the_model_has_one(
    home: Path, made: str, base: str, *, has_output: bool
) -> None:
    path = convert(home, made, base, f"output-{made}")
    assert ("output.weight" in tiny_gguf.tensors(path)) == has_output
    if has_output:
        wanted = load_file(home / made / "model.safetensors")[HEAD]
        assert (tiny_gguf.matrix(path, "output.weight") == wanted).all()
        assert not (wanted == load_file(home / made / "model.safetensors")[EMBED]).all()


def test_an_untied_result_of_a_tied_base_gets_an_output_matrix(home: Path) -> None:
    assert tokkit("transplant", "base", "target", "-o", "untied", "--untie", cwd=home).returncode == 0
    path = convert(home, "untied", "base.gguf", "output-untied")
    assert list(tiny_gguf.tensors(path))[:2] == ["token_embd.weight", "output.weight"]
    wanted = load_file(home / "untied" / "model.safetensors")[HEAD]
    assert (tiny_gguf.matrix(path, "output.weight") == wanted).all()


def test_the_output_matrix_of_the_file_is_dropped_when_the_model_is_tied(home: Path) -> None:
    rows = load_file(home / "base" / "model.safetensors")[EMBED]
    tiny_gguf.write(home / "twice.gguf", home / "base", changed={"output.weight": rows})
    done = tokkit("convert", "made", "--to", "gguf", "--gguf-base", "twice.gguf", "-o", "once", cwd=home)
    assert (done.returncode, "output.weight: left out" in done.stderr) == (0, True), done.stderr
    assert "output.weight" not in tiny_gguf.tensors(home / "once" / "model.gguf")


@pytest.mark.parametrize("kind", [KIND.F16, KIND.BF16, KIND.Q8_0, KIND.Q5_1, KIND.Q4_0])
def test_the_table_keeps_its_type(home: Path, kind: "gguf.GGMLQuantizationType") -> None:
    base = tiny_gguf.write(home / f"{kind.name}.gguf", home / "base", kind=kind)
    path = convert(home, "made", base.name, f"kept-{kind.name}")
    made = load_file(home / "made" / "model.safetensors")[EMBED]
    assert tiny_gguf.tensors(path)["token_embd.weight"] == (kind.name, gguf.quants.quantize(made, kind).tobytes())
    before, after = tiny_gguf.tensors(base), tiny_gguf.tensors(path)
    assert {name for name in before if before[name] != after[name]} == {"token_embd.weight"}


def test_types_that_gguf_cannot_make_become_q8_0(home: Path) -> None:
    """IQ4_NL: blocks of 32 numbers in 18 bytes, the first two a scale in half precision."""
    blocks = np.random.default_rng(0).integers(0, 256, (270, 2, 18)).astype(np.uint8)
    blocks[:, :, :2] = np.array([1 / 64], np.float16).view(np.uint8)
    packed = blocks.reshape(270, 36)
    shutil.copytree(home / "base", home / "iq")
    tensors = load_file(home / "iq" / "model.safetensors")
    tensors[EMBED] = np.asarray(gguf.quants.dequantize(packed, KIND.IQ4_NL), np.float32)
    tiny_gguf.tiny_models.model(home / "iq", 270, config={"num_hidden_layers": 2}, tensors=tensors)
    assert tokkit("transplant", "iq", "target", "-o", "iq-made", cwd=home).returncode == 0
    writer = home / "iq.gguf"
    tiny_gguf.write(writer, home / "iq", packed={"token_embd.weight": (packed, KIND.IQ4_NL)})

    done = tokkit("convert", "iq-made", "--to", "gguf", "--gguf-base", "iq.gguf", "-o", "iq-done", cwd=home)

    assert (done.returncode, "cannot make IQ4_NL" in done.stderr) == (0, True), done.stderr
    wanted = gguf.quants.quantize(load_file(home / "iq-made" / "model.safetensors")[EMBED], KIND.Q8_0).tobytes()
    assert tiny_gguf.tensors(home / "iq-done" / "model.gguf")["token_embd.weight"] == ("Q8_0", wanted)


def test_the_same_input_gives_the_same_bytes(home: Path) -> None:
    first, second = (convert(home, "made", "base.gguf", name) for name in ("twin1", "twin2"))
    assert first.read_bytes() == second.read_bytes()


def test_what_the_tokenizer_puts_in_front_is_said(home: Path) -> None:
    shutil.copytree(home / "made", home / "fronted")
    path = home / "fronted" / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    number = next(row["id"] for row in content["added_tokens"] if row["content"] == "<s>")
    special, text = {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [special, text],
        "pair": [special, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [number], "tokens": ["<s>"]}},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    for name in ("tokkit.json", "events.parquet"):
        (home / "fronted" / name).unlink(missing_ok=True)
    keys = tiny_gguf.contents(convert(home, "fronted", "base.gguf", "fronted-gguf"))
    assert keys["tokenizer.ggml.add_bos_token"] is True
    assert keys["tokenizer.ggml.add_eos_token"] is False
    assert keys["tokenizer.ggml.bos_token_id"] == number


def test_chat_templates_of_several_names_keep_them(home: Path) -> None:
    shutil.copytree(home / "made", home / "named")
    (home / "named" / "chat_template.jinja").unlink()
    path = home / "named" / "tokenizer_config.json"
    named = [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]
    content = json.loads(path.read_text(encoding="utf-8")) | {"chat_template": named}
    path.write_text(json.dumps(content), encoding="utf-8")
    keys = tiny_gguf.contents(convert(home, "named", "base.gguf", "named-gguf"))
    found = {name.removeprefix("tokenizer."): keys[name] for name in keys if "chat_template" in name}
    assert found == {"chat_template": "D", "chat_templates": ["tool_use"], "chat_template.tool_use": "T"}


def test_a_role_of_the_command_line_comes_first(home: Path) -> None:
    keys = tiny_gguf.contents(convert(home, "made", "base.gguf", "roles", "--role", "eos=<s>"))
    assert keys["tokenizer.ggml.eos_token_id"] == keys["tokenizer.ggml.tokens"].index("<s>")


def test_rows_that_were_trained_since_are_written_and_told(home: Path) -> None:
    shutil.copytree(home / "made", home / "healed")
    tensors = load_file(home / "healed" / "model.safetensors")
    tensors[EMBED] = tensors[EMBED] * np.float32(1.05)
    config = json.loads((home / "healed" / "config.json").read_text(encoding="utf-8"))
    tiny_gguf.tiny_models.model(home / "healed", 320, config=config, tensors=tensors)
    done = tokkit("convert", "healed", "--to", "gguf", "--gguf-base", "base.gguf", "-o", "healed-gguf", cwd=home)
    assert (done.returncode, "trained since" in done.stderr) == (0, True), done.stderr
    path = home / "healed-gguf" / "model.gguf"
    assert (tiny_gguf.matrix(path, "token_embd.weight") == tensors[EMBED]).all()


def test_a_folder_is_replaced_only_when_asked(home: Path) -> None:
    arguments = ("convert", "made", "--to", "gguf", "--gguf-base", "base.gguf", "-o", "again")
    assert [tokkit(*arguments, cwd=home).returncode for _ in range(2)] == [0, 2]
    assert tokkit(*arguments, "--overwrite", cwd=home).returncode == 0
    done = tokkit(*arguments[:-1], "made", "--overwrite", cwd=home)
    assert (done.returncode, "would replace" in done.stderr) == (2, True), done.stderr
    assert (home / "made" / "config.json").is_file()
