"""Clusters as sites have them: no workers yet, no library there, fewer cores than the machine has, encryption."""

import json
import os
import subprocess
import sys
import time

import dask
import pytest
from dask.distributed import LocalCluster

from lth.errors import LthError
from lth.running import cluster, complete, notes, watch

SCRIPT = """
from lth.running.cluster import connect
if __name__ == "__main__":
    with connect(1, None) as client:
        print(client.submit(sum, [1, 2]).result())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot keep a process from a core")
def test_the_cores_are_those_that_this_process_may_use():
    one = "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])"
    script = f"{one}; from lth.running.cluster import cores; print(cores())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "1\n"


def test_a_script_on_standard_input_trains():
    done = subprocess.run([sys.executable, "-"], input=SCRIPT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "3\n", done.stderr


def test_encryption_that_settings_ask_for_is_named_where_it_cannot_be_had(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with dask.config.set({cluster.ENCRYPTION: True}):
        with pytest.raises(LthError, match="ask for encryption .*, for which a package is missing"):
            cluster.connect(1, None).__enter__()
        with pytest.raises(LthError, match="ask for encryption .*: give an address that begins with tls"):
            cluster.connect(None, "tcp://127.0.0.1:9").__enter__()


def test_a_scheduler_without_this_library_is_told(tmp_path):
    (tmp_path / "lth.py").write_text("raise ModuleNotFoundError(\"No module named 'lth'\")")
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1"]
    command += ["--dashboard-address", "127.0.0.1:0", "--scheduler-file", file]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as there:
        try:
            while not file.exists() or not file.read_text():
                assert there.poll() is None
                time.sleep(0.05)
            with pytest.raises(LthError, match="the scheduler cannot import lth .No module named 'lth'.: install it"):
                cluster.connect(None, json.loads(file.read_text())["address"]).__enter__()
        finally:
            there.terminate()


def test_a_scheduler_without_workers_is_told():
    said = []
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as empty,
        cluster.connect(None, empty.scheduler_address, said.append),
    ):
        pass
    assert "has no workers yet" in said[0]


def wait_for(condition) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_workers_that_vanish_are_told_once_each_time(monkeypatch):
    monkeypatch.setattr(watch, "PATIENCE", 0.2)
    monkeypatch.setattr(watch, "EVERY", 0.05)
    said = []
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as there,
        cluster.connect(None, there.scheduler_address, said.append) as client,
    ):
        seen, ask = [], client.nthreads
        client.nthreads = lambda: seen.append(ask()) or seen[-1]
        for times in (1, 2):
            looks = len(seen)
            wait_for(lambda: any(seen[looks:]))  # noqa: B023
            there.scale(0)
            wait_for(lambda: len(said) >= times)  # noqa: B023
            waiting = client.submit(sum, [1, times], pure=False)
            time.sleep(0.5)
            assert len(said) == times and "no worker has been left" in said[-1] and not waiting.done()
            there.scale(1)
            assert waiting.result(timeout=60) == 1 + times
            waiting.release()
            wait_for(lambda: not any(client.has_what().values()))  # a worker that holds results does not go
    assert len(said) == 2


def test_what_fails_or_is_interrupted_does_not_wait_for_its_workers():
    begun = None
    with pytest.raises(KeyboardInterrupt), cluster.connect(1, None) as client:
        client.submit(time.sleep, 60)
        time.sleep(0.5)
        begun = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 4


def test_a_second_process_that_trains_the_same_study_is_told(tiny_study, scheduler, capfd):
    complete.make_dir(complete.runs_dir())
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with notes.announced("tiny", 2):
        (mine,) = complete.runs_dir().glob("running-*")
        note = json.loads(mine.read_text()) | {"process": other.pid, "started": notes._started(other.pid)}
        mine.with_name("running-other.json").write_text(json.dumps(note))
    complete.train(tiny_study, scheduler=scheduler)
    assert f"process {other.pid} is training tiny too" in " ".join(capfd.readouterr().err.split())
    other.communicate(b"\n")
