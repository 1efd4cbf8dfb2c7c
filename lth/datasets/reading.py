"""Reading a data set that lies on disk, and checking that it is whole. Nothing here reaches for the network.

They lie below `lth.paths.datasets_dir()` the way torchvision lays them out. A copy made from image files
(`lth data NAME --from DIR`) is one NumPy archive beside them; its label says that it is a copy, and the original wins
where both exist.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from lth.datasets.catalogue import DataSet
from lth.datasets.formats import Part
from lth.errors import LthError
from lth.paths import content_of, datasets_dir

ARRAYS = ("train", "train_labels", "test", "test_labels")  # of the archive of a copy


@dataclass(frozen=True)
class Raw:
    """A data set in memory: pixels uint8 (n, channels, height, width), labels int64 (n,), training and test."""

    label: str
    train: Part
    test: Part


def md5_of(content: bytes) -> str:
    """The MD5 of `content`: what the data sets' publishers give; it guards against damage, not against malice."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def verified(path: Path, md5: str, way_out: str) -> bytes:
    """The bytes of `path`; LthError, ending in `way_out`, unless they have the checksum."""
    with _readable(path):
        content = content_of(path)
    if md5_of(content) != md5:
        raise LthError(f"{path} is corrupt (its MD5 is not {md5}): {way_out}")
    return content


def missing(data_set: DataSet) -> list[str]:
    """The names of the original files that are not on disk."""
    with _readable(data_set.path):
        return [name for name, _ in data_set.files if not (data_set.path / name).is_file()]


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """LthError where `path` cannot be read, as where another user has fetched it for himself alone."""
    try:
        yield
    except OSError as error:
        raise LthError(
            f"cannot read {error.filename or path} ({error.strerror}): make it readable, or set LTH_DATA to another "
            "folder"
        ) from error


def copy_label(data_set: DataSet) -> str:
    """The label of the copy that stands in for the original; empty where the original is there, or neither.

    It is part of a run's key. So it says which copy it is, by the first digits of its fingerprint, unless that is the
    one which published records are on.
    """
    return _read_label(data_set) if missing(data_set) and _copied(data_set) else ""


def _copied(data_set: DataSet) -> bool:
    """Whether there is a copy."""
    with _readable(data_set.copy):
        return data_set.copy.is_file()


def read(data_set: DataSet, copy: str | None = None) -> Raw:
    """Read and verify the copy with the label `copy`, the original where that is empty, whichever is there where None.

    LthError where that is not there or not whole: results on a copy never mix with those on the original.
    """
    again = f"delete it and run `lth data {data_set.name}`"
    if copy is None:
        copy = copy_label(data_set)
    if not copy and not missing(data_set):
        contents = {name: verified(data_set.path / name, md5, again) for name, md5 in data_set.files}
        return _checked(data_set, Raw(data_set.label, *data_set.read(data_set.path, contents)), data_set.path, again)
    copy_there = _read_label(data_set) if _copied(data_set) else ""
    if copy and copy == copy_there:
        return _checked(data_set, _read_copy(data_set), data_set.copy, _anew(data_set))
    wanted = copy or data_set.label
    there = " and ".join(filter(None, ("" if missing(data_set) else data_set.label, copy_there)))
    if there:
        raise LthError(f"{datasets_dir()} holds {there}, not {wanted}: set LTH_DATA to a folder for {wanted}")
    raise LthError(
        f"{wanted} is not in {datasets_dir()}: run `lth data {data_set.name}{' --from DIR' if copy else ''}`"
    )


def copy_fingerprint(data_set: DataSet) -> str:
    """SHA-256 of the arrays of the data set's copy: two copies of one label are the same images where these agree.

    It is read off the archive, or computed where the archive is from before it was kept there. LthError where there is
    no copy, or where it is corrupt.
    """
    with _copy_arrays(data_set) as arrays:
        if "sha256" in arrays:
            return str(arrays["sha256"])
    at = data_set.copy.stat()
    return _computed(data_set, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=8)
def _computed(data_set: DataSet, changed: int, size: int) -> str:
    """The fingerprint of an archive that does not hold it, once for each time that it changed."""
    with _copy_arrays(data_set) as arrays:
        return _fingerprint(arrays)


def _fingerprint(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over each array's name, type, shape and bytes."""
    total = hashlib.sha256()
    for name in ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(array.data)
    return total.hexdigest()


def _anew(data_set: DataSet) -> str:
    return f"delete it and run `lth data {data_set.name} --from DIR` on the image files"


@contextlib.contextmanager
def _copy_arrays(data_set: DataSet) -> Iterator[np.lib.npyio.NpzFile]:
    """The archive that `write_copy` wrote; its own CRC finds damage."""
    try:
        with np.load(data_set.copy, allow_pickle=False) as arrays:
            yield arrays
    except FileNotFoundError as error:
        raise LthError(f"there is no copy of {data_set.label}: run `lth data {data_set.name} --from DIR`") from error
    except PermissionError as error:
        raise LthError(f"cannot read {data_set.copy} ({error.strerror}): make it readable") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LthError(f"{data_set.copy} is corrupt: {_anew(data_set)}") from error


def _read_label(data_set: DataSet) -> str:
    """The label of a copy with the first digits of its fingerprint, such as "MNIST (image copy 01234567)"."""
    with _copy_arrays(data_set) as arrays:
        label = str(arrays["label"])
    fingerprint = copy_fingerprint(data_set)
    return label if fingerprint == data_set.plain_copy else f"{label.removesuffix(')')} {fingerprint[:8]})"


def _read_copy(data_set: DataSet) -> Raw:
    """A copy with its images."""
    with _copy_arrays(data_set) as archive:
        arrays = {name: archive[name] for name in ARRAYS}
        if "sha256" in archive and str(archive["sha256"]) != _fingerprint(arrays):
            raise ValueError("its arrays are not those that were written")
        train, train_labels, test, test_labels = (torch.from_numpy(array) for array in arrays.values())
        return Raw(_read_label(data_set), (train, train_labels), (test, test_labels))


def write_copy(path: Path, raw: Raw) -> None:
    """Write `raw` with its fingerprint as an uncompressed NumPy archive."""
    arrays = {name: tensor.numpy() for name, tensor in zip(ARRAYS, (*raw.train, *raw.test), strict=True)}
    np.savez(path, label=np.array(raw.label), sha256=np.array(_fingerprint(arrays)), **cast(dict[str, Any], arrays))


def _checked(data_set: DataSet, raw: Raw, path: Path, way_out: str) -> Raw:
    """`raw` itself; LthError where its sizes or labels are not the data set's."""
    for (pixels, labels), size in zip((raw.train, raw.test), data_set.sizes, strict=True):
        if pixels.dtype != torch.uint8 or pixels.shape != (size, *data_set.shape) or labels.shape != (size,):
            wanted, shape = (_product(numbers) for numbers in ((size, *data_set.shape), pixels.shape))
            raise LthError(
                f"{path} holds {shape} {pixels.dtype} pixels and {len(labels)} labels where {data_set.label} has "
                f"{wanted} uint8 pixels: {way_out}"
            )
        if labels.min() < 0 or labels.max() >= len(data_set.classes):
            label = next(n for n in (int(labels.min()), int(labels.max())) if not 0 <= n < len(data_set.classes))
            raise LthError(
                f"{path} holds the label {label}, but {data_set.label} has {len(data_set.classes)} classes "
                f"({', '.join(data_set.classes)}): {way_out}"
            )
    for (_, labels), counts in zip((raw.train, raw.test), data_set.expected, strict=False):
        counted = torch.bincount(labels, minlength=len(data_set.classes)).tolist()
        for name, count, found in zip(data_set.classes, counts, counted, strict=True):
            if count != found:
                raise LthError(f"{path} holds {found} images of {name} where {data_set.label} has {count}: {way_out}")
    return raw


def _product(numbers: Iterable[int]) -> str:
    return "x".join(map(str, numbers))
