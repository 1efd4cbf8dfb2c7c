"""Compiled code kept on disk with checksums: what is damaged is compiled again, what cannot be kept is not.

Numba unpickles what it finds in its cache and hands the machine code in it to LLVM, which ends the process where a file
was cut or changed; and it raises where it has no folder to write to.
"""

import contextlib
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

_FILES = ("kernels", "simd", "elementwise", "vectors", "convolve", "features", "passes", "optimizers", "cache")
_BYTES = b"".join((Path(__file__).parent / f"_{name}.py").read_bytes() for name in _FILES)
_SOURCES = hashlib.sha256(_BYTES).hexdigest()[:12]


def cached(function: Callable) -> Callable:
    """Compile, and keep the result on disk: compiling takes seconds, in every process.

    Numba compiles again when the function's file changes, but not when a file does from which it calls something. So
    the name it files the result under contains a hash of all of these files.
    """
    function.__qualname__ += f"-{_SOURCES}"
    compiled = njit(error_model="numpy")(function)
    with contextlib.suppress(RuntimeError, OSError):  # a folder of nobody's, and no home: every process compiles
        compiled._cache = _Cache(function)
    return compiled


class _Cache(FunctionCache):
    """Numba's cache of one function, in files with checksums."""

    def __init__(self, function: Callable):
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file: IndexDataCacheFile = _Files(self._cache_path, self._impl.filename_base, stamp)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code, unless it cannot be written."""
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


class _Files(IndexDataCacheFile):
    """The files: each is the SHA-256 of what follows it."""

    def _load_index(self) -> dict:
        try:
            version, stamp, names = pickle.loads(_whole(Path(self._index_path)))
        except (OSError, ImportError, AttributeError):
            return {}
        # What another Numba has named may have no counterpart in this one, so that it cannot even be unpickled: it is
        # packed by itself, which it was not in caches of this project's first versions.
        ours = (version, stamp) == (self._version, self._source_stamp) and isinstance(names, bytes)
        return pickle.loads(names) if ours else {}

    def _save_index(self, overloads: dict) -> None:
        self._write(self._index_path, self._dump((self._version, self._source_stamp, self._dump(overloads))))

    def _load_data(self, name: str) -> Any:
        try:
            return pickle.loads(_whole(Path(self._data_path(name))))
        except (ImportError, AttributeError, ValueError, pickle.UnpicklingError) as error:
            raise OSError(f"{name} cannot be used here") from error  # which Numba takes for a file that has gone

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), self._dump(data))

    def _write(self, path: str, content: bytes) -> None:
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(content).digest() + content)


def _whole(path: Path) -> bytes:
    """What the file holds after its checksum; OSError where that is not its checksum, as where there is no file."""
    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise OSError(f"{path} is not what was written")
    return content[32:]
