"""One run of a fully connected net on one core: matrix products into fixed buffers, the rest in compiled passes.

A step is eight of PyTorch's matrix products (LeNet), which take most of the time, and a few Numba passes, which take
less than the chains of elementwise PyTorch operations they stand for.
"""

from typing import NamedTuple

import numpy as np
import torch

from lth.data import TrialData
from lth.engines._elementwise import Adam, classify, to_floats, update
from lth.engines._preconditions import affine, layer_names, part_of
from lth.recipes import Recipe
from lth.training import PARTS, Moments, Start, Weights

BLOCK = 500  # images measured at a time, so that what passes from layer to layer stays in the second-level cache


class _Part(NamedTuple):
    """Images to measure: only the pixels that are not black in all of them."""

    pixels: torch.Tensor  # int64 (P,): which pixels of an image
    bytes: np.ndarray  # uint8 (n, P)
    image_scale: np.ndarray  # float32 (n,)
    labels: np.ndarray  # int64 (n,)


class Dense:
    """A stack of one (lth.training.Engine) that multiplies whole matrices and keeps masked weights at 0, or frozen."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start]):
        """Copy the weights into one flat array. Raises LthError where net, optimizer or number of runs do not fit."""
        names = layer_names(recipe, starts)
        (self._data,), (start,) = data, starts
        self._recipe = recipe
        self._shapes = {name: weight.shape for name, weight in start.weights.items()}
        full = {name: torch.ones(shape, dtype=torch.bool) for name, shape in self._shapes.items()} | start.masks
        self._mask = self._flatten(full).bool().numpy()
        none = {name: torch.zeros(shape) for name, shape in self._shapes.items()}
        moments = start.moments or Moments(none, none, 0)
        flats = [self._flatten(part) for part in (start.weights, none, moments.first, moments.second)]
        self._adam = Adam(*(flat.numpy() for flat in flats))
        for values in self._adam[1:] if recipe.pruning.frozen else self._adam:
            values[~self._mask] = 0
        self._steps = moments.steps
        views, gradients = self._views(flats[0]), self._views(flats[1])
        self._layers = [(views[f"{name}.weight"], views[f"{name}.bias"]) for name in names]
        self._gradients = [(gradients[f"{name}.weight"], gradients[f"{name}.bias"]) for name in names]
        self._rows = [self._room(rows) for rows in (recipe.batch_size, BLOCK)]
        self._deltas = self._room(recipe.batch_size)[1:]
        self._images = self._data.images.pixels.flatten(1).contiguous().numpy()
        self._affine = affine(self._data.images)
        self._parts = {part: _prepare(self._data, part) for part in PARTS}

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take indices.shape[1] steps after `iteration` finished ones; returns the mean training loss, shape (1,)."""
        rows, loss = self._rows[0], 0.0
        labels = self._data.images.labels[indices[0]].numpy()
        for step, batch in enumerate(indices[0].numpy()):
            to_floats(self._images, batch, *self._affine, rows[0].numpy())
            _forward(self._layers, rows)
            weight = np.float32(1 / len(batch))
            loss += classify(rows[-1].numpy().T, labels[step], self._deltas[-1].numpy().T, weight)[0] / len(batch)
            self._backward()
            self._steps += 1
            update(self._adam, self._mask, self._recipe.optimizer.learning_rate_at(iteration + step), self._steps)
        return np.array([loss / indices.shape[1]])

    def _backward(self) -> None:
        """Fill the gradients, given the derivatives of the loss by the logits in the last of the deltas."""
        for i in range(len(self._layers) - 1, -1, -1):
            delta, rows = self._deltas[i], self._rows[0][i]
            weight_gradient, bias_gradient = self._gradients[i]
            torch.mm(delta.t(), rows, out=weight_gradient)
            torch.sum(delta, 0, out=bias_gradient)
            if i:
                before = self._deltas[i - 1]
                torch.mm(delta, self._layers[i][0], out=before)
                torch.ops.aten.threshold_backward.grad_input(before, rows, 0, grad_input=before)

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of lth.training.PARTS, each of shape (1,)."""
        pixels, images, image_scale, labels = self._parts[part]
        _, pixel_scale, shift = map(torch.from_numpy, self._affine)
        (weight, bias), *others = self._layers
        layers = [(weight[:, pixels] * pixel_scale[pixels], bias + weight @ shift), *others]
        rows = [self._rows[1][0][:, : len(pixels)].contiguous(), *self._rows[1][1:]]
        loss, right, plain = 0.0, 0, (np.ones(len(pixels), np.float32), np.zeros(len(pixels), np.float32))
        for start in range(0, len(labels), BLOCK):
            chosen = np.arange(start, min(start + BLOCK, len(labels)))
            part_rows = [values[: len(chosen)] for values in rows]
            to_floats(images, chosen, image_scale, *plain, part_rows[0].numpy())
            _forward(layers, part_rows)
            logits = part_rows[-1].numpy().T
            block_loss, block_right = classify(logits, labels[chosen], np.empty_like(logits), np.float32(0))
            loss += block_loss
            right += block_right
        return np.array([loss / len(labels)]), np.array([right / len(labels)])

    def weights(self, replica: int) -> Weights:
        """A copy of the weights, where masked exactly 0 or frozen at the start."""
        return self._views(torch.from_numpy(self._adam.values.copy()))

    def moments(self, replica: int) -> Moments:
        """A copy of Adam's state, 0 where masked."""
        first, second = (torch.from_numpy(part.copy()) for part in (self._adam.first, self._adam.second))
        return Moments(self._views(first), self._views(second), self._steps)

    def _flatten(self, parameters: Weights) -> torch.Tensor:
        return torch.cat([parameters[name].detach().flatten() for name in self._shapes])

    def _views(self, flat: torch.Tensor) -> Weights:
        parts = flat.split([shape.numel() for shape in self._shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def _room(self, rows: int) -> list[torch.Tensor]:
        """A row an image for the pixels and for what each layer puts out."""
        return [torch.empty(rows, width) for width in (self._layers[0][0].shape[1], *(len(b) for _, b in self._layers))]


def _forward(layers: list[tuple[torch.Tensor, torch.Tensor]], rows: list[torch.Tensor]) -> None:
    """Compute rows[1:], what each layer puts out, from the pixels in rows[0]: ReLU everywhere but at the end."""
    for i, (weight, bias) in enumerate(layers):
        torch.addmm(bias, rows[i], weight.t(), out=rows[i + 1])
        if i + 1 < len(layers):
            rows[i + 1].relu_()


def _prepare(data: TrialData, part: str) -> _Part:
    """The bytes of a part without the pixels (about a tenth of MNIST's) that are black in all its images.

    Black pixels are 0 before the shift, which measuring folds into the biases; so leaving them out changes nothing.
    """
    images, positions = part_of(data, part)
    pixels = images.pixels[positions].flatten(1)
    seen = pixels.amax(0).nonzero().flatten()
    labels = images.labels[positions].numpy()
    return _Part(seen, pixels[:, seen].numpy(), affine(images)[0][positions], labels)
