from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from lth.data import KINDS, Images, TrialData, augment, draw, preprocess
from lth.datasets.catalogue import CIFAR10
from lth.engines.stacked import Stacked
from lth.models import initialise, skeleton
from lth.recipes import RECIPES
from lth.training import Start


def numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_kind_is_one_flip_and_one_shift():
    x = torch.rand(1, 3, 12, 10, generator=numbers(0)) + 1  # no pixel is 0, so that padding shows
    moved = augment(x.expand(KINDS, -1, -1, -1), torch.arange(KINDS))
    assert moved.shape == (KINDS, 3, 12, 10)
    expected = [
        F.pad(source, (4, 4, 4, 4))[0, :, row : row + 12, column : column + 10]
        for source in (x, x.flip(3))
        for row in range(9)
        for column in range(9)
    ]
    for image in expected:
        assert sum(torch.equal(image, other) for other in moved) == 1


@pytest.mark.parametrize("preprocessing", ["standard", "l2", "unit"])
def test_what_comes_in_at_the_edges_is_black_before_preprocessing(preprocessing):
    """Not 0 after it, which is the mean colour where images are standardised."""
    pixels = torch.randint(1, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=numbers(0))
    images = Images(pixels, torch.arange(3), *preprocess(pixels, preprocessing, CIFAR10.mean, CIFAR10.std))
    trial = TrialData("noise", images, images, *[torch.arange(3)] * 3)
    recipe = replace(RECIPES["resnet18"], preprocessing=preprocessing)
    weights = initialise(skeleton(recipe), numbers(1))
    stack = Stacked(recipe, [trial], [Start(weights, {}, numbers(2), numbers(3))])
    seen = []
    stack._logits = lambda x: seen.append(x) or torch.zeros(1, 3, 10, requires_grad=True)
    chosen = torch.tensor([[2, 0, 1]])
    stack._inputs = [stack.rate, chosen, torch.zeros(1, 3, dtype=torch.int64)]  # the crop in the upper left corner
    stack._step()
    black = images.as_floats(torch.zeros_like(pixels), chosen[0])
    assert torch.equal(seen[0][0, :, :, :4], black[:, :, :4]) and torch.equal(seen[0][0, ..., :4], black[..., :4])
    assert torch.equal(seen[0][0, :, :, 4:, 4:], images.floats(chosen[0])[:, :, :28, :28])
    if preprocessing == "standard":
        zero = torch.tensor([-0.4914 / 0.2470, -0.4822 / 0.2435, -0.4465 / 0.2616])
        torch.testing.assert_close(black[0, :, 0, 0], zero)


def test_each_image_is_moved_on_its_own():
    x = torch.rand(5, 3, 8, 8, generator=numbers(0))
    kinds = torch.tensor([0, 40, 80, 121, 161])
    alone = [augment(x[i : i + 1], kinds[i : i + 1]) for i in range(5)]
    assert torch.equal(augment(x, kinds), torch.cat(alone))
    assert torch.equal(alone[1], x[1:2])  # the crop in the middle, not flipped


def test_draws_are_uniform_and_do_not_depend_on_how_they_are_split():
    whole = draw((100, 162), numbers(1))
    counts = whole.flatten().bincount(minlength=KINDS).double()
    assert len(counts) == KINDS and (counts - 100).square().sum() / 100 < 250  # chi², 161 degrees: 99.99 % below 236
    generator = numbers(1)
    assert torch.equal(whole, torch.cat([draw((30, 162), generator), draw((70, 162), generator)]))
