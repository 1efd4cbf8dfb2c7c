import os
import re
import subprocess
import sys

import dask
import pytest

from lth.errors import LthError
from lth.running import cluster


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1:9", "nonsense://here", "not an address"])
def test_a_scheduler_that_does_not_answer_is_told(address, monkeypatch):
    client = cluster.Client
    monkeypatch.setattr(cluster, "Client", lambda *a, **k: client(*a, **(k | {"timeout": 1})))
    with (
        dask.config.set({"distributed.comm.timeouts.connect": 1}),
        pytest.raises(LthError, match="no Dask scheduler answers at"),
    ):
        cluster.connect(None, address).__enter__()


def test_workers_keep_the_memory_they_have_and_their_single_thread():
    with cluster.connect(1, None) as client:
        (there,) = client.run(lambda: dict(os.environ)).values()
    assert int(there["MALLOC_TRIM_THRESHOLD_"]) > int(there["MALLOC_MMAP_THRESHOLD_"]) > 2**28
    assert there["OMP_NUM_THREADS"] == "1"


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from lth.running.cluster import connect\nconnect(1, None).__enter__()\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert re.search(r"LthError: the processes that train did not start .*: in a script, .* `if __name__", done.stderr)
