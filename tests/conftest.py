"""Shared fixtures: a tiny MNIST in MNIST's own file format, in a data folder of its own."""

import dataclasses
import hashlib

import dask
import pytest
import torch
from dask.distributed import LocalCluster
from tiny import TEST, TRAIN, idx_bytes, tiny_images
from tiny_study import STUDY

from lth.datasets import catalogue
from lth.running.cluster import NO_PROFILE
from lth.studies.catalogue import STUDIES

torch.set_num_threads(1)  # as the workers does: several threads on tiny nets only wait for each other
dask.config.set(NO_PROFILE)  # for the clusters that tests start themselves


@pytest.fixture(scope="session")
def tiny_files() -> dict[str, bytes]:
    """The four files of the tiny MNIST by name."""
    arrays = (*tiny_images(TRAIN, 0), *tiny_images(TEST, 1))
    return {name: idx_bytes(array) for (name, _), array in zip(catalogue.MNIST.files, arrays, strict=True)}


@pytest.fixture
def tiny_mnist(monkeypatch, tmp_path, tiny_files):
    """An empty data folder in which "mnist" means the tiny files: their sizes and checksums, nothing else changed."""
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "data"))
    files = tuple((name, hashlib.md5(content).hexdigest()) for name, content in tiny_files.items())
    tiny = dataclasses.replace(catalogue.MNIST, files=files, sizes=(TRAIN, TEST))
    monkeypatch.setitem(catalogue.DATA_SETS, "mnist", tiny)
    return tiny


@pytest.fixture
def data_dir(tiny_mnist, tiny_files):
    """The data folder of `tiny_mnist` with the four files in place."""
    tiny_mnist.path.mkdir(parents=True)
    for name, content in tiny_files.items():
        (tiny_mnist.path / name).write_bytes(content)
    return tiny_mnist.path.parents[2]


@pytest.fixture
def tiny_study(data_dir, monkeypatch):
    """The study "tiny" by name, and the data it needs."""
    monkeypatch.setitem(STUDIES, "tiny", STUDY)
    return STUDY


@pytest.fixture(scope="session")
def scheduler():
    """The address of a Dask scheduler with one worker, both in this process, so that they see its fixtures."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address
