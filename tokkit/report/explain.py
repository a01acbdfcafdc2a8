"""The history of a token as text and as JSON."""

from tokkit.model.explain import Explanation, Step
from tokkit.model.model import Model
from tokkit.report.text import quoted

_CHILDREN = 10


def render_explanation(model: Model, found: Explanation) -> str:
    """A few lines: what and where the token is, then one line an event, then what was made from it."""
    place = f"id {found.id}" if found.id is not None else "not in the vocabulary"
    lines = [f"{quoted(found.spelled)}  {place}, {found.kind}"]
    if found.parents is not None:
        lines.append(f"{'made of':<12} {_tokens(model, found.parents)}")
    lines += [
        f"{step.what:<12} event {step.event + 1:,} of {found.n_events:,}: {_why(model, step)}" for step in found.steps
    ]
    if not found.steps:
        lines.append(f"{'made':<12} before training")
    shown = [model.tokens[token] for _, token in found.children[:_CHILDREN]]
    if shown:
        more = f" and {len(found.children) - _CHILDREN:,} more" if len(found.children) > _CHILDREN else ""
        lines.append(f"{'used by':<12} {', '.join(map(quoted, shown))}{more}")
    return "\n".join(lines)


def explanation_json(model: Model, found: Explanation) -> dict[str, object]:
    """Data for `--json`; `bytes` is hexadecimal and exact, event numbers count from 1."""
    return {
        "text": quoted(found.spelled)[1:-1],
        "bytes": found.spelled.hex(),
        "id": found.id,
        "kind": found.kind,
        "parents": None if found.parents is None else [model.tokens[token].hex() for token in found.parents],
        "events": [
            {
                "event": step.event + 1,
                "what": step.what,
                "count": step.count,
                "why": step.why,
                "parts": [model.tokens[token].hex() for token in step.parts],
            }
            for step in found.steps
        ],
        "used_by": [{"event": event + 1, "bytes": model.tokens[token].hex()} for event, token in found.children],
    }


def _why(model: Model, step: Step) -> str:
    parts = _tokens(model, step.parts)
    if step.what in ("made", "made again", "restored"):
        return f"{parts}; {step.why}" if parts else step.why
    return f"{step.why}; it falls into {parts}" if parts else step.why


def _tokens(model: Model, tokens: tuple[int, ...]) -> str:
    return " + ".join(quoted(model.tokens[token]) for token in tokens)
