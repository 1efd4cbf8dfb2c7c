"""How far networks agree on the same images, from which of them each gets wrong.

Of an image that two networks get wrong nobody knows whether both say the same, so that a disagreement is one in being
right: a lower bound of the share of images with another answer. An ensemble gets right what most of its members do,
which likewise is the least that a vote of their classes does.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np


def wrong(places: Sequence[int] | np.ndarray, images: int) -> np.ndarray:
    """Whether each of so many images is among the wrong ones: bool, (images,)."""
    bits = np.zeros(images, bool)
    bits[np.asarray(places, int)] = True
    return bits


def disagreement(one: np.ndarray, other: np.ndarray) -> float:
    """The share of images that exactly one of two networks gets wrong."""
    return float((one != other).mean())


def mean_disagreement(networks: Iterable[np.ndarray]) -> float:
    """The mean disagreement of all pairs; nan for fewer than two networks."""
    pairs = [disagreement(one, other) for one, other in combinations(networks, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def ensemble_accuracy(networks: Sequence[np.ndarray]) -> float:
    """The share of images that more than half of the networks get right."""
    return float((np.mean(networks, axis=0) < 0.5).mean())


def ensemble_gain(networks: Sequence[np.ndarray]) -> float:
    """How much more accurate an ensemble is than its members are on average."""
    return ensemble_accuracy(networks) - (1 - float(np.mean(networks)))
