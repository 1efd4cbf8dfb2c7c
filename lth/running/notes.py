"""Notes in the folder of runs that say which processes are training."""

import contextlib
import json
import os
from collections.abc import Iterator

import psutil

from lth.errors import LthError
from lth.paths import runs_dir


def running() -> dict[str, int]:
    """How many runs of each study live processes are training now."""
    counts: dict[str, int] = {}
    for file in runs_dir().glob("running-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # just being written, or not one of ours
            if not psutil.pid_exists(int(file.stem.removeprefix("running-"))):
                file.unlink(missing_ok=True)  # its process was killed
                continue
            note = json.loads(file.read_text())
            counts[note["study"]] = counts.get(note["study"], 0) + note["running"]
    return counts


@contextlib.contextmanager
def announced(study: str, runs: int) -> Iterator[None]:
    """While this process trains so many runs of a study at a time, a file says so for `lth status`."""
    file = runs_dir() / f"running-{os.getpid()}.json"
    note = json.dumps({"study": study, "running": runs})
    try:
        file.write_text(note)
    except OSError as error:
        raise LthError(f"cannot write to {file.parent} ({error.strerror}): make room there and try again") from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
