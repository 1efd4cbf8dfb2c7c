"""Compiled passes over memory that both CPU engines make: softmax with its loss, Adam, and bytes to floats."""

from typing import NamedTuple

import numpy as np

from lth.engines._cache import cached


class Adam(NamedTuple):
    """The flat parameters and what Adam (arXiv 1412.6980) remembers of them: float32, all of one length."""

    values: np.ndarray
    gradient: np.ndarray
    first: np.ndarray
    second: np.ndarray


@cached
def classify(logits, labels, deltas, weight):
    """Summed cross-entropy (float64) of the first len(labels) images, and how many of them are classified right.

    `logits` (classes, images or more). `deltas`, of the same shape, becomes weight × the derivatives of that sum by
    the logits, 0 beyond the labelled images. The first of equal logits wins, as in PyTorch.
    """
    loss, right = 0.0, 0
    classes = len(logits)
    for image in range(len(labels)):
        best = 0
        for c in range(1, classes):
            if logits[c, image] > logits[best, image]:
                best = c
        top = logits[best, image]
        total = np.float32(0)
        for c in range(classes):
            deltas[c, image] = np.exp(logits[c, image] - top)
            total += deltas[c, image]
        label = labels[image]
        loss += np.log(total) + (top - logits[label, image])
        right += best == label
        for c in range(classes):
            deltas[c, image] *= weight / total
        deltas[label, image] -= weight
    deltas[:, len(labels) :] = 0
    return loss, right


@cached
def update(adam, mask, rate, steps):
    """Adam's step number `steps` (from 1) where `mask` (bool); elsewhere parameters and moments of 0 stay 0."""
    size = np.float32(rate / (1 - 0.9**steps))
    root = np.float32(1 / np.sqrt(1 - 0.999**steps))
    values, gradient, first, second = adam
    for i in range(len(values)):
        g = gradient[i] * np.float32(mask[i])
        first[i] += (g - first[i]) * np.float32(0.1)
        second[i] = second[i] * np.float32(0.999) + g * g * np.float32(0.001)
        values[i] -= size * first[i] / (np.sqrt(second[i]) * root + np.float32(1e-8))


@cached
def to_floats(images, chosen, image_scale, pixel_scale, shift, floats):
    """floats[i] = images[chosen[i]] × image_scale[chosen[i]] × pixel_scale + shift, a row of pixels each."""
    for i, image in enumerate(chosen):
        scale = image_scale[image]
        for p in range(images.shape[1]):
            floats[i, p] = images[image, p] * scale * pixel_scale[p] + shift[p]
