"""Data sets from files already at hand: the original files, or one folder of images per class."""

import gzip
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lth.datasets._torchvision import torchvision_datasets
from lth.datasets.catalogue import DATA_SETS, DataSet
from lth.datasets.reading import Raw, md5_of
from lth.errors import LthError
from lth.paths import check_file, make_dir

ORIENTATION = 274  # of Exif


def originals(data_set: DataSet, folder: Path, scratch: Path, way_out: str) -> list[Path]:
    """Verified copies, below `scratch`, of the original files found anywhere below `folder`, plain or gzipped.

    Of several files of one name the one with the right checksum is taken. An empty list where there is none of them;
    LthError where some are absent, corrupt, or another data set's.
    """
    there = {name: _named(name, folder) for name, _ in data_set.files}
    if not any(there.values()):
        return []
    if absent := [name for name, paths in there.items() if not paths]:
        raise LthError(f"{folder} lacks {', '.join(absent)}: give a folder with all of {data_set.label}'s files")
    place = make_dir(scratch / "verified")
    for name, md5 in data_set.files:
        (place / name).write_bytes(_whole(data_set, there[name], md5, way_out))
    return [place / name for name in there]


def _named(name: str, folder: Path) -> list[Path]:
    """The files below `folder` of that name, or of those that tools which unpack give it: gzipped, with a dot."""
    names = {spelt + suffix for spelt in (name, name.replace("-idx", ".idx")) for suffix in ("", ".gz")}
    return [path for path in sorted(folder.rglob("*")) if path.name in names and path.is_file()]


def _whole(data_set: DataSet, paths: list[Path], md5: str, way_out: str) -> bytes:
    """The content of the first of `paths` with that checksum; LthError, saying of the first what it is, where none."""
    problems = []
    for path in paths:
        try:
            content = _content(path, way_out)
        except LthError as error:
            problems.append(str(error))
            continue
        found = md5_of(content)
        if found == md5:
            return content
        owners = [other.label for other in DATA_SETS.values() if found in dict(other.files).values()]
        if owners:
            problems.append(f"{path} is a file of {owners[0]}, not of {data_set.label}: give the folder of that")
        else:
            problems.append(f"{path} is corrupt (the MD5 of its content is not {md5}): {way_out}")
    raise LthError(problems[0])


def _content(path: Path, way_out: str) -> bytes:
    """The bytes of a file, decompressed where its name ends in .gz."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            return file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LthError(f"{path} is corrupt: {way_out}") from error
    except OSError as error:
        raise LthError(f"cannot read {path} ({error.strerror}): make it readable") from error


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
    _check_apart(data_set, roots[0], *(pixels for pixels, _ in parts))
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


def _check_apart(data_set: DataSet, folder: Path, train: torch.Tensor, test: torch.Tensor) -> None:
    """LthError where most test images are training images too: what they measure would be memory."""
    seen = {image.tobytes() for image in train.numpy()}
    both = sum(image.tobytes() in seen for image in test.numpy())
    if both > len(test) / 2:
        raise LthError(
            f"{both} of the {len(test)} images in {folder / 'test'} are in {folder / 'train'} too: "
            f"give a copy of {data_set.label} whose test images are its own"
        )


def _pixels(path: str, data_set: DataSet) -> np.ndarray:
    """The bytes of an image: (height, width) where the data set is grey, else (height, width, 3).

    Its size is looked at before it is decoded. What bytes would show otherwise than it is meant is refused: more than
    8 bits a channel, transparency, a turn that a camera has noted.
    """
    channels, height, width = data_set.shape
    try:
        check_file(Path(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.size != (width, height):
                    raise LthError(f"{path} must be {width}x{height} pixels, not {image.width}x{image.height}")
                if image.mode.startswith(("I", "F")):
                    raise LthError(f"{path} must have 8 bits a channel, not the mode {image.mode}: convert it")
                if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
                    raise LthError(f"{path} is transparent in places: put it on a background")
                if image.getexif().get(ORIENTATION, 1) != 1:
                    raise LthError(f"{path} is to be turned when it is shown: turn it")
                return np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except Image.DecompressionBombError as error:
        raise LthError(f"{path} must be {width}x{height} pixels, and is far larger") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise LthError(f"{path} is not a whole image: replace it") from error
