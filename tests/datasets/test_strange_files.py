"""Data sets as people's machines have them: files of equal names, things that are no files, images that are no such."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from test_download import offline, put, put_images  # noqa: F401

from lth.datasets import catalogue, download, reading
from lth.errors import LthError


def test_the_file_with_the_right_checksum_is_taken_among_those_of_one_name(tiny_mnist, tiny_files, tmp_path):
    for folder in ("a", "z"):  # an older, truncated copy before and after the whole one
        put(tmp_path / "source" / folder, tiny_files, change=lambda content: content[:-9])
    put(tmp_path / "source" / "m", tiny_files)
    put(tmp_path / "source", tiny_files, ".gz")  # which are not gzipped at all
    assert download.fetch("mnist", tmp_path / "source") == tiny_mnist.path
    assert {p.name: p.read_bytes() for p in tiny_mnist.path.iterdir()} == tiny_files


def test_names_with_a_dot_are_known(tiny_mnist, tiny_files, tmp_path):
    put(tmp_path / "source", {name.replace("-idx", ".idx"): content for name, content in tiny_files.items()})
    assert download.fetch("mnist", tmp_path / "source") == tiny_mnist.path


def test_files_of_another_data_set_are_not_called_corrupt(tiny_mnist, tiny_files, tmp_path):
    put(tmp_path / "source", tiny_files)
    with pytest.raises(LthError, match="is a file of MNIST, not of Fashion-MNIST"):
        download.fetch("fashion-mnist", tmp_path / "source")


def test_both_data_sets_in_one_folder_are_told_apart(tiny_mnist, tiny_files, tmp_path, monkeypatch):
    other = {name: content[:-1] + bytes([content[-1] ^ 1]) for name, content in tiny_files.items()}
    rows = tuple((name, reading.md5_of(content)) for name, content in other.items())
    fashion = replace(catalogue.FASHION_MNIST, files=rows, sizes=tiny_mnist.sizes)
    monkeypatch.setitem(catalogue.DATA_SETS, "fashion-mnist", fashion)
    put(tmp_path / "source" / "mnist", tiny_files)
    put(tmp_path / "source" / "fashion", other)
    for name in ("mnist", "fashion-mnist"):
        assert download.fetch(name, tmp_path / "source") == catalogue.DATA_SETS[name].path


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "loop", "~nobody-of-this-name/x"])
def test_a_source_that_is_neither_folder_nor_file_is_told_at_once(tiny_mnist, tmp_path, kind):
    source = tmp_path / "source" if "/" not in kind else Path(kind)
    if kind == "pipe":
        os.mkfifo(source)
    if kind == "loop":
        source.symlink_to(source)
    with pytest.raises(LthError, match="cannot read .*|--from names a home folder that does not exist"):
        download.fetch("mnist", source)


def test_data_behind_a_link_to_another_disk_are_fetched(tiny_mnist, tiny_files, tmp_path, monkeypatch):
    """A rename does not reach another disk."""
    replace_, far = os.replace, tiny_mnist.path

    def renamed(source, target):
        if Path(target).parent == far != Path(source).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace_(source, target)

    monkeypatch.setattr(os, "replace", renamed)
    put(tmp_path / "source", tiny_files)
    assert download.fetch("mnist", tmp_path / "source") == far
    assert {p.name: p.read_bytes() for p in far.iterdir()} == tiny_files


def test_files_that_only_another_user_may_read_are_told(data_dir, tiny_mnist, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", denied)  # the administrator may read everything
        with pytest.raises(
            LthError, match="cannot read .*ubyte .Permission denied.: make it readable, or set LTH_DATA"
        ):
            reading.read(tiny_mnist)
    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(LthError, match="cannot read .*raw/train-images.* .Permission denied"):
        reading.read(tiny_mnist)


def test_what_killed_downloads_have_left_is_deleted(data_dir, tiny_mnist, tiny_files, tmp_path):
    gone, mine = (reading.datasets_dir() / f".part-{process}-x" for process in (999_999_999, os.getpid()))
    gone.mkdir(), mine.mkdir()
    (tiny_mnist.path / "t10k-labels-idx1-ubyte").unlink()
    download.fetch("mnist", put(tmp_path / "source", tiny_files))
    assert mine.exists() and not gone.exists()


def damage(folder: Path, kind: str) -> None:
    """Put another kind of image, or of thing, in the place of one."""
    path = folder / "train/3/0003.png"
    if kind == "16 bits":
        Image.new("I;16", (28, 28), 40_000).save(path)
    if kind == "huge":
        Image.new("1", (20_000, 20_000)).save(path)
    if kind == "transparent":
        Image.new("RGBA", (28, 28), (9, 9, 9, 100)).save(path)
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("L", (28, 28)).save(path, exif=exif)
    if kind == "pipe":
        path.unlink()
        os.mkfifo(path)
    if kind == "loop":
        path.unlink()
        path.symlink_to(path)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("16 bits", "0003.png must have 8 bits a channel, not the mode I;16"),
        ("huge", "0003.png must be 28x28 pixels, and is far larger"),
        ("transparent", "0003.png is transparent in places"),
        ("turned", "0003.png is to be turned when it is shown"),
        ("pipe", "0003.png is not a whole image"),
        ("loop", "0003.png is not a whole image"),
    ],
)
def test_images_that_are_not_what_they_seem_are_refused(tiny_mnist, tmp_path, kind, says):
    folder = put_images(tmp_path / "pictures")
    damage(folder, kind)
    with pytest.raises(LthError, match=says):
        download.fetch("mnist", folder)


def test_test_images_that_are_training_images_are_refused(tiny_mnist, tmp_path):
    folder = put_images(tmp_path / "pictures")
    for number, image in enumerate(sorted((folder / "test").rglob("*.png"))):
        image.write_bytes(sorted((folder / "train").rglob("*.png"))[number].read_bytes())
    with pytest.raises(LthError, match="60 of the 60 images in .*test are in .*train too"):
        download.fetch("mnist", folder)


def test_classes_must_have_as_many_images_as_the_data_set_says(data_dir, tiny_mnist):
    counts = ((24,) * 10, (6,) * 10)
    reading.read(replace(tiny_mnist, counts=counts))
    with pytest.raises(LthError, match="holds 24 images of 0 where MNIST has 25"):
        reading.read(replace(tiny_mnist, counts=((25, 23, *counts[0][2:]), counts[1])))


def test_labels_of_copies_say_which_images_they_hold(data_dir, tiny_mnist):
    """The label is part of a run's key; only that of the copy which records are on is plain."""
    raw = replace(reading.read(tiny_mnist), label="MNIST (image copy)")
    (tiny_mnist.path / tiny_mnist.files[0][0]).unlink()
    reading.write_copy(tiny_mnist.copy, raw)
    first = reading.copy_label(tiny_mnist)
    fingerprint = reading.copy_fingerprint(tiny_mnist)
    assert first == f"MNIST (image copy {fingerprint[:8]})" == reading.read(tiny_mnist).label
    assert reading.copy_label(replace(tiny_mnist, plain_copy=fingerprint)) == "MNIST (image copy)"
    raw.train[0][7, 0, 3, 5] ^= 1
    reading.write_copy(tiny_mnist.copy, raw)
    assert reading.copy_label(tiny_mnist) not in (first, "MNIST (image copy)")
    with pytest.raises(LthError, match="holds MNIST .image copy .*, not MNIST .image copy"):
        reading.read(tiny_mnist, first)
    assert torch.equal(reading.read(tiny_mnist).train[0], raw.train[0])
