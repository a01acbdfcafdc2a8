"""Same text, same options, same bytes: whatever the threads, the process and the hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SCRIPT = """
import hashlib, sys
from pathlib import Path
from tokkit.artifact.events_file import write_events
from tokkit.counts import count
from tokkit.counts.count import CountConfig
from tokkit.trainers import TRAINERS

trainer = TRAINERS.get(sys.argv[1])
table = count([sys.argv[2]], config=CountConfig(threads=int(sys.argv[3])))
path = Path(sys.argv[4])
write_events(trainer(trainer.Config(vocab_size=900)).train(table), path)
print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.parametrize("method", ["picky", "scaffold", "litetoken", "trimmed"])
def test_log_is_the_same_bytes_in_fresh_processes_with_one_and_two_threads(method, tmp_path):
    text = PROJECT / "data" / "udhr" / "fin.txt"
    digests = set()
    for seed, threads in (("1", "1"), ("2", "2")):
        command = [sys.executable, "-c", SCRIPT, method, str(text), threads, str(tmp_path / f"{seed}.parquet")]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
