"""Where and with what a benchmark was timed, and one thread for a process that times."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version

from lth.paths import commit

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # environment variables


def told(machine: str, *packages: str) -> dict:
    """The columns machine, cores, versions (of these packages and of Python), commit and time of a record."""
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {
        "machine": machine,
        "cores": os.cpu_count(),
        "versions": json.dumps(versions),
        "commit": commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
