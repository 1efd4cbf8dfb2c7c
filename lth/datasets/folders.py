"""Data sets from files already at hand: the original files, or one folder of images per class."""

import gzip
import lzma
import tarfile
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


def opened(source: Path, scratch: Path) -> Path:
    """The folder `source`, or the folder below `scratch` that the tar archive `source` was unpacked into."""
    source = Path(source).expanduser()
    if source.is_dir():
        return source
    if not source.exists():
        raise LthError(f"there is no {source}: give --from an existing folder or tar archive")
    return unpack(source, make_dir(scratch / "archive"))


def unpack(archive: Path, place: Path) -> Path:
    """Unpack a tar archive, plain or compressed, into `place`."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise LthError(
            f"{archive} is neither a folder nor a whole tar archive: unpack it and give the folder"
        ) from error
    return place


def originals(data_set: DataSet, folder: Path, scratch: Path, way_out: str) -> list[Path]:
    """Verified copies, below `scratch`, of the original files found anywhere below `folder`, plain or gzipped.

    An empty list where there is none of them; LthError where some are absent or one is corrupt.
    """
    wanted = {name + suffix for name, _ in data_set.files for suffix in ("", ".gz")}
    found = {path.name: path for path in sorted(folder.rglob("*")) if path.name in wanted and path.is_file()}
    chosen = {name: found.get(name) or found.get(f"{name}.gz") for name, _ in data_set.files}
    absent = [name for name, path in chosen.items() if path is None]
    if len(absent) == len(chosen):
        return []
    if absent:
        raise LthError(f"{folder} lacks {', '.join(absent)}: give a folder with all of {data_set.label}'s files")
    place = make_dir(scratch / "verified")
    for name, md5 in data_set.files:
        content = _content(chosen[name], way_out)
        if md5_of(content) != md5:
            raise LthError(f"{chosen[name]} is corrupt (the MD5 of its content is not {md5}): {way_out}")
        (place / name).write_bytes(content)
    return [place / name for name in chosen]


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
        raise LthError(
            f"{folder} holds neither {names} nor image folders train/CLASS and test/CLASS: give one that does"
        )
    parts, suffixes = [], set()
    for part, size in zip(("train", "test"), data_set.sizes, strict=True):
        images, labels, found = _decode(data_set, roots[0] / part, size)
        parts.append((images, labels))
        suffixes |= found
    kind = "JPEG" if suffixes <= {".jpg", ".jpeg"} else "image"
    return Raw(f"{data_set.label} ({kind} copy)", *parts)


def _decode(data_set: DataSet, folder: Path, size: int) -> tuple[torch.Tensor, torch.Tensor, set[str]]:
    """(pixels, labels, file suffixes) of the images in the class folders of `folder`, in the order of their names."""
    channels, height, width = data_set.shape
    try:
        images = torchvision_datasets().ImageFolder(folder, loader=lambda path: _pixels(path, data_set))
    except FileNotFoundError as error:  # no class folder, or an empty one
        raise LthError(f"{folder} must hold images in each of {', '.join(data_set.classes)}") from error
    if images.classes != list(data_set.classes):
        raise LthError(f"{folder} must hold the folders {', '.join(data_set.classes)}, not {', '.join(images.classes)}")
    if len(images) != size:
        raise LthError(f"{folder} must hold {size} images, not {len(images)}: give a whole copy of {data_set.label}")
    pixels = np.stack([image for image, _ in images]).reshape(size, height, width, channels)
    suffixes = {Path(path).suffix.lower() for path, _ in images.samples}
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(images.targets), suffixes


def _pixels(path: str, data_set: DataSet) -> np.ndarray:
    """The bytes of one image: (height, width) where the data set is grey, else (height, width, 3)."""

    channels, height, width = data_set.shape
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError) as error:
        raise LthError(f"{path} is not a whole image: replace it") from error
    if pixels.shape[:2] != (height, width):
        raise LthError(f"{path} must be {width}x{height} pixels, not {pixels.shape[1]}x{pixels.shape[0]}")
    return pixels
