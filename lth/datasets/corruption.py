"""Training images that tell less or nothing: sanity checks of what a mask knows of the data.

Source: Su et al., "Sanity-Checking Pruning Methods" (arXiv 2009.11094), section 3. Test images stay as they are; the
validation images, which are taken from the training images, do not.
"""

from dataclasses import replace

import torch

from lth.data import Images, TrialData
from lth.runs import stream

TENTH = 10


def corrupted(images: Images, corruption: str) -> Images:
    """All training images with the pixels of each shuffled, or with labels drawn at random; the same for all trials."""
    generator = stream(0, 0, "corruption")
    if corruption == "shuffled-pixels":
        flat = images.pixels.flatten(2)  # (n, channels, pixels); the channels of a pixel stay together
        parts = []
        for part in flat.split(5000):
            order = torch.rand(len(part), 1, part.shape[2], generator=generator).argsort(2)
            parts.append(part.gather(2, order.expand_as(part)))
        return replace(images, pixels=torch.cat(parts).view_as(images.pixels))
    if corruption == "random-labels":
        classes = int(images.labels.max()) + 1
        return replace(images, labels=torch.randint(classes, images.labels.shape, generator=generator))
    return images


def cut(data: TrialData, corruption: str) -> TrialData:
    """A trial's data, of which a tenth of the training images is left where that is the corruption."""
    if corruption != "tenth":
        return data
    train = data.train[: len(data.train) // TENTH]
    return replace(data, train=train, subset=train[: len(data.subset)])
