"""What is wrong with a vocabulary, without any text: tokens that can never be produced, bytes, scripts, duplicates.

Reachability is a matter of the model, not of encoding a token's text: a tokenizer that puts a space in front of text
would call half of its vocabulary unreachable by that test. The exact test asks the model alone for the token's own
spelling: merges inside of a span don't depend on what is around it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from tokkit.metrics.base import Subject
from tokkit.metrics.lexicon import Family, Lexicon
from tokkit.metrics.reach import probe
from tokkit.metrics.scripts import script_of

Utf8Class = Literal["well_formed", "partial_utf8", "never_valid_utf8"]
OVERLONG_BYTES: Final = 64
_NEVER: Final = frozenset([0xC0, 0xC1, *range(0xF5, 0x100)])


@dataclass(frozen=True)
class Health:
    """Figures and lists of ids. None where the tokenizer has no such concept or the test cannot be made."""

    vocab_size: int
    family: Family
    special_tokens: int
    utf8_classes: dict[str, int]
    ill_formed_rate: float
    byte_values_with_own_token: int | None
    mean_token_bytes: float
    max_token_bytes: int
    strict_selfencode_fail: list[int]
    strict_selfencode_fail_well_formed: int
    model_unreachable: list[int] | None
    normalizer_unreachable: list[int]
    pretokenizer_splits: list[int]
    unreachable_in_contexts: list[int]
    byte_tokens_unreachable: list[int] | None
    continuation_unreachable: list[int] | None
    script_counts: dict[str, int]
    duplicate_ids: list[int]
    never_valid: list[int]
    overlong: list[int]
    control: list[int]
    trailing_space: list[int]
    findings: list["Finding"] = field(default_factory=list)

    @property
    def unreachable(self) -> list[int]:
        """Ids that the model, the normaliser or the pre-tokenizer keeps from ever occurring; ascending."""
        return sorted(
            {
                *(self.model_unreachable or ()),
                *(self.continuation_unreachable or ()),
                *self.normalizer_unreachable,
                *self.unreachable_in_contexts,
            }
        )


@dataclass(frozen=True)
class Finding:
    """One line of the lint: `fail` is a token that can never occur, `warn` a waste or a trap."""

    severity: Literal["pass", "warn", "fail", "not_applicable"]
    check: str
    message: str


def health(subject: Subject) -> Health:
    """Looks at every token of the vocabulary; linear in it, some encodings for each token."""
    lexicon = Lexicon(subject)
    tokens = {token: data for token in range(lexicon.size) if (data := lexicon.token_bytes(token))}
    specials = frozenset(lexicon.specials.values())
    classes = {token: utf8_class(data) for token, data in tokens.items()}
    counted = Counter(classes.values())
    asked = probe(lexicon)
    strict = [token for token in tokens if not asked.encodes_to_itself(token)]
    ordinary = [token for token in tokens if token not in specials and classes[token] == "well_formed"]
    surfaces = {token: tokens[token].decode() for token in ordinary}
    splits = [token for token, surface in surfaces.items() if asked.is_split(surface)]
    # What encodes to itself is reached, whatever the tests below say of its parts: added tokens, padded ideographs.
    failing = frozenset(strict)
    normalised = [token for token, surface in surfaces.items() if token in failing and not asked.keeps(surface)]
    unreachable = None
    if asked.tokenize is not None:
        skipped = specials | frozenset(lexicon.byte_ids.values())
        unreachable = [
            token for token in tokens if token in failing and token not in skipped and asked.tokenize(token) != [token]
        ]
    byte_ids = frozenset(lexicon.byte_ids.values())
    text_tokens = frozenset(data for token, data in tokens.items() if token not in byte_ids)
    dead_bytes = [
        token
        for byte, token in sorted(lexicon.byte_ids.items())
        if byte in _NEVER or (byte < 0x80 and bytes([byte]) in text_tokens)
    ]
    found = Health(
        vocab_size=lexicon.n_entries,
        family=lexicon.family,
        special_tokens=len(specials),
        utf8_classes={name: counted[name] for name in sorted(counted)},
        ill_formed_rate=(len(tokens) - counted["well_formed"]) / max(len(tokens), 1),
        byte_values_with_own_token=None
        if lexicon.family == "code_point"
        else len({data for token, data in tokens.items() if len(data) == 1 and _is_byte(token, data, lexicon)}),
        mean_token_bytes=_mean_length(data for token, data in tokens.items() if token not in specials),
        max_token_bytes=max(map(len, tokens.values()), default=0),
        strict_selfencode_fail=strict,
        strict_selfencode_fail_well_formed=len(set(strict) & set(ordinary)),
        model_unreachable=unreachable,
        normalizer_unreachable=normalised,
        pretokenizer_splits=splits,
        unreachable_in_contexts=[
            token for token in splits if token in failing and not asked.occurs(token, surfaces[token])
        ],
        byte_tokens_unreachable=dead_bytes if lexicon.byte_ids else None,
        continuation_unreachable=None
        if asked.continues is None
        else [token for token in tokens if not asked.continues(token)],
        script_counts=_scripts(tokens, classes, specials),
        duplicate_ids=_duplicates(tokens, byte_ids, lexicon),
        never_valid=[token for token, kind in classes.items() if kind == "never_valid_utf8"],
        overlong=[token for token, data in tokens.items() if len(data) > OVERLONG_BYTES],
        control=[token for token in ordinary if any(ord(c) < 0x20 and c not in "\t\n\r" for c in surfaces[token])],
        trailing_space=[
            token for token, text in surfaces.items() if text.endswith(" ") and text.strip() and not text.isspace()
        ],
    )
    return replace(found, findings=_lint(found))


def unreachable(lexicon: Lexicon) -> frozenset[int]:
    """Ids of ordinary tokens that one of the tests finds."""
    return frozenset(health(lexicon.subject).unreachable)


def utf8_class(data: bytes) -> Utf8Class:
    """Whether bytes are text, part of a character, or can never be part of any text."""
    if any(byte in _NEVER for byte in data):
        return "never_valid_utf8"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "partial_utf8"
    return "well_formed"


def _duplicates(tokens: dict[int, bytes], byte_ids: frozenset[int], lexicon: Lexicon) -> list[int]:
    """Tokens whose bytes a token before has; byte tokens and continuations (`##s`) are not what spells the same."""
    seen: set[tuple[bytes, bool, bool]] = set()
    found = []
    for token, data in tokens.items():
        key = (data, token in byte_ids, lexicon.names.get(token, "").startswith("##"))
        if key in seen:
            found.append(token)
        seen.add(key)
    return found


def _mean_length(tokens: Iterable[bytes]) -> float:
    lengths = [len(data) for data in tokens]
    return sum(lengths) / max(len(lengths), 1)


def _is_byte(token: int, data: bytes, lexicon: Lexicon) -> bool:
    return lexicon.family == "byte_level" or lexicon.byte_ids.get(data[0]) == token


def _scripts(tokens: dict[int, bytes], classes: dict[int, Utf8Class], specials: frozenset[int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for token, data in tokens.items():
        if token in specials:
            continue
        if classes[token] != "well_formed":
            found["_partial_utf8"] += 1
            continue
        text = data.decode()
        if text.isspace():
            found["_whitespace"] += 1
            continue
        scripts = {script_of(letter) for letter in text if letter.isalpha()}
        found["_no_letter" if not scripts else scripts.pop() if len(scripts) == 1 else "_mixed"] += 1
    return dict(sorted(found.items()))


_NOT_APPLICABLE: Final = {
    "model_unreachable": "the model cannot be asked for one token",
    "continuations": "there are no tokens that continue a word (`##s`)",
    "byte_tokens": "there are no byte tokens (`<0xNN>`)",
}


def _lint(found: Health) -> list[Finding]:
    def judge(check: str, ids: "Iterable[int] | None", what: str, severity: Literal["warn", "fail"]) -> Finding:
        if ids is None:
            return Finding("not_applicable", check, _NOT_APPLICABLE[check])
        listed = list(ids)
        if not listed:
            return Finding("pass", check, "none")
        shown = ", ".join(map(str, listed[:8])) + (", ..." if len(listed) > 8 else "")
        return Finding(severity, check, f"{len(listed)} {what}: {shown}")

    return [
        judge("model_unreachable", found.model_unreachable, "tokens that no text can yield", "fail"),
        judge("normalizer_unreachable", found.normalizer_unreachable, "tokens that the normaliser destroys", "fail"),
        judge(
            "pretokenizer", found.unreachable_in_contexts, "tokens split before they can form, in 143 contexts", "fail"
        ),
        judge("continuations", found.continuation_unreachable, "`##` tokens that no word can end in", "fail"),
        judge("byte_tokens", found.byte_tokens_unreachable, "byte tokens of no use", "warn"),
        judge("overlong", found.overlong, f"tokens longer than {OVERLONG_BYTES} bytes", "warn"),
        judge("duplicates", found.duplicate_ids, "tokens that spell what another spells", "warn"),
        judge("never_valid", found.never_valid, "tokens with bytes that no text has", "warn"),
        judge("trailing_space", found.trailing_space, "tokens that end in a space", "warn"),
        judge("control", found.control, "tokens with control characters", "warn"),
    ]
