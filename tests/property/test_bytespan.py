"""The byte language model, ByteSpan and LZW vocabularies against their definitions, on any input."""

from math import isclose
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import bytespan as oracle
from tests.oracles import lzw as lzw_oracle
from tokkit.bytespan.increment import grown_spans
from tokkit.bytespan.lm import ByteLm
from tokkit.bytespan.rows import Rows, make_rows
from tokkit.bytespan.spans import continues, threshold_of
from tokkit.bytespan.vocabulary import flat_sequences, merge_tail
from tokkit.bytespan.words import words_of
from tokkit.counts import CountTable
from tokkit.export.hf import export
from tokkit.model.tokenizer import Tokenizer
from tokkit.trainers.bytespan import ByteSpan
from tokkit.trainers.lzw import Lzw, learn

FEW = st.lists(st.sampled_from(list(b"ab \x00\xff")), max_size=12).map(bytes)
DOCUMENTS = st.lists(st.tuples(FEW, st.integers(1, 4)), min_size=1, max_size=6)


@settings(max_examples=20)
@given(DOCUMENTS, FEW, st.integers(1, 6), st.integers(1, 3))
def test_signals_are_those_of_the_formula(
    learnt: list[tuple[bytes, int]], text: bytes, order: int, min_count: int
) -> None:
    model = ByteLm.train([d for d, _ in learnt], times=[n for _, n in learnt], order=order, min_count=min_count)
    for found, wanted in zip(
        model.signals([text]), oracle.signals(learnt, text, order=order, min_count=min_count), strict=True
    ):
        assert all(isclose(a, b, abs_tol=2e-6) for a, b in zip(found, wanted, strict=True))


@given(DOCUMENTS, st.integers(1, 6), st.lists(FEW, max_size=5))
def test_signals_survive_a_file_and_any_number_of_threads(
    learnt: list[tuple[bytes, int]], order: int, texts: list[bytes]
) -> None:
    model = ByteLm.train([d for d, _ in learnt], order=order)
    again = ByteLm.from_bytes(model.to_bytes())
    for one, other in zip(model.signals(texts, threads=1), again.signals(texts, threads=5), strict=True):
        assert np.array_equal(one, other)
    reordered = ByteLm.train([d for d, _ in reversed(learnt)], order=order)
    assert reordered.to_bytes() == model.to_bytes()


@given(DOCUMENTS, st.data())
def test_percentiles_count_a_document_as_often_as_it_occurs(
    learnt: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    n = sum(len(d) for d, _ in learnt)
    signal = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), np.float64)
    percentile = data.draw(st.integers(0, 100))
    once = make_rows([d for d, _ in learnt], signal, pretokenizer="gpt2@1", counts=[n for _, n in learnt])
    parts = [signal[once.document(i)] for i in range(len(learnt)) for _ in range(learnt[i][1])]
    written_out = np.concatenate(parts)
    if (written_out != 0).any():
        wanted = np.percentile(written_out[written_out != 0], percentile)
        assert threshold_of(once, percentile) == pytest.approx(float(wanted), rel=1e-12)


def drawn_rows(data: st.DataObject) -> Rows:
    learnt = data.draw(DOCUMENTS)
    n = sum(len(d) for d, _ in learnt)
    signal = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), np.float64)
    return make_rows([d for d, _ in learnt], signal, pretokenizer="gpt2@1", counts=[times for _, times in learnt])


@given(st.data(), st.sampled_from(["global", "monotonic", "combined"]))
def test_spans_are_those_of_the_definition(data: st.DataObject, constraint: str) -> None:
    rows = drawn_rows(data)
    threshold = None if constraint == "monotonic" else 2.5
    words = words_of(rows, continues(rows, constraint, threshold))  # type: ignore[arg-type]  # one of the three
    found = sorted(words.whole.words())
    wanted: dict[tuple[bytes, ...], int] = {}
    begins = [*np.flatnonzero(rows.starts).tolist(), len(rows.blob)]
    for low, high in zip(begins, begins[1:], strict=False):
        owner = next(i for i in range(len(rows)) if rows.document(i).start <= low < rows.document(i).stop)
        spans = tuple(oracle.clean_spans(rows.blob[low:high], rows.signal[low:high].tolist(), constraint, threshold))
        wanted[spans] = wanted.get(spans, 0) + int(rows.counts[owner])
    assert found == sorted((list(spans), n) for spans, n in wanted.items())


@given(st.data(), st.booleans())
def test_increments_are_those_of_the_definition(data: st.DataObject, typed: bool) -> None:
    rows = drawn_rows(data)
    places = [rows.document(i) for i in range(len(rows))]
    counts = oracle.increments(
        [rows.blob[place] for place in places],
        [rows.starts[place].tolist() for place in places],
        [rows.signal[place].tolist() for place in places],
        rows.counts.tolist(),
    )
    if typed:
        wanted = sorted(((token, n) for token, n in counts.items() if n >= 2), key=lambda item: -item[1])
        found, _ = grown_spans(rows, [], 1000, min_count=2, typed=True)
        assert found == wanted
    else:
        found, _ = grown_spans(rows, [], 1000, min_count=1, typed=False)
        texts = {text for _, text in counts}
        assert {text for (_, text), _ in found} <= texts
        assert all(not is_start for (is_start, _), _ in found)


SEQUENCES = st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=10), st.integers(1, 5)), max_size=6)


@given(SEQUENCES, st.integers(0, 12), st.booleans())
def test_merges_are_those_of_counting_everything_again(
    sequences: list[tuple[list[int], int]], n_wanted: int, lossy: bool
) -> None:
    known = [(True, b"a"), (False, b"a"), (False, b"b"), (False, b"ab")]
    flat = flat_sequences([sequence for sequence, _ in sequences], [count for _, count in sequences])
    found = merge_tail(flat, known, n_wanted, lossy=lossy)
    assert found == oracle.merged(sequences, known, n_wanted, lossy=lossy)


UNITS = st.lists(st.lists(st.sampled_from(list(b"aab")), max_size=14).map(bytes), max_size=6)


@given(
    UNITS,
    st.integers(256, 262),
    st.integers(1, 6),
    st.sampled_from(["greedy", "shortest"]),
    st.integers(0, 2),
    st.sampled_from([0.01, 0.5, 0.99]),
)
def test_lzw_vocabularies_are_those_of_the_definition(
    units: list[bytes], vocab_size: int, max_length: int, segmentation: str, min_count: int, keep: float
) -> None:
    found = learn(
        units,
        vocab_size=vocab_size,
        max_length=max_length,
        keep=keep,
        min_count=min_count,
        segmentation=segmentation,  # type: ignore[arg-type]  # one of the two
    )
    wanted = lzw_oracle.vocabulary(
        units, vocab_size=vocab_size, max_length=max_length, keep=keep, min_count=min_count, segmentation=segmentation
    )
    assert list(found.tokens[256:]) == wanted


TEXT = "the cat sat on the mat, the dog sat on the log; ## ##x états ‿a ‿‿b\n"
ANY = st.text(st.sampled_from("atheo s#‿\n\x00é🙂"), max_size=30)


@pytest.fixture(scope="module", params=["plain", "typed", "increment", "greedy", "shortest"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, object]:
    """Our tokenizer, and the plain file of it as `tokenizers` reads it (none for the fewest tokens)."""
    folder = tmp_path_factory.mktemp("spans")
    (folder / "text.txt").write_text(TEXT * 9, encoding="utf-8")
    from tokkit.counts import count

    words = count([str(folder / "text.txt")], pretokenizer="llama-bpe@1")
    if request.param in ("greedy", "shortest"):
        model = Lzw(Lzw.Config(vocab_size=300, segmentation=request.param)).train(words)
    else:
        options = {"typed": True} if request.param == "typed" else {}
        if request.param == "increment":
            options = {"build": "increment", "typed": True, "min_count": 3}
        size = 300 if not options else 900
        trainer = ByteSpan(ByteSpan.Config.model_validate({"vocab_size": size, **options}))
        model = trainer.train(words, again=trainer.count_again([str(folder / "text.txt")]))
    if request.param == "shortest":
        return Tokenizer.from_model(model), None
    export(model, folder)
    return Tokenizer.from_model(model), tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@given(ANY)
def test_any_text_round_trips_and_the_plain_file_gives_the_same_ids(
    pair: tuple[Tokenizer, tokenizers.Tokenizer | None], text: str
) -> None:
    ours, theirs = pair
    ids = ours.encode(text)
    assert ours.decode(ids) == text
    if theirs is not None:
        assert theirs.encode(text).ids == ids
        assert theirs.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("n", [99, 100, 101, 5000])
def test_a_pretoken_of_any_length_is_read(pair: tuple[Tokenizer, tokenizers.Tokenizer | None], n: int) -> None:
    ours, theirs = pair
    text = " " + "the" * n
    assert ours.decode(ours.encode(text)) == text
    # The library's time grows with the square of a pretoken's length and more.
    if theirs is not None and n < 1000:
        assert theirs.encode(text).ids == ours.encode(text)


def test_a_table_alone_has_no_documents(tmp_path: Path) -> None:
    table = CountTable.from_items([(b"a", 1)], pretokenizer="none@1")
    with pytest.raises(ValueError, match="do not know|does not know"):
        ByteSpan(ByteSpan.Config(vocab_size=300)).train(table, again=table)
