import torch
from torch.nn import functional as F

from lth.augmentation import KINDS, augment, draw


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
