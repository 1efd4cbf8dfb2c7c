"""Getting a data set, from its sources or from files already at hand; always verified.

Everything is put together in a temporary folder beside its final place and renamed, so no file is ever half there.
"""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from lth.datasets import archives, catalogue, folders, reading
from lth.datasets.catalogue import DataSet
from lth.datasets.sources import Unreachable
from lth.errors import LthError
from lth.paths import datasets_dir, make_dir


def fetch(name: str, source: Path | None = None) -> Path:
    """Get the data set `name`, verify it and return where it is: a folder, or the archive of a copy made from images.

    `source` is a folder or tar archive with the original files, plain or gzipped, or with `train/CLASS/` and
    `test/CLASS/` image folders. What is there already and whole is left alone. Raises LthError where a file is corrupt,
    where nothing can be reached, and where the data folder cannot be written.
    """
    data_set = catalogue.find(name)
    if not reading.missing(data_set) or (source is None and data_set.copy.is_file()):
        reading.read(data_set)
        return data_set.copy if reading.missing(data_set) else data_set.path
    folder = make_dir(datasets_dir())
    try:
        clean()
        with tempfile.TemporaryDirectory(prefix=f".part-{os.getpid()}-", dir=folder) as scratch:
            return _put_in_place(data_set, Path(scratch), source)
    except OSError as error:
        raise LthError(f"cannot bring {data_set.label} into {folder}: {error}") from error


def _put_in_place(data_set: DataSet, scratch: Path, source: Path | None) -> Path:
    """Fill `scratch`, then rename what came of it to where it belongs."""
    if source is None:
        files = _download(data_set, scratch)
    else:
        folder = archives.opened(source, scratch)
        files = folders.originals(data_set, folder, scratch, "give a folder with whole files")
        if not files:
            return _copy_in_place(data_set, scratch, folder)
    for file in files:
        _move(file, make_dir(data_set.path) / file.name)
    return data_set.path


def clean() -> None:
    """Delete what interrupted downloads of processes that are gone have left behind."""
    import psutil  # not there on a bare machine, which fetches nothing

    for folder in datasets_dir().glob(".part-*"):
        process = folder.name.split("-")[1]
        if not process.isdecimal() or not psutil.pid_exists(int(process[:9])):
            shutil.rmtree(folder, ignore_errors=True)


def _move(file: Path, target: Path) -> None:
    """Give a file its place in one step, also where a link leads to another disk."""
    try:
        os.replace(file, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            shutil.copyfile(file, aside)
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)


def _copy_in_place(data_set: DataSet, scratch: Path, folder: Path) -> Path:
    """The archive made from the image folders below `folder`; one that is there and whole is left alone."""
    if data_set.copy.is_file():
        reading.read(data_set)
        return data_set.copy
    copy = scratch / data_set.copy.name
    reading.write_copy(copy, folders.read_images(data_set, folder))
    _move(copy, data_set.copy)
    return data_set.copy


def _download(data_set: DataSet, scratch: Path) -> list[Path]:
    """The original files, verified, from the first of the data set's sources that gives them."""
    failures = []
    for source in data_set.sources:
        place = make_dir(scratch / source.label)
        try:
            source.get(place)
            if files := folders.originals(data_set, place, scratch, "try another source"):
                return files
            failures.append(f"{source.label}: it sent other files")
        except Unreachable as error:
            failures.append(f"{source.label}: {error}")
        except LthError:
            failures.append(f"{source.label}: what it sent is corrupt")
    raise LthError(
        f"cannot download {data_set.label} ({'; '.join(failures) or 'no source is known'}): "
        f"put its files into a folder and run `lth data {data_set.name} --from DIR`"
    )
