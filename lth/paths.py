"""Where things lie: everything the project reads or writes is below one data folder."""

import errno
import os
import platform
import stat
import subprocess
from pathlib import Path

from lth.errors import LthError

ROOT = Path(__file__).resolve().parent.parent
STARTED_IN = Path.cwd()  # a program may change its working folder later on
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


def data_dir() -> Path:
    """The data folder, an absolute path: $LTH_DATA where it is set, else `data/` of this checkout.

    A relative $LTH_DATA is below the folder in which the program was started.
    """
    folder = os.environ.get("LTH_DATA") or ROOT / "data"
    return Path(os.path.normpath(STARTED_IN / expanded(folder, "LTH_DATA")))


def expanded(path: str | Path, what: str) -> Path:
    """`path` with the user's home in the place of ~; LthError, with `what` names it, where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise LthError(f"{what} names a home folder that does not exist, {str(path)!r}: set it to another") from error


def content_of(path: Path) -> bytes:
    """The bytes of a file; OSError where it cannot be read, or where something else is in its place."""
    check_file(path)
    return path.read_bytes()


def check_file(path: Path) -> None:
    """OSError unless `path` is a file, or a link to one.

    A pipe would have its reader wait for ever, and a device such as /dev/zero has no end: neither is to be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a file", str(path))


def datasets_dir() -> Path:
    """Fetched data sets (not committed)."""
    return data_dir() / "datasets"


def runs_dir() -> Path:
    """Finished runs with their masks and weights (not committed)."""
    return data_dir() / "runs"


def records_dir() -> Path:
    """Published records, one folder a study (committed)."""
    return data_dir() / "records"


def tickets_dir() -> Path:
    """Published tickets, one folder a study (committed)."""
    return data_dir() / "tickets"


def make_dir(path: Path, way_out: str = "make it writable or set LTH_DATA to another folder") -> Path:
    """Create `path` and return it; LthError, with the way out, where it cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError
    except OSError as error:
        raise LthError(f"cannot write to {path}: {way_out}") from error
    return path


def commit() -> str:
    """The git commit of this checkout, marked where files differ from it; empty where there is none to be had.

    It says where records are from and is no need: without git, or where this is no checkout, it is empty. The
    repository is this folder's own, whatever git's variables say and whatever repository the folder lies in.
    """
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment["GIT_CEILING_DIRECTORIES"] = str(ROOT.parent)
    try:
        return subprocess.run(describe, capture_output=True, text=True, check=False, env=environment).stdout.strip()
    except OSError:  # no git
        return ""


def processor() -> str:
    """The processor's name, where the system tells, and its kind: on another type the same run ends in other bits."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    return f"{name} ({platform.machine()})"
