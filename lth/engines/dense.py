"""One run of a fully connected net on one core: matrix products into fixed buffers, everything else compiled.

A step is PyTorch's matrix products (most of the time) and a few Numba passes, each over memory that is used anyway:
the same in PyTorch's elementwise operations takes a third longer.
"""

import numpy as np
import torch

from lth.data import TrialData
from lth.engines import _passes
from lth.engines._connected import affine, layer_names, part_of
from lth.recipes import Recipe
from lth.training import PARTS, Moments, Start, Weights

BLOCK = 500  # images measured at a time: their activations stay in the second-level cache


class Dense:
    """A stack of one (lth.training.Engine) that multiplies whole matrices and keeps masked weights at 0."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start]):
        """Copy the weights into one flat array. Raises LthError where net, optimizer or number of runs do not fit."""
        self._names = layer_names(recipe, starts)
        (self._data,), (start,) = data, starts
        self._recipe = recipe
        self._shapes = {name: weight.shape for name, weight in start.weights.items()}
        ones = {name: torch.ones(shape) for name, shape in self._shapes.items()}
        mask = self._flatten(ones | {name: value.float() for name, value in start.masks.items()})
        moments = start.moments
        self._flat = self._flatten(start.weights) * mask
        self._first, self._second = (
            self._flatten(part) * mask if moments else torch.zeros_like(mask)
            for part in ((moments.first, moments.second) if moments else (None, None))
        )
        self._steps = moments.steps if moments else 0
        self._mask = mask.bool()
        self._gradient = torch.zeros_like(self._flat)
        self._parameters, self._gradients = self._views(self._flat), self._views(self._gradient)
        self._images = self._data.images.pixels.flatten(1)
        self._affine = affine(self._data.images)
        self._measured: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        self._batch = _Buffers(recipe.batch_size, self._parameters, self._names)
