"""The estimate by which a GPU's memory is shared out. On a GPU, what one replica really takes is asked."""

from dataclasses import replace

import pytest
import torch

from lth.engines import _memory
from lth.recipes import RECIPES

MB = 2**20


@pytest.mark.parametrize(
    ("name", "least"), [("lenet", 9), ("conv2", 9 * 16), ("resnet18", 2 * 128 * 2), ("vgg19", 700)]
)
def test_a_replica_takes_its_parameters_and_activations(name, least):
    """LeNet and Conv-2 are mostly parameters (1 and 16 MB); ResNet-18 keeps some 2 MB for each of 128 images."""
    assert least * MB < _memory.replica_bytes(RECIPES[name]) < 3 * least * MB + 400 * MB


def test_more_images_take_more_memory():
    small, large = (_memory.replica_bytes(replace(RECIPES["resnet18"], batch_size=size)) for size in (64, 128))
    assert small < large < 2 * small


def test_as_many_replicas_as_fit(monkeypatch):
    used = RECIPES["conv4"]
    one = _memory.replica_bytes(used)
    for free, fit in ((20 * one, 16), (2.6 * one, 2), (one // 2, 1)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (int(free), 100 * one))
        assert _memory.most_replicas(used) == fit
