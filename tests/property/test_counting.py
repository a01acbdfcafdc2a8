"""Properties of counting: one table, whatever the threads, batches, file order, memory and shards."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit import _core
from tokkit.corpus.batch import Batch, read_offsets
from tokkit.counts import CountConfig, CountTable, count

# Few letters, so that words repeat; some longer than the 15 bytes that fit in a slot; NUL, as padding looks like it.
words = st.text(alphabet="ab\0é", min_size=1, max_size=20).filter(lambda word: not word.isspace())
documents = st.lists(st.lists(words, max_size=8).map(" ".join), min_size=1, max_size=20)


def run(texts, *, threads=1, batch=3, memory_bytes=1 << 26, track_first=False, specials=(), weight=1.0):
    counter = _core.Counter(
        "whitespace@1", threads=threads, memory_bytes=memory_bytes, track_first=track_first, specials=list(specials)
    )
    for start in range(0, len(texts), batch):
        part = Batch.of([text.encode() for text in texts[start : start + batch]])
        counter.add(part.blob, part.offsets, weight=weight)
    return counter.finish()


def items(raw):
    return list(CountTable(raw))


def content(raw):
    return raw.blob(), raw.offsets(), raw.counts(), raw.first()


def expected(texts):
    counted = Counter(word.encode() for text in texts for word in text.split(" ") if word)
    return sorted(counted.items())


@given(documents)
def test_counts_equal_a_dictionary(texts):
    assert items(run(texts)[0]) == expected(texts)


@given(documents, st.sampled_from([1, 2, 8]), st.integers(1, 30), st.randoms())
@settings(max_examples=30)
def test_table_is_the_same_for_any_threads_batches_and_order(texts, threads, batch, shuffler):
    reference = content(run(texts)[0])
    shuffled = list(texts)
    shuffler.shuffle(shuffled)
    assert content(run(shuffled, threads=threads, batch=batch)[0]) == reference


@given(documents, st.sampled_from([1, 2, 8]), st.integers(1, 30))
@settings(max_examples=30)
def test_first_positions_are_the_same_for_any_threads_and_batches_and_sort_by_appearance(texts, threads, batch):
    table = run(texts, threads=threads, batch=batch, track_first=True)[0]
    assert content(table) == content(run(texts, batch=1, track_first=True)[0])
    by_position = sorted(zip(read_offsets(table.first()), (word for word, _ in CountTable(table)), strict=True))
    appearance = dict.fromkeys(word.encode() for text in texts for word in text.split(" ") if word)
    assert [word for _, word in by_position] == list(appearance)


@given(documents, st.integers(1, 8))
@settings(max_examples=30)
def test_merged_shards_equal_the_whole(texts, n):
    shards = [run(texts[i::n])[0] for i in range(n)]
    assert content(_core.CountTable.merge(shards)) == content(run(texts)[0])


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize("track_first", [False, True])
def test_spilled_counts_equal_those_in_memory_and_leave_no_files(tmp_path, threads, track_first):
    draw = random.Random(7)
    texts = [" ".join(f"{draw.getrandbits(draw.choice([8, 16, 90])):x}" for _ in range(40)) for _ in range(200)]
    in_memory, _ = run(texts, track_first=track_first)
    counter = _core.Counter(
        "whitespace@1", threads=threads, memory_bytes=1, spill_dir=str(tmp_path), track_first=track_first
    )
    for start in range(0, len(texts), 10):
        part = Batch.of([text.encode() for text in texts[start : start + 10]])
        counter.add(part.blob, part.offsets)
        assert list(tmp_path.iterdir()) == []
    spilled, stats = counter.finish()
    assert stats["runs"] > 64  # more than are merged at once
    assert content(spilled) == content(in_memory)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.integers(1, 2**40)), max_size=30))
def test_table_of_items_adds_up_and_sorts(pairs):
    counted = Counter()
    for word, n in pairs:
        counted[word] += n
    assert list(CountTable.from_items(pairs)) == sorted(counted.items())


def test_weight_repeats_and_samples_by_content_not_by_order():
    texts = [f"word{i}" for i in range(2000)]
    table, stats = run(texts, weight=0.25)
    assert items(run(texts[::-1], threads=2, batch=100, weight=0.25)[0]) == items(table)
    assert 400 < len(table) < 600
    assert stats["documents_left_out"] == 2000 - len(table)
    assert {n for _, n in items(run(texts, weight=2.5)[0])} == {2, 3}


def test_specials_are_cut_out_counted_and_never_merged_across():
    table, stats = run(["a<s>b <s><s>c", "<s", "a<sep>"], specials=[b"<s>", b"<sep>", b"never"], threads=2, batch=1)
    assert items(table) == [(b"<s", 1), (b"a", 2), (b"b", 1), (b"c", 1)]
    assert stats["specials"] == [3, 1, 0]


def test_ranks_add_up_to_the_whole(tmp_path):
    for i in range(7):
        (tmp_path / f"{i}.txt").write_text(f"word{i} common\n" * (i + 1))
    whole = count(tmp_path, pretokenizer="whitespace@1")
    parts = [count(tmp_path, pretokenizer="whitespace@1", rank=rank, world_size=3) for rank in range(3)]
    assert CountTable.merge(parts) == whole
    assert [len(part.report.sources) for part in parts] == [3, 2, 2]


@pytest.mark.parametrize("scheme", ["llama-bpe@1", "gpt2@1", "metaspace@1", "none@1"])
def test_counts_equal_the_pretokens_of_each_text(scheme):
    texts = ["Hello  world, it's 12345\n", "\tnaïve 東京 tower\r\n", " lead", "", "   ", "x" * 40 + " end"]
    wanted = Counter()
    for text in texts:
        rewritten = _core.rewrite(text.encode(), scheme)
        wanted.update(rewritten[low:high] for low, high in _core.pretokenize(rewritten, scheme))
    table = count(iter(texts), pretokenizer=scheme, config=CountConfig(threads=2))
    assert dict(table) == dict(wanted)
