"""The facts of a tokenizer: sizes, parts, special tokens, longest tokens, scripts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokkit.report.makeup import makeup
from tokkit.report.text import quoted, visible

if TYPE_CHECKING:
    from tokkit.load import AnyTokenizer

_SHOWN_SPECIALS: Final = 20


@dataclass(frozen=True)
class Info:
    """Facts of a tokenizer. `makeup` counts tokens by script of their first letter, or by what else they are."""

    runs_in: str
    inference: str
    unit: str | None
    pretokenizer: str
    normalizer: str | None
    vocab_size: int
    n_tokens: int
    n_merges: int | None
    specials: dict[str, int]
    longest: tuple[tuple[int, bytes], ...]
    makeup: dict[str, int]

    def to_json(self) -> dict[str, object]:
        """Data for `--json`."""
        return {**vars(self), "longest": [{"id": number, "text": visible(token)} for number, token in self.longest]}


def info(tokenizer: "AnyTokenizer", *, longest: int = 10) -> Info:
    """Collects the facts; one look at every token of the vocabulary."""
    from tokkit.load.library import LibraryTokenizer
    from tokkit.model.events import Kind

    special = set(tokenizer.specials.values())
    tokens = [(number, tokenizer.token_bytes(number)) for number in tokenizer.ids if number not in special]
    is_library = isinstance(tokenizer, LibraryTokenizer)
    model = None if isinstance(tokenizer, LibraryTokenizer) else tokenizer.model
    return Info(
        runs_in=f"another library: {tokenizer.reason}" if isinstance(tokenizer, LibraryTokenizer) else "tokkit",
        inference=tokenizer.inference,
        unit=None if isinstance(tokenizer, LibraryTokenizer) else tokenizer.tables.unit,
        pretokenizer=tokenizer.pretokenizer,
        normalizer=None if isinstance(tokenizer, LibraryTokenizer) else tokenizer.tables.normalizer,
        vocab_size=tokenizer.vocab_size,
        n_tokens=len(tokenizer.ids),
        n_merges=None if is_library or model is None else int((model.events.kind == Kind.MERGE).sum()),
        specials=dict(sorted(tokenizer.specials.items(), key=lambda pair: pair[1])),
        longest=tuple(sorted(tokens, key=lambda row: (-len(row[1]), row[0]))[:longest]),
        makeup=makeup(token for _, token in tokens),
    )


def render_info(facts: Info) -> str:
    """The facts as lines of text."""
    rows = {
        "runs in": facts.runs_in,
        "inference": facts.inference,
        "unit": facts.unit or "unknown",
        "pre-tokenizer": facts.pretokenizer,
        "normalizer": facts.normalizer or "none",
        "vocabulary": f"{facts.n_tokens:,} tokens, ids below {facts.vocab_size:,}",
        "merges": "unknown" if facts.n_merges is None else f"{facts.n_merges:,}",
        "specials": f"{len(facts.specials):,}",
    }
    lines = [f"{name:<14} {visible(value.encode())}" for name, value in rows.items()]
    shown = list(facts.specials.items())[:_SHOWN_SPECIALS]
    lines += [f"{'':<14} {number:>8}  {quoted(text.encode())}" for text, number in shown]
    if len(facts.specials) > len(shown):
        lines.append(f"{'':<14} and {len(facts.specials) - len(shown):,} more")
    lines.append("longest tokens")
    lines += [f"{'':<14} {number:>8}  {len(token):>4} bytes  {quoted(token[:60])}" for number, token in facts.longest]
    lines.append("tokens by script or kind")
    lines += [f"{'':<14} {count:>8,}  {name}" for name, count in facts.makeup.items()]
    return "\n".join(lines)
