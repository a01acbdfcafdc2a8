"""The numpy forward pass that judges transplants where torch is not, against the real one."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.models_folder import models_folder
from tests.oracles.llama import Llama

pytestmark = pytest.mark.models


def test_the_numpy_llama_has_the_logits_of_transformers() -> None:
    folder = models_folder() / "stories260K"
    if not folder.is_dir():
        pytest.skip("no stories260K here")
    rows = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    ids = np.random.default_rng(7).integers(0, rows, 40).tolist()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        wanted = model(torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(Llama(folder).logits(ids), wanted, atol=2e-4)
