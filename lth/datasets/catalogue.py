"""The data sets as data: names, files, checksums, sizes, classes."""

from dataclasses import dataclass
from pathlib import Path

from lth.errors import check_choice
from lth.paths import datasets_dir

DIGITS = tuple("0123456789")
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class DataSet:
    """What a data set must look like on disk and in memory."""

    name: str  # as in recipes and on the command line
    label: str  # as in figures
    folder: str  # below datasets_dir()
    files: tuple[tuple[str, str], ...]  # (file name, MD5)
    shape: tuple[int, int, int]  # channels, height, width
    sizes: tuple[int, int]  # training and test images
    classes: tuple[str, ...]  # folder names of an image copy, in the order of the labels
    mean: tuple[float, ...]  # per channel, of pixels in [0, 1]
    std: tuple[float, ...]

    @property
    def path(self) -> Path:
        """The folder of the original files."""
        return datasets_dir() / self.folder

    @property
    def copy(self) -> Path:
        """The archive of a copy made from image files."""
        return datasets_dir() / f"{self.name}-copy.npz"


def _idx(name: str, label: str, folder: str, md5s: tuple[str, ...], mean: float, std: float) -> DataSet:
    """A data set of 28x28 grey images in four IDX files: training images, training labels, test images, test labels."""
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    files = tuple(zip(names, md5s, strict=True))
    return DataSet(name, label, folder, files, (1, 28, 28), (60_000, 10_000), DIGITS, (mean,), (std,))


MNIST = _idx(
    "mnist",
    "MNIST",
    "MNIST/raw",
    (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    0.1307,
    0.3081,
)
FASHION_MNIST = _idx(
    "fashion-mnist",
    "Fashion-MNIST",
    "FashionMNIST/raw",
    (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    0.2860,
    0.3530,
)
CIFAR10 = DataSet(
    "cifar10",
    "CIFAR-10",
    "cifar-10-batches-py",
    (
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        ("test_batch", "40351d587109b95175f43aff81a1287e"),
    ),
    (3, 32, 32),
    (50_000, 10_000),
    CIFAR10_CLASSES,
    (0.4914, 0.4822, 0.4465),
    (0.2470, 0.2435, 0.2616),
)
DATA_SETS = {data_set.name: data_set for data_set in (MNIST, FASHION_MNIST, CIFAR10)}


def find(name: str) -> DataSet:
    """The data set called `name`; LthError where there is none."""
    check_choice("data set", name, tuple(DATA_SETS))
    return DATA_SETS[name]
