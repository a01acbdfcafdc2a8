"""Picky BPE by recounting everything before each step; encoding by going through all events."""

from collections.abc import Mapping, Sequence

from tests.oracles.bpe import count_pairs, merge_word

Event = tuple[str, object, object]


def train(
    counts: Mapping[bytes, int],
    *,
    n_tokens: int,
    ids: Sequence[bytes],
    n_specials: int = 0,
    threshold: float = 0.9,
    at_least: bool = False,
    paper_self_pair: bool = False,
    min_frequency: int = 0,
    max_events: int = 10**9,
) -> tuple[list[Event], list[bytes], set[bytes], dict[bytes, int]]:
    """(events, tokens by id, present tokens, frequencies). An event is ("M", pair, token) or ("S", token, pieces).

    Atoms are single bytes. None of the first `n_specials` of `ids` is ever made or merged.
    """
    specials = set(ids[:n_specials])
    tokens = list(ids)
    number = {token: place for place, token in enumerate(tokens)}
    parents: dict[bytes, tuple[bytes, bytes]] = {}
    present = set(tokens)
    words = [([bytes([byte]) for byte in word], count) for word, count in counts.items() if count]
    events: list[Event] = []

    def frequency(token: bytes) -> int:
        return sum(count * word.count(token) for word, count in words)

    def walk(token: bytes) -> list[bytes]:
        if token not in parents or token in present:
            return [token]
        return walk(parents[token][0]) + walk(parents[token][1])

    while len(present) < n_tokens and len(events) <= max_events:
        pairs = {pair: count for pair, count in count_pairs(words).items() if pair[0] + pair[1] not in specials}
        if not pairs or max(pairs.values()) < max(1, min_frequency):
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], number[pair[0]], number[pair[1]]))
        token = best[0] + best[1]
        if token not in number:
            number[token] = len(tokens)
            tokens.append(token)
            parents[token] = best
        present.add(token)
        before = sum(count * len(word) for word, count in words)
        words = [(merge_word(word, best), count) for word, count in words]
        replaced = before - sum(count * len(word) for word, count in words)
        events.append(("M", best, token))
        for parent in dict.fromkeys(best):
            uses = frequency(parent) + replaced
            if best[0] == best[1] and paper_self_pair:
                uses += replaced
            ratio = replaced / uses
            is_over = ratio >= threshold if at_least else ratio > threshold
            if parent not in parents or not is_over:
                continue
            present.discard(parent)
            pieces = walk(parent)
            words = [([p for t in word for p in (pieces if t == parent else [t])], count) for word, count in words]
            events.append(("S", parent, pieces))
    return events, tokens, present, {token: frequency(token) for token in tokens}


def encode(word: bytes, events: Sequence[Event]) -> list[bytes]:
    """Every event in order, on the whole word."""
    tokens = [bytes([byte]) for byte in word]
    for kind, first, second in events:
        if kind == "M":
            tokens = merge_word(tokens, first)
        else:
            tokens = [piece for token in tokens for piece in (second if token == first else [token])]
    return tokens
