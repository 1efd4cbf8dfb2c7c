"""Data sets from files already at hand: the original files, or one folder of images per class."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lth.datasets._torchvision import torchvision_datasets
from lth.datasets.catalogue import DataSet
from lth.datasets.reading import Raw, md5_of
from lth.errors import LthError
from lth.paths import make_dir


def originals(data_set: DataSet, folder: Path, scratch: Path, way_out: str) -> list[Path]:
    """Verified copies, below `scratch`, of the original files found anywhere below `folder`, plain or gzipped.

    An empty list where there is none of them; LthError where some are absent or one is corrupt.
    """
    wanted = {name + suffix for name, _ in data_set.files for suffix in ("", ".gz")}
    there = {path.name: path for path in sorted(folder.rglob("*")) if path.name in wanted and path.is_file()}
    paths = {name: path for name, _ in data_set.files if (path := there.get(name) or there.get(f"{name}.gz"))}
    if not paths:
        return []
    absent = [name for name, _ in data_set.files if name not in paths]
    if absent:
        raise LthError(f"{folder} lacks {', '.join(absent)}: give a folder with all of {data_set.label}'s files")
    place = make_dir(scratch / "verified")
    for name, md5 in data_set.files:
        content = _content(paths[name], way_out)
        if md5_of(content) != md5:
            raise LthError(f"{paths[name]} is corrupt (the MD5 of its content is not {md5}): {way_out}")
        (place / name).write_bytes(content)
    return [place / name for name in paths]


def _content(path: Path, way_out: str) -> bytes:
    """The bytes of a file, decompressed where its name ends in .gz."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LthError(f"{path} is corrupt: {way_out}") from error


def read_images(data_set: DataSet, folder: Path) -> Raw:
    """The images in `train/CLASS/` and `test/CLASS/`, in `folder` or one level below, as a labelled copy.

    Raises LthError where a class is missing, an image has the wrong size or cannot be read, or the count is wrong.
    """
    roots = [
        root for root in (folder, *sorted(folder.iterdir())) if all((root / p).is_dir() for p in ("train", "test"))
    ]
    if not roots:
        names = ", ".join(name for name, _ in data_set.files)
        raise LthError(f"{folder} must hold {names}, or images in train/CLASS and test/CLASS")
    parts, suffixes = [], set()
    for part, size in zip(("train", "test"), data_set.sizes, strict=True):
        pixels, labels, endings = _decode(data_set, roots[0] / part, size)
        parts.append((pixels, labels))
        suffixes |= endings
    kind = "JPEG" if suffixes <= {".jpg", ".jpeg"} else "image"
    return Raw(f"{data_set.label} ({kind} copy)", *parts)


def _decode(data_set: DataSet, folder: Path, size: int) -> tuple[torch.Tensor, torch.Tensor, set[str]]:
    """(pixels, labels, file suffixes) of the images in the class folders of `folder`, in the order of their names."""
    channels, height, width = data_set.shape
    try:
        images = torchvision_datasets().ImageFolder(folder, loader=lambda path: _pixels(path, data_set))
    except FileNotFoundError as error:  # no class folder, or an empty one
        raise LthError(f"{folder} must hold images in each of {', '.join(data_set.classes)}") from error
    if set(images.classes) != set(data_set.classes):
        raise LthError(f"{folder} must hold the folders {', '.join(data_set.classes)}, not {', '.join(images.classes)}")
    if len(images) != size:
        raise LthError(f"{folder} must hold {size} images, not {len(images)}: give a whole copy of {data_set.label}")
    pixels = np.stack([image for image, _ in images]).reshape(size, height, width, channels)
    suffixes = {Path(path).suffix.lower() for path, _ in images.samples}
    order = torch.tensor([data_set.classes.index(name) for name in images.classes])  # ImageFolder's is by name
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), order[torch.tensor(images.targets)], suffixes


def _pixels(path: str, data_set: DataSet) -> np.ndarray:
    """The bytes of an image: (height, width) where the data set is grey, else (height, width, 3)."""
    channels, height, width = data_set.shape
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError) as error:
        raise LthError(f"{path} is not a whole image: replace it") from error
    if pixels.shape[:2] != (height, width):
        raise LthError(f"{path} must be {width}x{height} pixels, not {pixels.shape[1]}x{pixels.shape[0]}")
    return pixels
