"""How much a difference in accuracy hangs on which test images there are, from which of them each network gets wrong.

Trials share one test set, so that intervals over trials are for new networks on the same images, not for new images.
"""

from collections.abc import Iterable, Sequence

import numpy as np


def matrix(wrong: Iterable[Sequence[int]], images: int) -> np.ndarray:
    """Whether each network is wrong about each image, 0 or 1, (networks, images), from the positions it gets wrong."""
    rows = [np.isin(np.arange(images), np.asarray(places, int)) for places in wrong]
    return np.array(rows, float)


def shared(errors: np.ndarray) -> float:
    """The share of a network's errors that another makes too, the mean over all pairs; errors: (networks, images)."""
    common = errors @ errors.T
    return float((common.sum() - np.trace(common)) / (len(errors) - 1) / np.trace(common))


def standard_errors(differences: np.ndarray) -> tuple[float, float]:
    """Of a mean difference: over trials alone, and over trials and images, both drawn anew.

    differences: (trials, images), one kind of network's errors minus another's. Clustered both ways: the variances over
    either, less that of single entries, which is in both (Cameron, Gelbach & Miller, "Robust inference with multiway
    clustering", Journal of Business & Economic Statistics 29, 2011). The second is never told to be below the first.
    """
    trials, images = differences.shape
    over_trials = differences.mean(axis=1).var(ddof=1) / trials
    over_images = differences.mean(axis=0).var(ddof=1) / images
    both = over_trials + max(0.0, over_images - differences.var(ddof=1) / differences.size)
    return float(np.sqrt(over_trials)), float(np.sqrt(both))
