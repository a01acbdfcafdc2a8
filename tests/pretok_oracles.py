"""What the pre-tokenizers must equal: Hugging Face tokenizers and the `regex` module."""

import itertools
import json
from functools import cache

import regex
from tokenizers import Tokenizer, models
from tokenizers.normalizers import Normalizer
from tokenizers.pre_tokenizers import PreTokenizer

from tokkit import _core
from tokkit.pretokenizers import cuts_at_space_runs, hf_normalizer, hf_pretokenizer, names, patterns

REGEX_SCHEMES = [name for name in names() if patterns(name)]
HF_SCHEMES = [name for name in names() if name != "none@1" and not cuts_at_space_runs(name)]
CODE_POINTS = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
# One character of each class that any of the patterns or engines could tell apart, and each with a role of its own.
REPRESENTATIVES = (
    "aAzé\u00dfǅʰ\u00aa中\u0301\u0903\u20dd"  # letters of five kinds, three kinds of marks
    "09\u0663\u2167\u00bd"  # digits, letter numbers, other numbers
    " \t\n\r\x0b\u0085\u00a0\u2028\u3000"  # white space
    "'\u2019sStTrReEvVlLmMdD\u017f\u212aK"  # apostrophes and all that contractions are made of
    "/!-_«$+\u20ac\U0001f642\x00\x1c\u200d\u2581\ufffd\ue000\u0378"  # punctuation, symbols, control, unassigned
)


@cache
def hf_parts(name: str) -> tuple[Normalizer | None, PreTokenizer]:
    """Normalizer and pre-tokenizer of a tokenizer.json over characters."""
    content = json.loads(Tokenizer(models.BPE()).to_str())
    content |= {"normalizer": hf_normalizer(name), "pre_tokenizer": hf_pretokenizer(name, "char")}
    loaded = Tokenizer.from_str(json.dumps(content))
    return loaded.normalizer, loaded.pre_tokenizer


def hf_pieces(name: str, text: str) -> list[str]:
    """The pretokens as Hugging Face tokenizers cuts them."""
    normalizer, pre_tokenizer = hf_parts(name)
    return [
        piece for piece, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text) if normalizer else text)
    ]


@cache
def compiled(name: str) -> list[regex.Pattern[str]]:
    """The patterns of a scheme."""
    return [regex.compile(pattern, regex.V0) for pattern in patterns(name)]


def regex_pieces(name: str, text: str) -> list[str]:
    """The pretokens as Python's `regex` cuts them: each pattern splits the parts that those before it left."""
    parts = [text]
    for pattern in compiled(name):
        cut = []
        for part in parts:
            at = 0
            for match in pattern.finditer(part):
                cut += [part[at : match.start()], match.group()]
                at = match.end()
            cut.append(part[at:])
        parts = [part for part in cut if part]
    return parts


def our_pieces(name: str, text: str) -> list[str]:
    """The pretokens as tokkit cuts them."""
    data = _core.rewrite(text.encode(), name)
    return [data[start:end].decode() for start, end in _core.pretokenize(data, name)]


def first_difference(found: list[str], expected: list[str]) -> str | None:
    """The first pretokens that differ, with those before them; None if there are none."""
    for at, (ours, theirs) in enumerate(itertools.zip_longest(found, expected)):
        if ours != theirs:
            return (
                f"after {found[max(0, at - 3) : at]!r}: ours {found[at : at + 3]!r}, theirs {expected[at : at + 3]!r}"
            )
    return None


@cache
def classes_here_and_there() -> list[tuple[set[str], set[str]]]:
    """The characters of each class that a pattern uses, here (Unicode 16.0) and in the installed `regex` module."""
    classes = [r"\p{L}", r"\p{N}", r"\d", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"]
    # The line ends keep what does not match apart: a piece of one character that is no line end is a match.
    text = "\n" + "\n".join(map(chr, CODE_POINTS)) + "\n"
    return [
        (
            {piece for piece in our_pieces(f"regex:{one}", text) if len(piece) == 1} - {"\n"},
            set(regex.findall(one, text)),
        )
        for one in classes
    ]


@cache
def changed_since() -> frozenset[str]:
    """The characters that have another class in the installed `regex` module than in Unicode 16.0."""
    return frozenset().union(*(ours ^ theirs for ours, theirs in classes_here_and_there()))
