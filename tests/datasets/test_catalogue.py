import hashlib

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import idx_bytes

from lth.datasets import catalogue, download, formats, reading
from lth.datasets.catalogue import DataSet
from lth.errors import LthError

random = np.random.default_rng(0)
ARRAYS = {  # 6 training and 4 test images of 5x7 pixels, of three classes
    "pictures": random.integers(0, 256, (6, 5, 7), dtype=np.uint8),
    "names": np.array([0, 1, 2, 2, 1, 0], np.uint8),
    "more-pictures": random.integers(0, 256, (4, 5, 7), dtype=np.uint8),
    "more-names": np.array([2, 2, 0, 1], np.uint8),
}
FILES = {name: idx_bytes(array) for name, array in ARRAYS.items()}
SHAPES = DataSet(
    name="shapes",
    label="Shapes",
    folder="shapes",
    files=tuple((name, hashlib.md5(content).hexdigest()) for name, content in FILES.items()),
    shape=(1, 5, 7),
    sizes=(6, 4),
    classes=("square", "circle", "star"),
    mean=(0.5,),
    std=(0.25,),
    read=formats.idx_pairs,
)


@pytest.fixture
def shapes(monkeypatch, tmp_path):
    """A data set of one's own, added by its row; an empty data folder, and a folder with its files."""
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "data"))
    source = tmp_path / "source"
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    catalogue.add(SHAPES)
    yield source
    del catalogue.DATA_SETS["shapes"]


def test_a_data_set_is_added_by_its_row(shapes):
    place = download.fetch("shapes", shapes)
    assert place == catalogue.find("shapes").path
    raw = reading.read(catalogue.find("shapes"))
    assert raw.label == "Shapes" and raw.train[0].shape == (6, 1, 5, 7)
    np.testing.assert_array_equal(raw.test[0][:, 0].numpy(), ARRAYS["more-pictures"])
    assert raw.train[1].tolist() == [0, 1, 2, 2, 1, 0] and raw.test[1].dtype == torch.int64


def test_its_image_folders_are_read_in_the_order_of_its_classes(shapes, tmp_path):
    for part, pixels, labels in (("train", "pictures", "names"), ("test", "more-pictures", "more-names")):
        for number, (image, label) in enumerate(zip(ARRAYS[pixels], ARRAYS[labels], strict=True)):
            folder = tmp_path / "images" / part / SHAPES.classes[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number}.png")
    assert download.fetch("shapes", tmp_path / "images") == SHAPES.copy
    raw = reading.read(SHAPES)
    assert raw.test[1].tolist() == [1, 0, 2, 2]  # circle, square, star, star: folders are read by name
    np.testing.assert_array_equal(raw.test[0][0, 0].numpy(), ARRAYS["more-pictures"][3])


def test_one_without_a_source_asks_for_its_files(shapes):
    with pytest.raises(LthError, match=r"cannot download Shapes \(no source is known\): put .*`lth data shapes --from"):
        download.fetch("shapes")


def test_a_name_is_taken_once(shapes):
    assert catalogue.add(SHAPES) is SHAPES
    other = DataSet(**{name: getattr(SHAPES, name) for name in SHAPES.__dataclass_fields__} | {"label": "Others"})
    with pytest.raises(LthError, match="there is another data set called 'shapes': give yours a name of its own"):
        catalogue.add(other)
    assert catalogue.find("shapes") is SHAPES


def test_channels_need_as_many_means(shapes):
    fields = {name: getattr(SHAPES, name) for name in SHAPES.__dataclass_fields__}
    with pytest.raises(LthError, match="Shapes has 3 channels: give as many means .*, not 1 and 1"):
        DataSet(**fields | {"shape": (3, 5, 7)})
