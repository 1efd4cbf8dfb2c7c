import dataclasses

import pytest
import torch

from lth import data
from lth.datasets import catalogue, loading
from lth.errors import LthError
from lth.recipes import RECIPES

TINY = dataclasses.replace(RECIPES["lenet"], validation_size=40, train_eval_size=50)


def load(seed: int = 0, **changes) -> data.TrialData:
    return loading.load(dataclasses.replace(TINY, **changes), torch.Generator().manual_seed(seed))


def test_split_is_disjoint_and_whole(data_dir):
    trial = load()
    assert len(trial.train) == 200 and len(trial.validation) == 40 and len(trial.subset) == 50
    assert torch.equal(torch.cat([trial.train, trial.validation]).sort().values, torch.arange(240))
    assert set(trial.subset.tolist()) <= set(trial.train.tolist())
    assert len(trial.test) == 60 and trial.name == "MNIST"


def test_split_follows_the_generator(data_dir):
    first, again, other = load(1), load(1), load(2)
    assert torch.equal(first.train, again.train) and torch.equal(first.validation, again.validation)
    assert not torch.equal(first.validation.sort().values, other.validation.sort().values)
    assert first.images is other.images  # read once, shared between trials


def test_l2_gives_every_image_norm_one(data_dir):
    trial = load(preprocessing="l2")
    floats = trial.images.floats(trial.train)
    assert floats.dtype == torch.float32 and floats.shape == (200, 1, 28, 28)
    torch.testing.assert_close(floats.flatten(1).norm(dim=1), torch.ones(200))
    pixels = trial.images.pixels[trial.train[0]].float()
    torch.testing.assert_close(floats[0], pixels / pixels.norm())


def test_unit_and_standard(data_dir):
    pixels = load().images.pixels.float()
    everything = slice(None)
    torch.testing.assert_close(load(preprocessing="unit").images.floats(everything), pixels / 255)
    torch.testing.assert_close(
        load(preprocessing="standard").images.floats(everything), (pixels / 255 - 0.1307) / 0.3081, atol=1e-5, rtol=1e-5
    )


def test_standard_is_per_channel():
    pixels = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    scale, shift = data.preprocess(pixels, "standard", catalogue.CIFAR10.mean, catalogue.CIFAR10.std)
    expected = [(1 - 0.4914) / 0.2470, (1 - 0.4822) / 0.2435, (1 - 0.4465) / 0.2616]
    torch.testing.assert_close((pixels * scale + shift)[0, :, 0, 0], torch.tensor(expected))


def test_l2_leaves_a_black_image_black():
    scale, shift = data.preprocess(
        torch.zeros(1, 1, 28, 28, dtype=torch.uint8), "l2", catalogue.MNIST.mean, catalogue.MNIST.std
    )
    assert scale.isfinite().all() and shift.eq(0).all()


def test_validation_must_leave_something_to_train_on(data_dir):
    with pytest.raises(LthError, match="at most 180, not 240"):
        load(validation_size=240)


def test_missing_data_names_the_command(tiny_mnist):
    with pytest.raises(LthError, match="MNIST is not in .*: run `lth data mnist`"):
        load()
