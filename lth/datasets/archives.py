"""Folders and tar archives that the user gives or a mirror sends."""

import gzip
import lzma
import tarfile
import zlib
from pathlib import Path

from lth.errors import LthError
from lth.paths import check_file, expanded, make_dir


def opened(source: Path, scratch: Path) -> Path:
    """The folder `source`, or the folder below `scratch` that the tar archive `source` was unpacked into."""
    source = expanded(source, "--from")
    try:
        if source.is_dir():
            return source
        check_file(source)
    except FileNotFoundError as error:
        raise LthError(f"there is no {source}: give --from an existing folder or tar archive") from error
    except OSError as error:
        raise LthError(f"cannot read {source} ({error.strerror}): give --from a folder or tar archive") from error
    return unpack(source, make_dir(scratch / "archive"))


def unpack(archive: Path, place: Path) -> Path:
    """Unpack a tar archive, plain or compressed, into `place`, which is returned."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
    except (
        tarfile.TarError,
        EOFError,
        lzma.LZMAError,
        zlib.error,
        OverflowError,
        ValueError,
        gzip.BadGzipFile,
    ) as error:
        raise LthError(
            f"{archive} is neither a folder nor a whole tar archive: unpack it and give the folder"
        ) from error
    return place
