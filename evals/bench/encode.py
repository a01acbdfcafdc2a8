"""Encodes a file with tokkit and its peers in one process, interleaved, and compares cost and ids.

    python -m evals.bench encode FILE [--vocabulary cl100k_base.tiktoken] --megabytes 10 --rounds 3

All get the same documents (about 8 kB each), one thread, the same vocabulary: the ranks of a .tiktoken file, with the
pre-tokenizer cl100k. "cold" is the first pass over the text, "warm" the best of the later ones; figures are MB of text
per CPU second of this process. `tokkit lists`, `tiktoken` and `tokenizers` make a list of Python numbers per document,
`tokkit arrays` one array for all. "same ids" compares with tiktoken's.
"""

import argparse
import base64
import gc
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evals.bench.measure import machine_line
from tokkit.api import train
from tokkit.load.ranks import Derivations
from tokkit.model.tables import EncoderTables
from tokkit.model.tokenizer import Tokenizer
from tokkit.model.vocab import bytes_to_string, output_ids

PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s"
)
RESULTS = Path(__file__).parent / "results"
DOCUMENT_CHARACTERS = 8000
REFERENCE = "tiktoken"

Documents = list[str]
Encode = Callable[[Documents], list[list[int]] | np.ndarray]


@dataclass
class Peer:
    """How to encode all documents, what share of them it gets (slow ones take less), and what its passes cost."""

    encode: Encode
    share: float = 1.0
    load_seconds: float = 0.0
    rates: list[float] = field(default_factory=list)
    ids: np.ndarray | None = None


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and prints the table; 1 if tokkit's ids are not the reference's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="text, UTF-8")
    parser.add_argument(
        "--vocabulary",
        type=Path,
        help="a .tiktoken file read by the cl100k pre-tokenizer; none: 32k from FILE",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table")
    parser.add_argument("--megabytes", type=float, default=10.0, help="how much of the file")
    parser.add_argument("--rounds", type=int, default=3, help="passes of each peer, interleaved")
    parser.add_argument("--hf-share", type=float, default=0.2, help="part of the text that HF tokenizers gets")
    given = parser.parse_args(arguments)
    head = [f"# Encoding: {given.file.name}, {given.megabytes:g} MB", "", f"`{command(given)}`  ", machine_line(), ""]

    documents = read(given.file, int(given.megabytes * 1e6))
    peers = make_peers(ranks_of(given.vocabulary, given.file), given.hf_share)
    for _ in range(given.rounds):
        for peer in peers.values():
            run(peer, documents[: max(1, int(len(documents) * peer.share))])
    table, code = report(peers, documents)
    text = "\n".join([*head, *table]) + "\n"
    print(text, end="")
    given.results.mkdir(parents=True, exist_ok=True)
    vocabulary = given.vocabulary.stem if given.vocabulary else "own-32k"
    (given.results / f"encode-{given.file.stem}-{vocabulary}.md").write_text(text, encoding="utf-8")
    return code


def command(given: argparse.Namespace) -> str:
    """What was asked, without the folders of this machine."""
    vocabulary = f" --vocabulary {given.vocabulary.name}" if given.vocabulary else ""
    return (
        f"python -m evals.bench encode {given.file.name}{vocabulary} --megabytes {given.megabytes:g} "
        f"--rounds {given.rounds} --hf-share {given.hf_share:g}"
    )


def ranks_of(vocabulary: Path | None, file: Path) -> dict[bytes, int]:
    """The ranks of a .tiktoken file, or those that tokkit learns from the text."""
    if vocabulary is None:
        model = train(file, pretokenizer="cl100k@1", vocab_size=32_000)
        ids = output_ids(model)
        return {model.tokens[token]: int(ids[token]) for token in ids.argsort()}
    lines = (line.split() for line in vocabulary.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def read(path: Path, n_bytes: int) -> Documents:
    """The start of the file as documents."""
    with path.open("rb") as file:
        text = file.read(n_bytes).decode("utf-8", errors="ignore")
    return [text[at : at + DOCUMENT_CHARACTERS] for at in range(0, len(text), DOCUMENT_CHARACTERS)]


def make_peers(ranks: dict[bytes, int], hf_share: float) -> dict[str, Peer]:
    """Those that are installed, loaded."""
    peers = {}
    started = time.process_time()
    ours = Tokenizer(
        EncoderTables(
            tokens=tuple(ranks),
            ids=np.array(list(ranks.values()), np.uint32),
            pretokenizer="cl100k@1",
            inference="vocab_rank",
            ignore_merges=True,
        )
    )
    loaded = time.process_time() - started
    peers["tokkit arrays"] = Peer(lambda documents: ours.encode_batch(documents, threads=1).ids, load_seconds=loaded)
    other = Tokenizer(ours.tables)  # its own cache, so that its first pass is cold too
    peers["tokkit lists"] = Peer(lambda documents: [other.encode(text) for text in documents], load_seconds=loaded)
    for name, make, share in (("tiktoken", tiktoken_peer, 1.0), ("tokenizers", hf_peer, hf_share)):
        started = time.process_time()
        try:
            encode = make(ranks)
        except ImportError:
            print(f"{name}: not installed, left out")
            continue
        peers[name] = Peer(encode, share, time.process_time() - started)
    return peers


def tiktoken_peer(ranks: dict[bytes, int]) -> Encode:
    """The same ranks in tiktoken, without its network."""
    import tiktoken

    theirs = tiktoken.Encoding("bench", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    return lambda documents: [theirs.encode_ordinary(text) for text in documents]


def hf_peer(ranks: dict[bytes, int]) -> Encode:
    """HF tokenizers with merges recovered from the ranks."""
    from tokenizers import Regex, models, pre_tokenizers
    from tokenizers import Tokenizer as Theirs

    names = {token: bytes_to_string(token) for token in ranks}
    derivations = Derivations(ranks)
    merges = [pair for token in sorted(ranks, key=ranks.__getitem__) if (pair := derivations.last_pair(token))]
    vocab = {names[token]: rank for token, rank in ranks.items()}
    # To Oniguruma `$` is the end of a line, and `{1,3}+` a repetition of a repetition.
    pattern = PATTERN.replace("$", r"\z").replace("{1,3}+", "{1,3}")
    theirs = Theirs(models.BPE(vocab, [(names[a], names[b]) for a, b in merges], ignore_merges=True))
    theirs.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return lambda documents: [theirs.encode(text, add_special_tokens=False).ids for text in documents]


def run(peer: Peer, documents: Documents) -> None:
    """One pass, measured."""
    gc.collect()
    started = time.process_time()
    ids = peer.encode(documents)
    seconds = time.process_time() - started
    peer.rates.append(sum(len(text.encode()) for text in documents) / 1e6 / seconds)
    if peer.ids is None:
        flat = ids if isinstance(ids, np.ndarray) else np.fromiter(itertools.chain.from_iterable(ids), np.uint32)
        peer.ids = np.asarray(flat, np.uint32)


def report(peers: dict[str, Peer], documents: Documents) -> tuple[list[str], int]:
    """The lines of the table; 1 if an id of tokkit is not the reference's."""
    reference = peers.get(REFERENCE)
    size = sum(len(text.encode()) for text in documents) / 1e6
    lines = [
        f"{size:.1f} MB in {len(documents)} documents, one thread, MB per CPU second",
        "",
        "| | load s | cold | warm | x tiktoken | same ids |",
        "|---|---|---|---|---|---|",
    ]
    code = 0
    for name, peer in peers.items():
        cold, warm = peer.rates[0], max(peer.rates[1:], default=peer.rates[0])
        ratio, same = "", ""
        if reference is not None and reference.ids is not None and peer.ids is not None:
            ratio = f"{warm / max(reference.rates):.1f}"
            is_same = np.array_equal(peer.ids, reference.ids[: len(peer.ids)]) and len(peer.ids) > 0
            is_same &= peer.share < 1 or len(peer.ids) == len(reference.ids)
            same = "yes" if is_same else "NO"
            code |= name.startswith("tokkit") and not is_same
        lines.append(f"| {name} | {peer.load_seconds:.2f} | {cold:.1f} | {warm:.1f} | {ratio} | {same} |")
    return lines, int(code)
