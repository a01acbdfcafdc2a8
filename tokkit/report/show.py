"""How a text falls into tokens, and how a token grew: views for the terminal."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from tokkit.errors import TokenizerError
from tokkit.model.events import Kind
from tokkit.report.text import quoted, visible

if TYPE_CHECKING:
    from tokkit.load import AnyTokenizer

BOUNDARY: Final = "│"
# Dark text on six light backgrounds of the 256-colour table: readable on black and on white terminals.
_BACKGROUNDS: Final = (153, 223, 157, 218, 189, 229)
_RESET: Final = "\x1b[0m"


@dataclass(frozen=True)
class ShownToken:
    """One token of a text: its id, the bytes it stands for there, and their span in the UTF-8 of the text."""

    id: int
    token: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Shown:
    """A text as tokens."""

    text: str
    tokens: tuple[ShownToken, ...]

    def to_json(self) -> dict[str, object]:
        """Data for `--json`; token text is decoded and escaped, `bytes` is hexadecimal and exact."""
        return {
            "text": self.text,
            "tokens": [
                {
                    "id": token.id,
                    "text": visible(token.token),
                    "bytes": token.token.hex(),
                    "span": [token.start, token.end],
                }
                for token in self.tokens
            ],
        }


def show(tokenizer: "AnyTokenizer", text: str, *, allowed_special: Literal["all"] | Collection[str] = ()) -> Shown:
    """The tokens of a text.

    Raises:
        InputError: a lone surrogate in the text.
        UsageError: a normaliser changes the text, so that tokens have no place in it.
    """
    encoding = tokenizer.encode_offsets(text, allowed_special=allowed_special)
    rows = zip(encoding.ids, encoding.tokens, encoding.byte_offsets, strict=True)
    return Shown(text, tuple(ShownToken(number, token, *span) for number, token, span in rows))


def render(shown: Shown, *, colour: bool = False, ids: bool = False) -> str:
    """The tokens side by side, a bar between two, so that boundaries are seen without colour too.

    Controls, ESC and bidi characters come out as escapes; a line end is escaped and then also ends the line.
    """
    parts = []
    for place, (token, following) in enumerate(pairwise((*shown.tokens, None))):
        assert token is not None, "only the last of the pairs holds None"
        text = visible(token.token) + (f"·{token.id}" if ids else "")
        parts.append(_coloured(text, place) if colour else text)
        if following is not None:
            parts.append(BOUNDARY + ("\n" if token.token.endswith(b"\n") else ""))
    return "".join(parts)


@dataclass(frozen=True)
class Tree:
    """A token and the two it was merged from; atoms, specials and admitted tokens have no children.

    `rank` is the place of its merge among the merges, `count` what decided for it.
    """

    token: bytes
    id: int | None
    rank: int | None = None
    count: int = 0
    children: tuple["Tree", ...] = ()


def merge_trees(tokenizer: "AnyTokenizer", word: str) -> list[Tree]:
    """The merge tree of every token of a text, in order.

    Raises:
        TokenizerError: the tokenizer runs in another library or has no log.
    """
    from tokkit.model.tokenizer import Tokenizer
    from tokkit.model.vocab import NOT_IN_VOCAB, output_ids, token_bytes

    model = tokenizer.model if isinstance(tokenizer, Tokenizer) else None
    if model is None:
        raise TokenizerError(
            "this tokenizer has no log of merges to show", hint="trees need BPE that tokkit runs itself"
        )
    ids, tokens = output_ids(model), token_bytes(model)
    internal = {int(number): place for place, number in enumerate(ids) if number != NOT_IN_VOCAB}
    origin: dict[int, tuple[int, int, int, int]] = {}
    merges = model.events.kind == Kind.MERGE
    columns = (model.events.token, model.events.left, model.events.right, model.events.count)
    for rank, (token, left, right, count) in enumerate(
        zip(*(column[merges].tolist() for column in columns), strict=True)
    ):
        origin.setdefault(token, (left, right, count, rank))

    def grow(token: int) -> Tree:
        number = None if ids[token] == NOT_IN_VOCAB else int(ids[token])
        if token not in origin or token < model.n_specials:
            return Tree(tokens[token], number)
        left, right, count, rank = origin[token]
        return Tree(tokens[token], number, rank, count, (grow(left), grow(right)))

    return [grow(internal[number]) for number in tokenizer.encode(word)]


def render_trees(trees: list[Tree]) -> str:
    """The trees as indented text, a token a line: text, id, place of its merge, count."""
    return "\n".join(line for tree in trees for line in _tree_lines(tree, "", ""))


def _tree_lines(tree: Tree, head: str, below: str) -> Iterator[str]:
    facts = "" if tree.id is None else f"  id {tree.id}"
    if tree.rank is not None:
        facts += f"  merge {tree.rank + 1}" + (f"  count {tree.count:,}" if tree.count else "")
    yield f"{head}{quoted(tree.token)}{facts}"
    for place, child in enumerate(tree.children):
        is_last = place == len(tree.children) - 1
        branch, trunk = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _tree_lines(child, below + branch, below + trunk)


def _coloured(text: str, place: int) -> str:
    return f"\x1b[38;5;16;48;5;{_BACKGROUNDS[place % len(_BACKGROUNDS)]}m{text}{_RESET}"
