import dataclasses
import hashlib
import pickle

import numpy as np
import pytest
import torch

from lth.datasets import catalogue, reading
from lth.errors import LthError


def with_files(monkeypatch, data_set, contents: dict[str, bytes], **changes):
    """`data_set` on disk with `contents` and their true checksums."""
    files = tuple((name, hashlib.md5(content).hexdigest()) for name, content in contents.items())
    data_set = dataclasses.replace(data_set, files=files, **changes)
    data_set.path.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (data_set.path / name).write_bytes(content)
    return data_set


def test_reads_pixels_and_labels(data_dir, tiny_mnist, tiny_files):
    raw = reading.read(tiny_mnist)
    assert raw.train[0].shape == (240, 1, 28, 28) and raw.train[0].dtype == torch.uint8
    assert raw.train[1].tolist() == [i % 10 for i in range(240)] and raw.train[1].dtype == torch.int64
    assert raw.test[0].shape == (60, 1, 28, 28)
    first_row = list(tiny_files["train-images-idx3-ubyte"][16 : 16 + 28])
    assert raw.train[0][0, 0, 0].tolist() == first_row


def test_one_changed_byte_is_found_and_named(data_dir, tiny_mnist):
    path = tiny_mnist.path / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    with pytest.raises(LthError, match="t10k-images-idx3-ubyte is corrupt .*delete it and run `lth data mnist`"):
        reading.read(tiny_mnist)


def test_refuses_a_wrong_count(monkeypatch, tiny_mnist, tiny_files):
    short = with_files(monkeypatch, tiny_mnist, tiny_files, sizes=(241, 60))
    with pytest.raises(LthError, match="holds 240x1x28x28 .* pixels and 240 labels where MNIST has 241x1x28x28"):
        reading.read(short)


def test_reads_cifar_batches_channel_first(monkeypatch, tiny_mnist):
    random = np.random.default_rng(0)
    arrays = {name: random.integers(0, 256, (4, 3072), dtype=np.uint8) for name, _ in catalogue.CIFAR10.files}
    contents = {name: pickle.dumps({"data": data, "labels": [0, 1, 9, 3]}) for name, data in arrays.items()}
    tiny = with_files(monkeypatch, catalogue.CIFAR10, contents, sizes=(20, 4))
    raw = reading.read(tiny)
    assert raw.label == "CIFAR-10" and raw.train[0].shape == (20, 3, 32, 32)
    # Batch 2, image 1: the second thousand of bytes is the green channel, row by row.
    assert raw.train[0][5, 1, 0, 2].item() == arrays["data_batch_2"][1, 1024 + 2]
    assert raw.train[1].tolist() == [0, 1, 9, 3] * 5
    np.testing.assert_array_equal(raw.test[0].reshape(4, -1).numpy(), arrays["test_batch"])


def test_copy_round_trip_and_damage(data_dir, tiny_mnist):
    raw = reading.read(tiny_mnist)
    reading.write_copy(tiny_mnist.copy, dataclasses.replace(raw, label="MNIST (JPEG copy)"))
    assert reading.read(tiny_mnist).label == "MNIST"  # the original wins
    for name, _ in tiny_mnist.files:
        (tiny_mnist.path / name).unlink()
    again = reading.read(tiny_mnist)
    assert again.label.startswith("MNIST (JPEG copy ") and torch.equal(again.train[0], raw.train[0])
    content = bytearray(tiny_mnist.copy.read_bytes())
    content[len(content) // 2] ^= 1
    tiny_mnist.copy.write_bytes(content)
    with pytest.raises(LthError, match="mnist-copy.npz is corrupt: delete it and run `lth data mnist --from DIR`"):
        reading.read(tiny_mnist)


def test_a_label_beyond_the_classes_is_told_with_those_of_the_data_set(data_dir, tiny_mnist):
    shirts = dataclasses.replace(tiny_mnist, label="Shirts", classes=("plain", "striped"))
    with pytest.raises(LthError, match=r"holds the label 9, but Shirts has 2 classes \(plain, striped\)"):
        reading.read(shirts)


@pytest.fixture
def copied(data_dir, tiny_mnist) -> reading.Raw:
    """The tiny MNIST as an image copy only."""
    raw = dataclasses.replace(reading.read(tiny_mnist), label="MNIST (JPEG copy)")
    reading.write_copy(tiny_mnist.copy, raw)
    for name, _ in tiny_mnist.files:
        (tiny_mnist.path / name).unlink()
    return raw


def test_copies_of_one_label_but_other_images_have_other_fingerprints(copied, tiny_mnist):
    first = reading.copy_fingerprint(tiny_mnist)
    assert len(first) == 64
    reading.write_copy(tiny_mnist.copy, copied)
    assert reading.copy_fingerprint(tiny_mnist) == first
    copied.train[0][7, 0, 3, 5] ^= 1
    reading.write_copy(tiny_mnist.copy, copied)
    assert reading.copy_fingerprint(tiny_mnist) != first
    tiny_mnist.copy.unlink()
    with pytest.raises(LthError, match="there is no copy of MNIST: run `lth data mnist --from DIR`"):
        reading.copy_fingerprint(tiny_mnist)


def rewritten(path, **changes) -> None:
    """Change the arrays of the archive at `path`; None leaves one out."""
    with np.load(path) as arrays:
        contents = {name: array for name, array in (dict(arrays) | changes).items() if array is not None}
    np.savez(path, **contents)


def test_a_copy_from_before_fingerprints_has_the_same_one(copied, tiny_mnist):
    fingerprint = reading.copy_fingerprint(tiny_mnist)
    rewritten(tiny_mnist.copy, sha256=None)
    assert reading.copy_fingerprint(tiny_mnist) == fingerprint
    assert torch.equal(reading.read(tiny_mnist).test[0], copied.test[0])


def test_images_that_are_not_those_of_the_fingerprint_are_refused(copied, tiny_mnist):
    rewritten(tiny_mnist.copy, test=copied.test[0].numpy() + 1)
    with pytest.raises(LthError, match="mnist-copy.npz is corrupt"):
        reading.read(tiny_mnist)


def test_unknown_name():
    with pytest.raises(LthError, match="unknown data set 'minst': choose one of mnist, fashion-mnist, cifar10"):
        catalogue.find("minst")
