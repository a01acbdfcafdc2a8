"""The benchmark harness: it must not flatter anyone."""

import gzip
import json
import random
import sys
import time

import pytest

from evals.bench import corpus, train
from evals.bench.measure import BenchError, machine_line, run


def test_cost_is_that_of_the_process(tmp_path):
    code = "import time\nblob = bytearray(60_000_000)\nwhile time.process_time() < 0.35: pass"
    started = time.perf_counter()
    cost = run([sys.executable, "-c", code], log=tmp_path / "log")
    assert 0.3 <= cost.cpu_seconds < 5
    assert 0.3 <= cost.wall_seconds <= time.perf_counter() - started
    assert 60e6 < cost.peak_bytes < 120e6


def test_pages_of_the_caller_are_not_counted(tmp_path):
    held = bytearray(200_000_000)
    cost = run([sys.executable, "-S", "-c", "pass"], log=tmp_path / "log")
    assert len(held) > 2 * cost.peak_bytes


def test_missing_command_is_told(tmp_path):
    with pytest.raises(BenchError, match="no such command"):
        run(["no-such-command"], log=tmp_path / "log")


def test_failure_is_told_with_the_last_line(tmp_path):
    with pytest.raises(BenchError, match="exit code 3: out of luck"):
        run([sys.executable, "-c", "import sys; print('out of luck'); sys.exit(3)"], log=tmp_path / "log")


def test_machine_is_described_in_one_line():
    assert "cores" in machine_line()
    assert "\n" not in machine_line()


def test_same_merges_are_told_from_others():
    reference = ["61 62", "6162 63", "64 65"]
    assert train._same(reference, list(reference)) == "yes, all 3 merges"
    swapped = train._same(reference, ["61 62", "64 65", "6162 63"])
    assert swapped == "no: first differs at merge 1, 100.00% of tokens shared"
    assert train._same(reference, reference[:2]).startswith("no: first differs at merge 2, 66.67%")
    assert train._same(reference, {"61", "62", "6162", "616263"}) == "no: 66.67% of tokens shared"
    assert train._same(reference, None) == "not compared"


def test_merges_of_a_tokenizer_file_are_read_as_bytes(tmp_path):
    model = {"merges": [["Ġ", "a"], ["Ã", "¼"]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model}), encoding="utf-8")
    assert train._output(tmp_path) == ["20 61", "c3 bc"]


def test_corpus_drops_what_repeats_and_counts_it():
    pool = corpus.Pool()
    line = "a line of prose that is longer than thirty characters\n"
    text = "".join(f"{index} {line}" for index in range(9))
    pool.add("english", "doc/a.txt", text.encode())
    pool.add("english", "doc/b.txt", (text + line * 5).encode())
    assert pool.documents["english"][0].decode() == text
    assert pool.dropped["repeated lines"] == 9 + 4
    source = b"int main(void) { return 0; }\n" * 20
    pool.add("code", "a.c", source)
    pool.add("code", "b.c", source)
    assert len(pool.documents["code"]) == 1
    assert pool.dropped["repeated files"] == 1


def test_corpus_reads_manuals_and_pages():
    pool = corpus.Pool()
    page = "".join(f"<p>paragraph {index} says &lt;this&gt; and no more</p>" for index in range(20))
    pool.add("english", "index.html", f"<style>x</style>{page}".encode())
    assert pool.documents["english"][0].decode().splitlines()[0] == "paragraph 0 says <this> and no more"
    manual = '.\\" a comment of the author\n' + "".join(f".SH SECTION {index}\n" for index in range(30))
    pool.add("multilingual", "usr/share/man/de/man1/x.1.gz", gzip.compress(manual.encode()))
    assert b"comment" not in pool.documents["multilingual"][0]


def test_sample_keeps_the_shares_whatever_the_order_of_files():
    documents = [f"document {index} ".encode() * 20 for index in range(300)]
    pools = []
    for seed in (1, 2):
        pool = corpus.Pool()
        for kind in corpus.SHARES:
            pool.documents[kind] = [kind.encode() + b" " + document for document in documents]
            random.Random(seed).shuffle(pool.documents[kind])
        pools.append(corpus.sample(pool, 40_000))
    assert pools[0] == pools[1]
    for kind, share in corpus.SHARES.items():
        size = sum(len(document) for document in pools[0] if document.startswith(kind.encode()))
        assert size == pytest.approx(40_000 * share, rel=0.01)


def test_sample_never_repeats_text_to_reach_a_size():
    with pytest.raises(SystemExit, match="bytes of english text are missing"):
        corpus.sample(corpus.Pool(), 1000)
