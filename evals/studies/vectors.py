"""Vectors of the tokens of two tokenizers in one space, from a text alone: what methods with auxiliary vectors need.

A token's contexts are the words around it, its own included, which both tokenizers share; positive pointwise mutual
information, then a truncated singular value decomposition by random projection (Levy and Goldberg 2014; Halko 2011).
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tokkit.load import load_tokenizer
from tokkit.transplant.sparse import Csr

WORD = re.compile(rb"\S+")
CONTEXTS, WINDOW, WIDTH, POWERS = 8192, 2, 100, 2


def write_vectors(base: Path, target: Path, texts: Sequence[str], path: Path, *, rows: tuple[int, int]) -> None:
    """Writes `base` [rows[0], 100] and `target` [rows[1], 100]; a token that does not occur has a row of NaN."""
    data = [text.encode() for text in texts]
    common = Counter(word for text in data for word in WORD.findall(text)).most_common(CONTEXTS)
    names = {word: place for place, (word, _) in enumerate(common)}
    keys = [_pairs(load_tokenizer(folder), texts, data, names) for folder in (base, target)]
    keys[1] += rows[0] * CONTEXTS
    cells, counts = np.unique(np.concatenate(keys), return_counts=True)
    token, context = np.divmod(cells, CONTEXTS)
    of_token = np.bincount(token, counts, rows[0] + rows[1])
    of_context = np.bincount(context, counts, CONTEXTS)
    weights = np.log(counts * counts.sum() / (of_token[token] * of_context[context]))
    kept = weights > 0
    left = _csr(token[kept], context[kept], weights[kept], rows[0] + rows[1])
    right = _csr(context[kept], token[kept], weights[kept], CONTEXTS)
    space = np.random.default_rng(0).standard_normal((CONTEXTS, WIDTH))
    for _ in range(POWERS):
        space, _ = np.linalg.qr(right.apply(left.apply(space)))
    made = left.apply(space).astype(np.float32)
    made[of_token == 0] = np.nan
    save_file({"base": made[: rows[0]], "target": np.ascontiguousarray(made[rows[0] :])}, path)


def _pairs(
    tokenizer: object, texts: Sequence[str], data: Sequence[bytes], names: dict[bytes, int]
) -> NDArray[np.int64]:
    """Token x CONTEXTS + context, once for each time that they meet."""
    found: list[NDArray[np.int64]] = []
    for text, raw in zip(texts, data, strict=True):
        made = tokenizer.encode_offsets(text)  # type: ignore[attr-defined] # what load_tokenizer gives has it
        ends = np.array([end for _, end in made.byte_offsets], np.int64)
        ids = np.array(made.ids, np.int64)
        words = [(match.end(), names.get(match.group(), -1)) for match in WORD.finditer(raw)]
        if not words or not len(ids):
            continue
        stops = np.array([end for end, _ in words])
        known = np.array([name for _, name in words])
        at = np.minimum(np.searchsorted(stops, ends), len(words) - 1)
        for shift in range(-WINDOW, WINDOW + 1):
            place = at + shift
            inside = (place >= 0) & (place < len(words))
            name = known[place[inside]]
            found.append((ids[inside] * CONTEXTS + name)[name >= 0])
    return np.concatenate(found)


def _csr(row: NDArray[np.int64], column: NDArray[np.int64], weight: NDArray[np.float64], rows: int) -> Csr:
    order = np.argsort(row, kind="stable")
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=indptr[1:])
    return Csr(indptr, column[order], weight[order])
