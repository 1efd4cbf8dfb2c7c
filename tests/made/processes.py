"""`lth` with the tiny study in processes of its own, to be interrupted."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from tiny_study import SCRIPT


def command(folder: Path, *arguments: str) -> subprocess.Popen:
    """`lth` with the tiny study in a process of its own, with real workers."""
    return subprocess.Popen(
        [sys.executable, SCRIPT, *arguments],
        env=os.environ | {"LTH_DATA": str(folder), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_runs(folder: Path, count: int, process: subprocess.Popen) -> list[psutil.Process]:
    """Wait until so many runs are kept, and return the processes that work on the rest."""
    until = time.monotonic() + 120
    while len(list((folder / "runs").glob("*.safetensors"))) < count:
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.02)
    return psutil.Process(process.pid).children(recursive=True)


RUN = ("run", "tiny", "--trials", "2", "--iterations", "40", "--workers", "1")
