"""Notes in the folder of runs that say which processes are training.

A note is named by its process, and says on which machine that is and when it started: several machines may share the
folder, and numbers of processes are used again.
"""

import contextlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from lth.errors import LthError
from lth.paths import check_file, runs_dir

LONGEST = 4096  # bytes of a note
MOST = 100_000  # runs at a time
CLOCK = 2.0  # seconds by which a clock that is set may move the start of a process


@dataclass(frozen=True)
class Note:
    """What a process that trains says of itself."""

    study: str
    running: int  # runs at a time
    host: str
    process: int
    started: float  # in seconds since 1970

    @property
    def alive(self) -> bool:
        """Whether this machine runs that process; of another machine it is not known."""
        try:
            return self.host == platform.node() and abs(_started(self.process) - self.started) < CLOCK
        except (psutil.Error, OverflowError, ValueError):
            return False


def _started(process: int) -> float:
    return psutil.Process(process).create_time()


def running() -> dict[str, int]:
    """How many runs of each study live processes of this machine are training now."""
    counts: dict[str, int] = {}
    for note in alive():
        counts[note.study] = counts.get(note.study, 0) + note.running
    return counts


def alive() -> list[Note]:
    """The notes of live processes of this machine."""
    return [note for note in map(_read, sorted(runs_dir().glob("running-*.json"))) if note and note.alive]


def clean() -> None:
    """Delete the notes of processes of this machine that were killed."""
    for file in runs_dir().glob("running-*.json"):
        note = _read(file)
        if note and note.host == platform.node() and not note.alive:
            file.unlink(missing_ok=True)


def _read(file: Path) -> Note | None:
    """The note in a file, or None where it is just being written, or is none of ours."""
    try:
        check_file(file)
        with file.open("rb") as opened:
            note = json.loads(opened.read(LONGEST))
        types = {"study": str, "running": int, "host": str, "process": int, "started": float}
        if note.keys() != types.keys() or any(type(note[name]) is not kind for name, kind in types.items()):
            return None
        return Note(**note) if 0 <= note["running"] <= MOST else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


@contextlib.contextmanager
def announced(study: str, runs: int) -> Iterator[None]:
    """While this process trains so many runs of a study at a time, a file says so for `lth status`."""
    host, process = platform.node(), os.getpid()
    file = runs_dir() / f"running-{host}-{process}.json"
    note = {"study": study, "running": runs, "host": host, "process": process, "started": _started(process)}
    try:
        file.write_text(json.dumps(note))
    except OSError as error:
        raise LthError(f"cannot write to {file.parent} ({error.strerror}): make room there and try again") from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
