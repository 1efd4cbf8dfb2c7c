"""Where things lie: everything the project reads or writes is below one data folder."""

import os
import subprocess
from pathlib import Path

from lth.errors import LthError

ROOT = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """The data folder: $LTH_DATA where it is set, else `data/` of this checkout."""
    folder = os.environ.get("LTH_DATA") or ROOT / "data"
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise LthError(f"LTH_DATA names a home folder that does not exist, {folder!r}: set it to another") from error


def datasets_dir() -> Path:
    """Fetched data sets (not committed)."""
    return data_dir() / "datasets"


def runs_dir() -> Path:
    """Finished runs with their masks and weights (not committed)."""
    return data_dir() / "runs"


def records_dir() -> Path:
    """Published records, one folder a study (committed)."""
    return data_dir() / "records"


def make_dir(path: Path) -> Path:
    """Create `path` and return it; LthError where it cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError
    except OSError as error:
        raise LthError(f"cannot write to {path}: make it writable or set LTH_DATA to another folder") from error
    return path


def commit() -> str:
    """The git commit of this checkout, marked where files differ from it; empty outside of git."""
    describe = ["git", "-C", ROOT, "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    return subprocess.run(describe, capture_output=True, text=True).stdout.strip()
