"""Scaffold-BPE by recounting everything before each step (Lian et al., 2025, Algorithms 1 and 2)."""

from collections.abc import Mapping, Sequence

from tests.oracles import bpe
from tests.oracles.bpe import Pair, count_pairs, merge_word

Event = tuple[object, ...]


def train(
    counts: Mapping[bytes, int], *, n_tokens: int, ids: Sequence[bytes], min_frequency: int = 0
) -> tuple[list[Event], list[bytes], set[bytes]]:
    """(log, tokens by id, flagged tokens); log: ("M", pair, count), ("F", token, f, head) and ("U", token, f)."""
    tokens = list(ids)
    number = {token: place for place, token in enumerate(tokens)}
    pinned, flagged = set(ids), set()
    words = [([bytes([byte]) for byte in word], count) for word, count in counts.items() if count]
    log: list[Event] = []

    def frequency(token: bytes) -> int:
        return sum(count * word.count(token) for word, count in words)

    def head() -> tuple[int, object] | None:
        queue: list[tuple[tuple[int, ...], int, object]] = []
        for token in flagged:
            if frequency(token) > 0:
                queue.append(((-frequency(token), 0, number[token], 0), frequency(token), token))
        for pair, count in count_pairs(words).items():
            queue.append(((-count, 1, number[pair[0]], number[pair[1]]), count, pair))
        return min(queue)[1:] if queue else None

    while len(tokens) - len(flagged) < n_tokens:
        top = head()
        if top is None or top[0] < max(1, min_frequency):
            break
        count, thing = top
        if isinstance(thing, bytes):
            flagged.discard(thing)
            log.append(("U", thing, count))
            continue
        token = thing[0] + thing[1]
        if token not in number:
            number[token] = len(tokens)
            tokens.append(token)
        words = [(merge_word(word, thing), weight) for word, weight in words]
        log.append(("M", thing, count))
        after = head()
        limit = after[0] if after else 0
        for parent in dict.fromkeys(thing):
            if parent not in pinned and parent not in flagged and frequency(parent) < limit:
                flagged.add(parent)
                log.append(("F", parent, frequency(parent), limit))
    return log, tokens, flagged


def encode(word: bytes, merges: Sequence[Pair], flagged: set[bytes]) -> list[bytes]:
    """Plain BPE over all merges, then every flagged token falls into the parts it was first made of."""
    parents = {left + right: (left, right) for left, right in reversed(merges)}

    def demolish(token: bytes) -> list[bytes]:
        if token not in flagged:
            return [token]
        return demolish(parents[token][0]) + demolish(parents[token][1])

    return [piece for token in bpe.encode(word, merges) for piece in demolish(token)]
