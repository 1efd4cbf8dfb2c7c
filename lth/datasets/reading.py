"""The data sets as files: names, sizes, checksums and readers. Nothing here reaches for the network.

They lie below `lth.paths.datasets_dir()` the way torchvision lays them out. A copy made from image files
(`lth data NAME --from DIR`) is one NumPy archive beside them; its label says that it is a copy, and the original wins
where both exist.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lth.datasets import formats
from lth.datasets.catalogue import DataSet
from lth.errors import LthError
from lth.paths import datasets_dir


@dataclass(frozen=True)
class Raw:
    """A data set in memory: pixels uint8 (n, channels, height, width), labels int64 (n,), training and test."""

    label: str
    train: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]


def md5_of(content: bytes) -> str:
    """The MD5 of `content`: what the data sets' publishers give; it guards against damage, not against malice."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def verified(path: Path, md5: str, way_out: str) -> bytes:
    """The bytes of `path`; LthError, ending in `way_out`, unless they have the checksum."""
    content = path.read_bytes()
    if md5_of(content) != md5:
        raise LthError(f"{path} is corrupt (its MD5 is not {md5}): {way_out}")
    return content


def missing(data_set: DataSet) -> list[str]:
    """The names of the original files that are not on disk."""
    return [name for name, _ in data_set.files if not (data_set.path / name).is_file()]


def copy_label(data_set: DataSet) -> str:
    """The label of the copy that stands in for the original; empty where the original is there, or neither."""
    return _read_label(data_set) if missing(data_set) and data_set.copy.is_file() else ""


def read(data_set: DataSet, copy: str | None = None) -> Raw:
    """Read and verify the copy with the label `copy`, the original where that is empty, whichever is there where None.

    LthError where that is not there or not whole: results on a copy never mix with those on the original.
    """
    again = f"delete it and run `lth data {data_set.name}`"
    if copy is None:
        copy = copy_label(data_set)
    if not copy and not missing(data_set):
        contents = {n: verified(data_set.path / n, md5, again) for n, md5 in data_set.files}
        parse = formats.cifar if data_set.shape[0] == 3 else formats.idx_pairs
        return _checked(data_set, Raw(data_set.label, *parse(data_set.path, contents)), data_set.path, again)
    found = _read_label(data_set) if data_set.copy.is_file() else ""
    if copy and copy == found:
        return _checked(data_set, _read_copy(data_set), data_set.copy, _anew(data_set))
    wanted = copy or data_set.label
    if not copy and not found:
        raise LthError(f"{wanted} is not in {datasets_dir()}: run `lth data {data_set.name}`")
    there = " and ".join(filter(None, ("" if missing(data_set) else data_set.label, found)))
    bring = f"`lth data {data_set.name}{' --from DIR' if copy else ''}`"
    raise LthError(
        f"this needs {wanted}, but {datasets_dir()} holds {there or 'nothing of it'}, and results on a copy never mix "
        f"with those on the original: bring {wanted} there with {bring}, or set LTH_DATA to another data folder"
    )


def _anew(data_set: DataSet) -> str:
    return f"delete it and run `lth data {data_set.name} --from DIR` on the image files"


@contextlib.contextmanager
def _copy_arrays(data_set: DataSet) -> Iterator[np.lib.npyio.NpzFile]:
    """The archive that `write_copy` wrote; its own CRC finds damage."""
    try:
        with np.load(data_set.copy, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LthError(f"{data_set.copy} is corrupt: {_anew(data_set)}") from error


def _read_label(data_set: DataSet) -> str:
    """The label of a copy, without reading its images."""
    with _copy_arrays(data_set) as arrays:
        return str(arrays["label"])


def _read_copy(data_set: DataSet) -> Raw:
    """A copy with its images."""
    with _copy_arrays(data_set) as arrays:
        tensors = [torch.from_numpy(arrays[key]) for key in ("train", "train_labels", "test", "test_labels")]
        return Raw(str(arrays["label"]), tuple(tensors[:2]), tuple(tensors[2:]))


def write_copy(path: Path, raw: Raw) -> None:
    """Write `raw` as an uncompressed NumPy archive."""
    arrays = dict(zip(("train", "train_labels", "test", "test_labels"), (*raw.train, *raw.test), strict=True))
    np.savez(path, label=np.array(raw.label), **{key: tensor.numpy() for key, tensor in arrays.items()})


def _checked(data_set: DataSet, raw: Raw, path: Path, way_out: str) -> Raw:
    """`raw` itself, unless its sizes are not the data set's."""
    for (pixels, labels), size in zip((raw.train, raw.test), data_set.sizes, strict=True):
        fits = pixels.shape == (size, *data_set.shape) and labels.shape == (size,)
        if not (fits and pixels.dtype == torch.uint8 and 0 <= labels.min() and labels.max() < len(data_set.classes)):
            raise LthError(f"{path} does not hold {size} {data_set.label} images with labels 0 to 9: {way_out}")
    return raw
