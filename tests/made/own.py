"""A network, images and a criterion of one's own, as a user's module would hold them."""

import torch
from torch import nn

import lth


class Net(nn.Module):
    """20 numbers in, three classes out."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 30)
        self.out = nn.Linear(30, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def clouds() -> lth.Data:
    """Three clouds of points that overlap a little."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(3, 20, generator=generator)

    def part(count):
        labels = torch.randint(0, 3, (count,), generator=generator)
        labels[:3] = torch.arange(3)
        return centres[labels] + torch.randn(count, 20, generator=generator), labels

    return lth.Data(train=part(300), test=part(150), name="clouds")


def pictures() -> lth.Data:
    """Noise of 3x8x8 bytes whose first channel is brighter for the second class."""
    generator = torch.Generator().manual_seed(0)

    def part(count):
        labels = torch.arange(count) % 2
        images = torch.randint(0, 200, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
        images[:, 0] += (50 * labels).to(torch.uint8).view(-1, 1, 1)
        return images, labels

    return lth.Data(train=part(200), test=part(100), name="pictures")


def initial_times_final(weights, masks, *, start, gradients):
    """|start × final|: a weight that was small at either time goes first."""
    return {name: (weights[name] * start[name]).abs() for name in masks}


SHORT = lth.RECIPES["lenet"].but(
    name="short", batch_size=20, iterations=40, validation_size=60, eval_every=10, train_eval_every=20
)
