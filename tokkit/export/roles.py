"""Which special token begins, ends, pads or stands for the unknown."""

from collections.abc import Mapping
from typing import Final

from tokkit.errors import UsageError
from tokkit.model.model import Model

ROLES: Final = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
"""The roles that transformers knows, as the `<role>_token` keys of tokenizer_config.json."""

# The names that published tokenizers use, the first that the model has wins.
_USUAL: Final = {
    "bos": ("<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[BOS]", "<|bos|>"),
    "eos": ("</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "[EOS]", "<|eos|>"),
    "unk": ("<unk>", "[UNK]", "<|unk|>"),
    "sep": ("[SEP]", "<sep>"),
    "pad": ("<pad>", "[PAD]", "<|pad|>", "<|padding|>"),
    "cls": ("[CLS]", "<cls>"),
    "mask": ("[MASK]", "<mask>"),
}


def roles_of(model: Model, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Role -> special token: those given, else the ones that the specials' names say; unk is the alphabet's.

    Raises:
        UsageError: an unknown role, or a token that is not a special of the model.
    """
    found = {
        role: next(name for name in names if name in model.specials)
        for role, names in _USUAL.items()
        if any(name in model.specials for name in names)
    }
    if model.alphabet.unk_token is not None:
        found["unk"] = model.alphabet.unk_token
    for role, text in (given or {}).items():
        if role not in ROLES:
            raise UsageError(f"unknown role of a special token, got `{role}`", hint="one of: " + ", ".join(ROLES))
        if text not in model.specials:
            raise UsageError(
                f"role `{role}`: {text!r} is not a special token of this model",
                hint="special tokens: " + (", ".join(model.specials) or "none"),
            )
        found[role] = text
    return {role: found[role] for role in ROLES if role in found}
