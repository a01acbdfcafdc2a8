"""The named, versioned pre-tokenizers, and their forms in other programs."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from tokkit import _core
from tokkit.errors import UsageError

Unit = Literal["byte", "char"]
Json = dict[str, object]

_BYTE_LEVEL: Json = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
_METASPACE: Json = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
_PREPEND: Json = {"type": "Prepend", "prepend": "\u2581"}
# White space of Python's `str.split()`: `\\s` and the four separators of ASCII.
_PICKY_STEPS: tuple[Json, ...] = (
    {"type": "Replace", "pattern": {"Regex": r"\A[\s\x1C-\x1F]+|[\s\x1C-\x1F]+\z"}, "content": ""},
    {"type": "Replace", "pattern": {"Regex": r"[\s\x1C-\x1F]+"}, "content": " \u2581"},
    _PREPEND,
)
# The schemes of the model families that sentencepiece trained: a pretoken is a run of spaces and what follows it. No
# merge of theirs reaches over the end of a pretoken, so that Hugging Face need not cut the text at all.
_SPACE_RUNS = ("llama2@1", "mistral@1", "gemma@1")
# The schemes that write U+2581 for a space.
_MARKED = frozenset({"metaspace@1", "sentencepiece@1", "picky-words@1", *_SPACE_RUNS})
_MARK_SPACES: Json = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
_UNMARK_SPACES: Json = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
# What the schemes do that are not made of regexes.
_SUMMARIES = {
    "whitespace@1": "words between white space, which is dropped",
    "metaspace@1": "a word and the marker U+2581 of the space before it; one in front of the text",
    "sentencepiece@1": "as metaspace@1, runs of spaces collapsed and stripped at both ends",
    "picky-words@1": "words of Python's split, each behind U+2581 (the authors' code of Picky BPE)",
    "llama2@1": "a run of spaces, as U+2581, and what follows it; one more in front of every section",
    "mistral@1": "the same; one in front of a text that has none there",
    "gemma@1": "the same; none in front",
    "none@1": "nothing is cut: the whole text is one pretoken",
}
_STRIP_ONE: Json = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
# `tokenizer.ggml.pre` of llama.cpp. cl100k@1 has none: `llama-bpe` differs from it in white space at the end of a text.
_LLAMA_CPP = {
    "llama-bpe@1": "llama-bpe",
    "gpt2@1": "gpt-2",
    "o200k@1": "gpt-4o",
    "qwen2@1": "qwen2",
    "deepseek-llm@1": "deepseek-llm",
    "tekken@1": "tekken",
    "superbpe@1": "superbpe",
}


def names() -> list[str]:
    """The ids of all named schemes; `regex:<pattern>` is a scheme too."""
    return _core.scheme_names()


def canonical(name: str) -> str:
    """The full id of a scheme: with version, and the name of a `regex:<pattern>` that is a named scheme's.

    Raises:
        UsageError: unknown name or bad pattern; the message holds the nearest name or the place in the pattern.

    >>> canonical("llama-bpe")
    'llama-bpe@1'
    """
    return _core.scheme_id(name)


def patterns(name: str) -> list[str]:
    """The regexes that a scheme equals: each splits the parts that those before it left, and keeps what lies between.

    They mean the same to Oniguruma (HF tokenizers), to Python's `regex` and to fancy-regex (tiktoken), but for the
    Unicode version: the schemes have that of `tokkit._core.UNICODE_VERSION`. None: the scheme is not made of regexes.
    """
    return _core.scheme_patterns(name)


def pattern(name: str) -> str | None:
    """The one regex that a scheme equals; None if it is several or none.

    >>> pattern("regex:[a-z]+")
    '[a-z]+'
    """
    found = patterns(name)
    return found[0] if len(found) == 1 else None


def summary(name: str) -> str:
    """One line on what a scheme does: its regexes where it has some."""
    scheme = canonical(name)
    return _SUMMARIES.get(scheme) or "  then  ".join(patterns(scheme))


def from_pattern(text: str) -> str:
    """The scheme that cuts like a regex of a tiktoken encoding: a named one where the text is known.

    Unlike `from_hf`, this reads the texts of tiktoken as tiktoken does.

    Raises:
        UsageError: bad pattern; the message has its place.
    """
    return canonical(f"regex:{text}")


def llama_cpp_name(name: str) -> str | None:
    """The value of `tokenizer.ggml.pre` for a scheme; None if llama.cpp has no such pre-tokenizer."""
    return _LLAMA_CPP.get(canonical(name))


def marks_spaces(name: str) -> bool:
    """Whether U+2581 stands for a space in the tokens of a scheme."""
    return name in _MARKED


def cuts_at_space_runs(name: str) -> bool:
    """Whether a scheme cuts a text that other programs do not cut, which no token of the vocabulary may tell."""
    return name in _SPACE_RUNS


def hf_pretokenizer(name: str, unit: Unit = "byte") -> Json | None:
    """The `pre_tokenizer` of a tokenizer.json; None (JSON null) for `none@1` over characters.

    `sentencepiece@1`, `picky-words@1`, `llama2@1` and `gemma@1` also need `hf_normalizer`.
    """
    scheme = canonical(name)
    if scheme == "gpt2@1" and unit == "byte":
        return {**_BYTE_LEVEL, "use_regex": True}
    steps = _hf_steps(scheme)
    if unit == "byte":
        steps.append(dict(_BYTE_LEVEL))
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}


def _hf_steps(scheme: str) -> list[Json]:
    match scheme:
        case "none@1" | "llama2@1" | "gemma@1":
            return []
        case "mistral@1":
            return [{**_METASPACE, "prepend_scheme": "first", "split": False}]
        case "whitespace@1":
            return [{"type": "WhitespaceSplit"}]
        case "metaspace@1":
            return [dict(_METASPACE)]
        case "sentencepiece@1":
            return [{**_METASPACE, "prepend_scheme": "never"}]
        case "picky-words@1":
            return [{"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": False}]
        case _:
            return [
                {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
                for regex in patterns(scheme)
            ]


def hf_normalizer(name: str) -> Json | None:
    """The `normalizer` that a scheme needs in a tokenizer.json; None if it needs none."""
    match canonical(name):
        case "picky-words@1":
            return {"type": "Sequence", "normalizers": [dict(step) for step in _PICKY_STEPS]}
        case "llama2@1":
            return {"type": "Sequence", "normalizers": [dict(_PREPEND), dict(_MARK_SPACES)]}
        case "gemma@1":
            return dict(_MARK_SPACES)
        case "sentencepiece@1":
            pass
        case _:
            return None
    steps: list[Json] = [
        {"type": "Replace", "pattern": {"Regex": r"\A +| +\z"}, "content": ""},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        dict(_PREPEND),
        dict(_MARK_SPACES),
    ]
    return {"type": "Sequence", "normalizers": steps}


def hf_decoder(name: str, unit: Unit, *, mark: str = "") -> Json:
    """The `decoder` of a tokenizer.json that undoes a scheme, as far as it can be undone.

    `mark` stands before tokens inside of a pretoken and is the character of no byte.
    """
    scheme = canonical(name)
    strip = [] if scheme == "gemma@1" else [dict(_STRIP_ONE)]
    if scheme in _SPACE_RUNS and unit == "char":
        # In the order of the files of these families.
        steps = [dict(_UNMARK_SPACES), {"type": "ByteFallback"}, {"type": "Fuse"}, *strip]
        return {"type": "Sequence", "decoders": steps}
    spaces: list[Json] = [dict(_METASPACE)] if scheme in _MARKED else []
    if scheme in _SPACE_RUNS:
        spaces = [dict(_UNMARK_SPACES), *strip]
    if unit == "char":
        return {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, *spaces]}
    byte_level: Json = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    marks: list[Json] = [{"type": "Replace", "pattern": {"String": mark}, "content": ""}] if mark else []
    steps = [*marks, byte_level, *spaces]
    return {"type": "Sequence", "decoders": steps} if len(steps) > 1 else byte_level


def space_runs_of_hf(normalizer: Mapping[str, object] | None, pretokenizer: Mapping[str, object] | None) -> str | None:
    """The scheme for a `normalizer` and a `pre_tokenizer` that mark spaces and leave the text whole; None if no such.

    It cuts where the library does not, so it says the same only if no token holds a space behind something else.
    """
    steps = _flat(pretokenizer)
    if steps and steps[0].get("type") == "Split" and normalizer is not None:
        # Gemma's: it splits at spaces, of which the normalizer leaves none.
        steps = steps[1:] if steps[0].get("pattern") == {"String": " "} else steps
    if steps:
        step = {"prepend_scheme": "always", "split": True, **steps[0]}
        wanted = {**_METASPACE, "prepend_scheme": "first", "split": False}
        return "mistral@1" if len(steps) == 1 and normalizer is None and step == wanted else None
    return next((name for name in _SPACE_RUNS if normalizer is not None and hf_normalizer(name) == normalizer), None)


def from_hf(spec: Mapping[str, object] | None) -> str | None:
    """The scheme that cuts like the `pre_tokenizer` of a tokenizer.json; None if there is none.

    ByteLevel counts only for how it cuts, and the normalizer is not looked at.
    """
    steps = _flat(spec)
    if steps is None:
        return None
    if steps and steps[-1].get("type") == "ByteLevel":
        byte_level = steps.pop()
        # A missing key means true, as in the first files of GPT-2.
        if byte_level.get("add_prefix_space", True) is not False:
            return None
        if byte_level.get("use_regex", True) is not False:
            return "gpt2@1" if not steps else None
    kinds = [step.get("type") for step in steps]
    if not kinds:
        return "none@1"
    if kinds == ["WhitespaceSplit"]:
        return "whitespace@1"
    if kinds == ["Metaspace"]:
        return "metaspace@1" if _is_metaspace(steps[0]) else None
    texts = [_split_regex(step) for step in steps]
    known = [text for text in texts if text is not None]
    return _of_splits(known, steps) if len(known) == len(steps) else None


def _flat(spec: Mapping[str, object] | None) -> list[Mapping[str, object]] | None:
    """The steps of nested sequences one after the other; None if something is not as it must be."""
    if spec is None:
        return []
    if spec.get("type") != "Sequence":
        return [spec]
    steps: list[Mapping[str, object]] = []
    inner = spec.get("pretokenizers")
    if not isinstance(inner, Sequence):
        return None
    for step in inner:
        flat = _flat(step) if isinstance(step, Mapping) else None
        if flat is None:
            return None
        steps.extend(flat)
    return steps


def _is_metaspace(step: Mapping[str, object]) -> bool:
    always = step.get("prepend_scheme", "always" if step.get("add_prefix_space", True) is True else "never")
    return (step.get("replacement"), always, step.get("split", True)) == ("\u2581", "always", True)


def _split_regex(step: Mapping[str, object]) -> str | None:
    """The regex of a step that isolates its matches."""
    if step.get("type") == "Digits":
        return r"\p{N}" if step.get("individual_digits") is True else r"\p{N}+"
    text = step.get("pattern")
    if step.get("type") != "Split" or not isinstance(text, Mapping):
        return None
    found = text.get("Regex")
    if not isinstance(found, str):
        literal = text.get("String")
        found = re.escape(literal) if isinstance(literal, str) and literal else None
    return found


def _of_splits(texts: list[str], steps: list[Mapping[str, object]]) -> str | None:
    plain = [step.get("behavior", "Isolated") == "Isolated" and step.get("invert", False) is False for step in steps]
    # deepseek-llm writes the line ends themselves.
    spelled = [r"[\r\n]" if text == "[\r\n]" else text for text in texts]
    if len(spelled) > 1:
        return next((name for name in names() if all(plain) and patterns(name) == spelled), None)
    # Oniguruma does not read `{1,3}+` as possessive, but as a repetition of it.
    text = texts[0].replace(r"\p{N}{1,3}+", r"\p{N}+")
    try:
        scheme = canonical(f"regex:{text}")
    except UsageError:
        return None
    covers = {"behavior": "Removed", "invert": True}
    # What these keep is the same: a pattern of a named scheme leaves nothing between its matches.
    if not plain[0] and (scheme.startswith("regex:") or {key: steps[0].get(key) for key in covers} != covers):
        return None
    return scheme
