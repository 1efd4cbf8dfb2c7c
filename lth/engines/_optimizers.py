"""Compiled steps of SGD and Adam over flat parameters."""

from typing import NamedTuple

import numpy as np

from lth.engines._cache import cached


class Flat(NamedTuple):
    """The flat parameters, their gradient, and what the optimizer remembers: float32, all of one length."""

    values: np.ndarray
    gradient: np.ndarray
    first: np.ndarray  # SGD's momentum, or Adam's first moments
    second: np.ndarray  # Adam's second moments


@cached
def sgd(flat, rate, momentum, decay):
    """A step of SGD with momentum and weight decay, as PyTorch takes it."""
    for i in range(len(flat.values)):
        change = flat.gradient[i] + decay * flat.values[i]
        flat.first[i] = momentum * flat.first[i] + change
        flat.values[i] -= rate * flat.first[i]


@cached
def adam(flat, rate, decay, steps):
    """Adam's step number `steps` (from 1; arXiv 1412.6980), with weight decay as part of the gradient."""
    size = np.float32(rate / (1 - 0.9**steps))
    root = np.float32(1 / np.sqrt(1 - 0.999**steps))
    for i in range(len(flat.values)):
        change = flat.gradient[i] + decay * flat.values[i]
        flat.first[i] += (change - flat.first[i]) * np.float32(0.1)
        flat.second[i] = flat.second[i] * np.float32(0.999) + change * change * np.float32(0.001)
        flat.values[i] -= size * flat.first[i] / (np.sqrt(flat.second[i]) * root + np.float32(1e-8))
