"""Data that tell less: what is changed, and what is not."""

from dataclasses import replace

import pytest
import torch
from own import clouds
from tiny_study import TINY

from lth.datasets import loading
from lth.errors import LthError
from lth.lottery import Chain
from lth.recipes import RECIPES
from lth.running import checks
from lth.runs import stream


def load(corruption: str, trial: int = 0):
    return loading.load(replace(TINY, corruption=corruption, batch_size=10), stream(0, trial, "split"))


def test_shuffled_pixels_are_the_same_pixels_elsewhere_in_each_image(data_dir):
    plain, shuffled = load(""), load("shuffled-pixels")
    before, after = plain.images.pixels.flatten(1), shuffled.images.pixels.flatten(1)
    assert torch.equal(before.sort(1).values, after.sort(1).values)
    orders = [(image != other).float().mean() for image, other in zip(before, after, strict=True)]
    assert min(orders) > 0.5  # every image, in an order of its own:
    mean_before, mean_after = (part.float().mean(0).std() for part in (before, after))
    assert mean_after < mean_before / 2
    assert torch.equal(plain.images.labels, shuffled.images.labels)
    assert torch.equal(plain.test.pixels, shuffled.test.pixels)
    assert torch.equal(shuffled.images.pixels, load("shuffled-pixels", trial=1).images.pixels)


def test_random_labels_fit_no_image(data_dir):
    plain, random = load(""), load("random-labels")
    assert torch.equal(plain.images.pixels, random.images.pixels)
    assert float((plain.images.labels == random.images.labels).float().mean()) == pytest.approx(0.1, abs=0.08)
    assert set(random.images.labels.tolist()) == set(range(10))
    assert torch.equal(plain.test.labels, random.test.labels)


def test_a_tenth_is_a_tenth_of_the_training_images_of_each_trial(data_dir):
    plain, few = load(""), load("tenth")
    assert len(few.train) == len(plain.train) // 10 == 20 and torch.equal(few.train, plain.train[:20])
    assert set(few.subset.tolist()) <= set(few.train.tolist())
    assert torch.equal(few.validation, plain.validation)
    assert not torch.equal(few.train, load("tenth", trial=1).train)


def test_what_cannot_be_corrupted_or_carried_over_is_refused(data_dir):
    with pytest.raises(LthError, match="unknown corruption 'blur': choose one of"):
        replace(TINY, corruption="blur")
    own = replace(TINY, dataset=clouds, preprocessing="none", corruption="tenth")
    with pytest.raises(LthError, match="tenth is for data sets with a name only"):
        loading.load(own, torch.Generator())
    nested = replace(TINY, name="middle", masks_from=TINY)
    with pytest.raises(LthError, match="takes masks from middle, which has none of its own"):
        replace(TINY, masks_from=nested)


def test_masks_are_not_carried_between_data_of_different_shape():
    cifar = loading.shaped(replace(RECIPES["lenet"], name="colours", dataset="cifar10"))
    with pytest.raises(LthError) as refused:
        checks.check(Chain(replace(cifar, masks_from=RECIPES["lenet"]), 0, 1, {"ticket": 1}))
    assert str(refused.value).startswith(
        "the masks of lenet, on images of 1x28x28, do not fit colours, on images of 3x32x32: fc1.weight has the shape "
        "300x784 there and 300x3072 here"
    )
    fashion = loading.shaped(replace(RECIPES["lenet"], name="fashion", dataset="fashion-mnist"))
    checks.check(Chain(replace(fashion, masks_from=RECIPES["lenet"]), 0, 1, {"ticket": 1}))
