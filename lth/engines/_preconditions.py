"""What both CPU engines for fully connected nets ask of a run before they take it."""

import numpy as np
import torch

from lth.data import Images, TrialData
from lth.errors import LthError
from lth.recipes import Recipe
from lth.training import PARTS, Start


def layer_names(recipe: Recipe, starts: list[Start]) -> list[str]:
    """The names of the layers from the pixels to the classes, such as fc1.

    Raises LthError unless this is one run of a stack of fully connected layers trained by Adam on images as they are.
    """
    if len(starts) != 1:
        raise LthError(f"the CPU engines train one run at a time, not {len(starts)}: choose the stacked engine")
    if recipe.optimizer.name != "adam" or recipe.optimizer.weight_decay:
        raise LthError("the dense and sparse engines know Adam without weight decay only: choose the stacked engine")
    weights = starts[0].weights
    names = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]
    expected = {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
    if recipe.augment or set(weights) != expected or any(weights[f"{name}.weight"].dim() != 2 for name in names):
        raise LthError(
            f"the dense and sparse engines train fully connected nets on unaugmented images, "
            f"not recipe {recipe.name!r}: choose the stacked engine"
        )
    return names


def affine(images: Images) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale of each image (n,), scale of each pixel and shift of each pixel (inputs,): all float32, flattened."""
    count, channels, height, width = images.pixels.shape
    if images.scale.shape[0] > 1 and images.scale.shape[1] > 1:
        raise LthError("the dense and sparse engines take one scale an image or one a channel, not both")
    per_image = len(images.scale) > 1
    image_scale = images.scale.flatten() if per_image else torch.ones(count)
    scale = torch.ones(1) if per_image else images.scale
    pixel_scale, shift = (
        torch.broadcast_to(values, (1, channels, height, width)).flatten().numpy().copy()
        for values in (scale, images.shift)
    )
    return image_scale.contiguous().numpy(), pixel_scale, shift


def part_of(data: TrialData, part: str) -> tuple[Images, torch.Tensor]:
    """The images that a part of PARTS is taken from, and its positions in them."""
    return {
        PARTS[0]: (data.images, data.validation),
        PARTS[1]: (data.test, torch.arange(len(data.test.labels))),
        PARTS[2]: (data.images, data.subset),
    }[part]
